"""How does Okta push? As docs/how-to/okta.md and the conversation `okta-oin.json` have it."""

from collections.abc import Sequence

from tests.conformance.year.directory import Group, Person
from tests.conformance.year.provider import GROUP, Provider, patch, portions

MEMBERS_AT_ONCE = 100


class Okta(Provider):
    """Profiles by PUT, the end of access by PATCH, groups by PATCH; users are never deleted."""

    has_external_ids = False

    def create(self, person: Person) -> None:
        assert self.find("/Users", "userName", person.user_name) is None
        body = self.user_body(person) | {"groups": [], "password": "mJ7!placeholder", "locale": "en-US"}
        answer = self.push("POST", "/Users", body, fact=lambda told: told.set_person(person))
        self.ids[person.key] = answer.body["id"]

    def update(self, person: Person) -> None:
        user_id = self.ids[person.key]
        there = self.read(f"/Users/{user_id}").body
        body = there | self.user_body(person)
        self.push("PUT", f"/Users/{user_id}", body, fact=lambda told: told.set_person(person), people=[person.key])

    def deactivate(self, key: str) -> None:
        self._set_active(key, active=False)

    def reactivate(self, key: str) -> None:
        person = self.directory.people[key]
        assert self.find("/Users", "userName", person.user_name) == self.ids[key]
        self._set_active(key, active=True)
        self.update(person)

    def _set_active(self, key: str, *, active: bool) -> None:
        body = patch({"op": "replace", "value": {"active": active}})
        path = f"/Users/{self.ids[key]}"
        self.push("PATCH", path, body, fact=lambda told: setattr(told.people[key], "active", active), people=[key])

    def create_group(self, group: Group) -> None:
        assert self.find("/Groups", "displayName", group.name) is None
        body = {"schemas": [GROUP], "displayName": group.name, "members": []}
        answer = self.push("POST", "/Groups", body, fact=lambda told: told.set_group(group))
        self.group_ids[group.key] = answer.body["id"]

    def send_name(self, group: str, name: str) -> None:
        body = patch({"op": "replace", "value": {"id": self.group_ids[group], "displayName": name}})
        path = f"/Groups/{self.group_ids[group]}"
        self.push("PATCH", path, body, fact=lambda told: setattr(told.groups[group], "name", name), groups=[group])

    def add_members(self, group: str, keys: Sequence[str]) -> None:
        for some in portions(keys, MEMBERS_AT_ONCE):
            body = patch({"op": "add", "path": "members", "value": self._members(some)})
            path = f"/Groups/{self.group_ids[group]}"
            self.push("PATCH", path, body, fact=lambda told, some=some: told.groups[group].members.update(some))

    def remove_members(self, group: str, keys: Sequence[str]) -> None:
        for key in keys:
            body = patch({"op": "remove", "path": f'members[value eq "{self.ids[key]}"]'})
            path = f"/Groups/{self.group_ids[group]}"
            self.push(
                "PATCH", path, body, fact=lambda told, key=key: told.groups[group].members.discard(key), people=[key]
            )

    def push_now(self, group: str) -> None:
        """Say again who is in a group, as the button *Push now* does."""
        wanted = set(self.directory.groups[group].members)
        body = patch({"op": "replace", "path": "members", "value": self._members(sorted(wanted))})
        path = f"/Groups/{self.group_ids[group]}"
        self.push("PATCH", path, body, fact=lambda told: setattr(told.groups[group], "members", wanted), groups=[group])

    def _members(self, keys: Sequence[str]) -> list[dict[str, str]]:
        return [{"value": self.ids[key], "display": self.directory.people[key].user_name} for key in keys]
