"""How does Entra push? As docs/how-to/entra.md and the conversation `entra.json` have it."""

from collections.abc import Sequence
from typing import Any

from tests.conformance.year.directory import Group, Person
from tests.conformance.year.provider import GROUP, Provider, patch

ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


class Entra(Provider):
    """One operation for each attribute, names of operations capitalised, truths as texts.

    A user is deleted only thirty days after the end of its access.
    """

    adding = "Add"

    def create(self, person: Person) -> None:
        assert self.find("/Users", "userName", person.user_name) is None
        body = self.user_body(person) | {"meta": {"resourceType": "User"}, "roles": []}
        answer = self.push("POST", "/Users", body, fact=lambda told: told.set_person(person))
        self.ids[person.key] = answer.body["id"]

    def adopt(self, person: Person) -> None:
        """Find somebody by name who is there already, and let it be this person."""
        self.directory.set_person(person)
        user_id = self.find("/Users", "userName", person.user_name)
        assert user_id is not None, person
        self.ids[person.key] = user_id
        operations = [replaced("externalId", person.key), replaced("active", "True"), *self._names(person)]
        path = f"/Users/{user_id}"
        self.push("PATCH", path, patch(*operations), fact=lambda told: told.set_person(person))

    def update(self, person: Person) -> None:
        path = f"/Users/{self.ids[person.key]}"
        names = {name: getattr(person, name) for name in ("user_name", "given_name", "family_name")}
        body = patch(*self._names(person))
        self.push("PATCH", path, body, fact=lambda told: told.set_names(person.key, **names))

    def _names(self, person: Person) -> list[dict[str, Any]]:
        return [
            replaced("userName", person.user_name),
            replaced("displayName", person.display_name),
            replaced('emails[type eq "work"].value', person.user_name),
            replaced("name.givenName", person.given_name),
            replaced("name.familyName", person.family_name),
        ]

    def deactivate(self, key: str) -> None:
        self._set_active(key, active=False)

    def reactivate(self, key: str) -> None:
        assert self.find("/Users", "userName", self.directory.people[key].user_name) == self.ids[key]
        self._set_active(key, active=True)

    def _set_active(self, key: str, *, active: bool) -> None:
        body = patch(replaced("active", str(active)))
        path = f"/Users/{self.ids[key]}"
        self.push("PATCH", path, body, fact=lambda told: setattr(told.people[key], "active", active), people=[key])

    def forget(self, key: str) -> None:
        """Delete a user whose access ended long ago."""
        self.directory.drop_person(key)
        self.push("DELETE", f"/Users/{self.ids[key]}", fact=lambda told: told.drop_person(key), people=[key])

    def user_body(self, person: Person) -> dict[str, Any]:
        roles = {"roles": [{"value": role} for role in sorted(person.roles)]} if person.roles else {}
        return super().user_body(person) | roles

    def give_role(self, key: str, role: str) -> None:
        """Give somebody a role of the application."""
        self.directory.people[key].roles.add(role)
        body = patch({"op": "Add", "path": "roles", "value": [{"value": role}]})
        path = f"/Users/{self.ids[key]}"
        self.push("PATCH", path, body, fact=lambda told: told.people[key].roles.add(role), people=[key])

    def take_role(self, key: str, role: str) -> None:
        """Take a role of the application from somebody."""
        self.directory.people[key].roles.discard(role)
        body = patch({"op": "Remove", "path": f'roles[value eq "{role}"]'})
        path = f"/Users/{self.ids[key]}"
        self.push("PATCH", path, body, fact=lambda told: told.people[key].roles.discard(role), people=[key])

    def create_group(self, group: Group) -> None:
        assert self.find("/Groups", "displayName", group.name) is None
        body = {
            "schemas": [GROUP, ENTRA_GROUP],
            "externalId": group.key,
            "displayName": group.name,
            "meta": {"resourceType": "Group"},
        }
        answer = self.push("POST", "/Groups", body, fact=lambda told: told.set_group(group))
        self.group_ids[group.key] = answer.body["id"]

    def send_name(self, group: str, name: str) -> None:
        path = f"/Groups/{self.group_ids[group]}"
        body = patch(replaced("displayName", name))
        self.push("PATCH", path, body, fact=lambda told: setattr(told.groups[group], "name", name), groups=[group])

    def add_members(self, group: str, keys: Sequence[str]) -> None:
        self.read(f"/Groups/{self.group_ids[group]}?excludedAttributes=members")
        for key in keys:
            body = patch({"op": "Add", "path": "members", "value": [{"$ref": None, "value": self.ids[key]}]})
            path = f"/Groups/{self.group_ids[group]}"
            self.push("PATCH", path, body, fact=lambda told, key=key: told.groups[group].members.add(key))

    def remove_members(self, group: str, keys: Sequence[str]) -> None:
        for key in keys:
            body = patch({"op": "Remove", "path": "members", "value": [{"value": self.ids[key]}]})
            path = f"/Groups/{self.group_ids[group]}"
            self.push(
                "PATCH", path, body, fact=lambda told, key=key: told.groups[group].members.discard(key), people=[key]
            )


def replaced(path: str, value: str) -> dict[str, Any]:
    """Return one operation in Entra's writing."""
    return {"op": "Replace", "path": path, "value": value}
