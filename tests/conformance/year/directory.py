"""What does an identity provider know of people and groups?"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody as one provider knows them. `key` never changes there; after a deletion, a new person has a new one."""

    key: str
    user_name: str
    given_name: str
    family_name: str
    active: bool = True
    roles: set[str] = field(default_factory=set)
    """Of the application, as Entra gives them."""

    @property
    def display_name(self) -> str:
        return f"{self.given_name} {self.family_name}"


@dataclass(slots=True, kw_only=True)
class Group:
    """A group as one provider knows it: people, and groups within, by their keys."""

    key: str
    name: str
    members: set[str] = field(default_factory=set)
    inner: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Directory:
    """All people and groups of one provider, by their keys."""

    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def copy(self, people: Iterable[str]) -> "Directory":
        """Return a directory in which these people and all groups can be changed without changing them here."""
        copied = {key: deepcopy(self.people[key]) for key in people}
        groups = {
            key: replace(group, members=set(group.members), inner=set(group.inner))
            for key, group in self.groups.items()
        }
        return Directory(people={**self.people, **copied}, groups=groups)

    def set_person(self, person: Person) -> None:
        """Know this of a person from now on."""
        self.people[person.key] = deepcopy(person)

    def set_names(self, key: str, **names: str) -> None:
        """Know other names of a person from now on, and nothing else."""
        self.people[key] = replace(self.people[key], **names)

    def drop_person(self, key: str) -> None:
        """Know nothing of a person any more; it is in no group then."""
        del self.people[key]
        for group in self.groups.values():
            group.members.discard(key)

    def set_group(self, group: Group) -> None:
        """Know this of a group from now on."""
        self.groups[group.key] = deepcopy(group)

    def drop_group(self, key: str) -> None:
        """Know nothing of a group any more; it is in no other then."""
        del self.groups[key]
        for group in self.groups.values():
            group.inner.discard(key)

    def groups_around(self, person: str) -> set[str]:
        """Return the keys of the groups that a person is in, directly or through groups within."""
        found = {key for key, group in self.groups.items() if person in group.members}
        while True:
            outer = {key for key, group in self.groups.items() if group.inner & found} - found
            if not outer:
                return found
            found |= outer

    def people_in(self, groups: Iterable[str]) -> set[str]:
        """Return the keys of the people in these groups, directly or through groups within."""
        seen: set[str] = set()
        left = list(groups)
        found: set[str] = set()
        while left:
            key = left.pop()
            if key not in seen:
                seen.add(key)
                found |= self.groups[key].members
                left += self.groups[key].inner
        return found
