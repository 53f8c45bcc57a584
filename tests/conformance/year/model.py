"""Who must hold what? Worked out from what has arrived, as docs/how-to/map-groups.md says it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tests.conformance.year.directory import Directory, Group

Target = tuple[str, str]
"""A team's name and a role's id."""

Source = tuple[str, str]
"""Why somebody holds it: `("SCIM_GROUP", name of the group)`, `("SCIM_ROLE", value)`, or `("MANUAL", "")`."""

Given = set[tuple[Target, Source]]

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
        """Return what one person must hold, by what its provider has told."""
        around = provider.told.groups_around(key)
        return self._holding(provider, key, {group: self._given(provider, group) for group in around})

    def holding_alone(self, provider: Pushing, key: str) -> Holding:
        """Return what is left to one person without any group and without access: what its roles and hands gave."""
        return replace(self._holding(provider, key, {}), active=False)

    def holdings(self, provider: Pushing) -> dict[str, Holding]:
        """Return what everybody must hold whom the provider has told of, by id."""
        given = {group: self._given(provider, group) for group in provider.told.groups}
        return {
            provider.ids[key]: self._holding(
                provider, key, {each: given[each] for each in provider.told.groups_around(key)}
            )
            for key in provider.told.people
        }

    def _given(self, provider: Pushing, key: str) -> Given:
        """Return what a group gives to those in it."""
        group = provider.told.groups[key]
        source = ("SCIM_GROUP", group.name)
        matching = [each for each in self.mappings.values() if each.matches_group(group, provider.group_ids)]
        return {(target, source) for mapped in matching for target in mapped.gives}

    def _holding(self, provider: Pushing, key: str, given: Mapping[str, Given]) -> Holding:
        person = provider.told.people[key]
        held = {(target, MANUAL) for target in self.by_hand.get(provider.ids[key], ())}
        for each in given.values():
            held |= each
        for value in person.roles:
            for mapped in self.mappings.values():
                if mapped.matches_role(value):
                    held |= {(target, ("SCIM_ROLE", value)) for target in mapped.gives}
        return Holding(user_name=person.user_name, active=person.active, held=frozenset(held))
