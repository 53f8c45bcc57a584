"""What do all identity providers of the year do alike, whatever dialect they push in?"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tests.conformance.year.directory import Directory, Group, Person
from tests.conformance.year.model import Holding, Model
from tests.conformance.year.wire import Answer, Wire

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
HTTP_CONFLICT = 409
HELD = re.compile(r"^Held as (\S+): ")
"""How the answer to a change begins that a guard held."""

Fact = Callable[[Directory], object]
"""What is so, of what Rolecall was told, once a change is acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A change that a guard held: what it would mean, for which people and groups, and who would lose by it (ids)."""

    fact: Fact
    people: frozenset[str]
    groups: frozenset[str]
    losing: frozenset[str]


class Provider(ABC):
    """One identity provider with its SCIM connection.

    `directory` is what it has; `told` is what Rolecall has acknowledged, from which follows what everybody must hold.
    """

    has_external_ids = True
    """Whether its groups carry an id of its own."""

    adding = "add"
    """How it spells the operation."""

    def __init__(self, name: str, connection_id: str, wire: Wire, model: Model) -> None:
        self.name = name
        self.connection_id = connection_id
        self.wire = wire
        self.model = model
        self.directory = Directory()
        self.told = Directory()
        self.ids: dict[str, str] = {}
        """Id of each person at Rolecall, by key."""
        self.group_ids: dict[str, str] = {}
        self.replaced: set[str] = set()
        """Ids that users had before they were deleted behind the provider's back and made anew."""
        self.strays: dict[str, Holding] = {}
        """By id, users that it owns at Rolecall and knows nothing of."""
        self.losers: set[str] = set()
        """Ids of all who lost something by calls that were let through, as the guard counts them in an hour."""
        self.limit: int | None = None
        """How many they may be; None: as many as there are."""
        self.held: dict[str, Held] = {}
        """Changes that wait for an administrator, by their ids, in the order of sending."""
        self.times_held = 0

    # What happens at the provider. Each of these is pushed at once.

    def hire(self, person: Person) -> None:
        """Somebody is new, or is back after the deletion."""
        self.directory.set_person(person)
        self.create(person)

    def change(self, key: str, **attributes: str) -> None:
        """Somebody's names change."""
        self.directory.people[key] = replace(self.directory.people[key], **attributes)
        self.update(self.directory.people[key])

    def end(self, key: str) -> None:
        """Somebody leaves, and is taken out of all groups."""
        self.directory.people[key].active = False
        self.deactivate(key)
        for group in [each for each in self.directory.groups.values() if key in each.members]:
            self.take_out(group.key, [key])

    def take_back(self, key: str) -> None:
        """Somebody whom the provider still knows comes back."""
        self.directory.people[key].active = True
        self.reactivate(key)

    def hand_over(self, key: str) -> None:
        """Somebody belongs to another provider from now on: this one neither has nor sees it any more."""
        self.directory.drop_person(key)
        self.told.drop_person(key)
        del self.ids[key]

    def make_group(self, group: Group) -> None:
        """A group is there from now on, with those in it."""
        self.directory.set_group(replace(group, members=set(), inner=set()))
        self.create_group(self.directory.groups[group.key])
        self.put_in(group.key, sorted(group.members))
        for inner in sorted(group.inner):
            self.nest(group.key, inner)

    def rename_group(self, key: str, name: str) -> None:
        """A group is called otherwise."""
        self.directory.groups[key].name = name
        self.send_name(key, name)

    def put_in(self, group: str, keys: Sequence[str]) -> None:
        """People come into a group."""
        self.directory.groups[group].members.update(keys)
        if keys:
            self.add_members(group, keys)

    def take_out(self, group: str, keys: Sequence[str]) -> None:
        """People leave a group."""
        self.directory.groups[group].members.difference_update(keys)
        if keys:
            self.remove_members(group, keys)

    def nest(self, outer: str, inner: str) -> None:
        """A group comes into another."""
        self.directory.groups[outer].inner.add(inner)
        body = patch({"op": self.adding, "path": "members", "value": [{"value": self.group_ids[inner]}]})
        self.push(
            "PATCH",
            f"/Groups/{self.group_ids[outer]}",
            body,
            fact=lambda told: told.groups[outer].inner.add(inner),
            groups=[outer],
        )

    def end_group(self, key: str) -> None:
        """A group is there no more."""
        self.directory.drop_group(key)
        self.push(
            "DELETE",
            f"/Groups/{self.group_ids[key]}",
            fact=lambda told: told.drop_group(key),
            groups=[key],
        )

    # What each says in its own way.

    @abstractmethod
    def create(self, person: Person) -> None: ...

    @abstractmethod
    def update(self, person: Person) -> None: ...

    @abstractmethod
    def deactivate(self, key: str) -> None: ...

    @abstractmethod
    def reactivate(self, key: str) -> None: ...

    @abstractmethod
    def create_group(self, group: Group) -> None: ...

    @abstractmethod
    def send_name(self, group: str, name: str) -> None: ...

    @abstractmethod
    def add_members(self, group: str, keys: Sequence[str]) -> None: ...

    @abstractmethod
    def remove_members(self, group: str, keys: Sequence[str]) -> None: ...

    # How it gets there.

    def find(self, endpoint: str, attribute: str, value: str) -> str | None:
        """Ask whether a user or group of that name is there; return its id."""
        condition = quote(f'{attribute} eq "{value}"', safe="")
        answer = self.read(f"{endpoint}?filter={condition}&startIndex=1&count=100")
        return answer.body["Resources"][0]["id"] if answer.body["totalResults"] else None

    def read(self, path: str) -> Answer:
        """Ask for something that must be there."""
        answer = self.wire.ask("GET", path)
        assert answer.is_success, f"{self.name}: GET {path}: {answer.status} {answer.body}"
        return answer

    def everything(self, path: str) -> list[Any]:
        """Return all resources of a list."""
        found: list[Any] = []
        while True:
            page = self.read(f"{path}&startIndex={len(found) + 1}&count=200&sortBy=id").body
            found += page["Resources"]
            if len(found) >= page["totalResults"]:
                return found

    def push(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        fact: Fact,
        people: Iterable[str] = (),
        groups: Iterable[str] = (),
    ) -> Answer:
        """Send a change; where it is acknowledged, `fact` is what is so from now on of these people and groups.

        People in the groups are concerned too, and need not be named. Where a guard holds the change, nothing is so,
        and it must have been too much; where no guard does, it must not have been.
        """
        answer = self.wire.ask(method, path, body)
        people, groups = frozenset(people), frozenset(groups)
        place = f"{self.name}: {method} {path} {body}: {answer.status} {answer.body}"
        if answer.status == HTTP_CONFLICT and (found := HELD.match(answer.body["detail"])):
            self._hold(found[1], fact, people, groups, place)
            return answer
        assert answer.is_success, place
        self.losers |= self._carry_out(fact, people, groups)
        assert self.limit is None or len(self.losers) <= self.limit, f"{len(self.losers)} losers: {place}"
        return answer

    def _hold(self, held_id: str, fact: Fact, people: frozenset[str], groups: frozenset[str], place: str) -> None:
        before = self.told
        self.told = before.copy(people | before.people_in(groups))
        losing = self._carry_out(fact, people, groups)
        self.told = before
        assert self.limit is not None, place
        assert held_id in self.held or len(self.losers | losing) > self.limit, f"{len(losing)} losers: {place}"
        self.times_held += 1
        self.held[held_id] = Held(fact=fact, people=people, groups=groups, losing=frozenset(losing))

    def _carry_out(self, fact: Fact, people: frozenset[str], groups: frozenset[str]) -> set[str]:
        """Know from now on what was told; return the ids of those who lose something by it."""
        concerned = (people | self.told.people_in(groups)) & set(self.told.people)
        before = {key: self.model.holding(self, key).counting for key in concerned}
        fact(self.told)
        losing = set()
        for key, counting in before.items():
            now = self.model.holding(self, key).counting if key in self.told.people else frozenset()
            if counting - now:
                losing.add(self.ids[key])
        return losing

    def released(self, held_id: str) -> None:
        """Know that an administrator let a change through. What people lose by it counts for no guard."""
        held = self.held.pop(held_id)
        self._carry_out(held.fact, held.people, held.groups)

    @property
    def gone(self) -> set[str]:
        """Ids of users that were deleted."""
        deleted = {user_id for key, user_id in self.ids.items() if key not in self.told.people}
        return (self.replaced | deleted) - set(self.strays)

    def settled(self) -> bool:
        """Say whether everything that the provider has was acknowledged."""
        return self.told == self.directory

    def user_body(self, person: Person) -> dict[str, Any]:
        """Return a person in the words of SCIM."""
        return {
            "schemas": [USER],
            "userName": person.user_name,
            "externalId": person.key,
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "displayName": person.display_name,
            "emails": [{"primary": True, "type": "work", "value": person.user_name}],
            "active": person.active,
        }

    def export(self) -> dict[str, Any]:
        """Return everything that the provider has, as docs/how-to/drift.md asks for it."""
        groups = []
        for group in self.directory.groups.values():
            members = [{"value": key} for key in sorted(group.members | group.inner)]
            own = {"externalId": group.key} if self.has_external_ids else {}
            groups.append({"schemas": [GROUP], "displayName": group.name, "members": members, **own})
        return {"users": [self.user_body(person) for person in self.directory.people.values()], "groups": groups}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """Return a PATCH body."""
    return {"schemas": [PATCH], "Operations": list(operations)}


def portions(keys: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """Return the keys in portions of that size."""
    return (keys[at : at + size] for at in range(0, len(keys), size))
