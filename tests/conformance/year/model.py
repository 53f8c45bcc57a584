"""Who must hold what? Worked out from what has arrived, as docs/how-to/map-groups.md says it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.conformance.year.directory import Directory, Group

Target = tuple[str, str]
"""A team's name and a role's id."""

Source = tuple[str, str]
"""Why somebody holds it: `("SCIM_GROUP", name of the group)`, `("SCIM_ROLE", value)`, or `("MANUAL", "")`."""

MANUAL: Source = ("MANUAL", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one user is: its name, whether its access counts, and for each role in a team, why."""

    user_name: str
    active: bool
    held: frozenset[tuple[Target, Source]]

    @property
    def counting(self) -> frozenset[Target]:
        """What opens anything: of somebody deactivated, nothing."""
        return frozenset(target for target, _source in self.held) if self.active else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One mapping. A `value` of kind ID is the group's id at Rolecall or at its provider."""

    source: str
    kind: str
    value: str
    gives: frozenset[Target]

    def matches_group(self, group: Group, ids: Mapping[str, str]) -> bool:
        """Say whether a pushed group is meant: a name in any spelling, a pattern only as a whole."""
        if self.source != "SCIM_GROUP":
            return False
        match self.kind:
            case "ID":
                return self.value in {group.key, ids[group.key]}
            case "NAME":
                return self.value.casefold() == group.name.casefold()
            case _:
                return re.fullmatch(self.value, group.name) is not None

    def matches_role(self, value: str) -> bool:
        """Say whether a value of a user's roles is meant."""
        return self.source == "SCIM_ROLE" and self.value.casefold() == value.casefold()


class Pushing(Protocol):
    """A provider, as far as the model has to know it."""

    told: Directory
    ids: dict[str, str]
    group_ids: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Model:
    """What Rolecall's administrator has set up, and what follows from it for whoever was pushed."""

    mappings: dict[str, Mapped] = field(default_factory=dict)
    """By id."""
    by_hand: dict[str, set[Target]] = field(default_factory=dict)
    """By id of the user."""

    def holding(self, provider: Pushing, key: str) -> Holding:
        """Return what a person must hold, by what its provider has told."""
        person = provider.told.people[key]
        held = {(target, MANUAL) for target in self.by_hand.get(provider.ids[key], ())}
        for around in provider.told.groups_around(key):
            group = provider.told.groups[around]
            for mapped in self.mappings.values():
                if mapped.matches_group(group, provider.group_ids):
                    held |= {(target, ("SCIM_GROUP", group.name)) for target in mapped.gives}
        for value in person.roles:
            for mapped in self.mappings.values():
                if mapped.matches_role(value):
                    held |= {(target, ("SCIM_ROLE", value)) for target in mapped.gives}
        return Holding(user_name=person.user_name, active=person.active, held=frozenset(held))
