"""How does authentik push? As docs/how-to/any-scim-client.md and its own source, providers/scim/clients, have it."""

from collections.abc import Sequence

from tests.conformance.year.directory import Group, Person
from tests.conformance.year.provider import GROUP, Provider, patch

OPERATIONS_AT_ONCE = 100


class Authentik(Provider):
    """Users by POST and PUT, deleted when they leave; of groups, one operation for each member."""

    def create(self, person: Person) -> None:
        body = self.user_body(person)
        answer = self.push("POST", "/Users", body, fact=lambda told: told.set_person(person))
        self.ids[person.key] = answer.body["id"]

    def update(self, person: Person) -> None:
        user_id = self.ids[person.key]
        body = self.user_body(person) | {"id": user_id}
        self.push("PUT", f"/Users/{user_id}", body, fact=lambda told: told.set_person(person), people=[person.key])

    def end(self, key: str) -> None:
        self.directory.drop_person(key)
        self.deactivate(key)

    def deactivate(self, key: str) -> None:
        self.push("DELETE", f"/Users/{self.ids[key]}", fact=lambda told: told.drop_person(key), people=[key])

    def reactivate(self, key: str) -> None:
        raise AssertionError(f"authentik forgets whoever leaves: {key}")

    def create_group(self, group: Group) -> None:
        body = {"schemas": [GROUP], "displayName": group.name, "externalId": group.key}
        answer = self.push("POST", "/Groups", body, fact=lambda told: told.set_group(group))
        self.group_ids[group.key] = answer.body["id"]

    def send_name(self, group: str, name: str) -> None:
        group_id = self.group_ids[group]
        whole = {"schemas": [GROUP], "id": group_id, "displayName": name, "externalId": group}
        body = patch({"op": "replace", "path": None, "value": whole})
        path = f"/Groups/{group_id}"
        self.push("PATCH", path, body, fact=lambda told: setattr(told.groups[group], "name", name), groups=[group])

    def add_members(self, group: str, keys: Sequence[str]) -> None:
        for at in range(0, len(keys), OPERATIONS_AT_ONCE):
            some = keys[at : at + OPERATIONS_AT_ONCE]
            operations = [{"op": "add", "path": "members", "value": [{"value": self.ids[key]}]} for key in some]
            path = f"/Groups/{self.group_ids[group]}"
            self.push(
                "PATCH",
                path,
                patch(*operations),
                fact=lambda told, some=some: told.groups[group].members.update(some),
            )

    def remove_members(self, group: str, keys: Sequence[str]) -> None:
        body = patch({"op": "remove", "path": "members", "value": [{"value": self.ids[key]} for key in keys]})
        path = f"/Groups/{self.group_ids[group]}"
        self.push(
            "PATCH", path, body, fact=lambda told: told.groups[group].members.difference_update(keys), people=keys
        )
