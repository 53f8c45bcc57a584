"""What does a user have that it can lose with its SCIM connection, and since when?"""

from dataclasses import dataclass
from typing import Final

from rolecall.authorization.roles import ADMIN
from rolecall.directory.model import ROOT_TEAM, GroupId, SourceKind, Target

_PUSHED: Final = (f"{SourceKind.SCIM_GROUP.value}:", f"{SourceKind.SCIM_ROLE.value}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """One source of one assignment, and since when it has been there, in microseconds."""

    target: Target
    source: str
    since: int

    @property
    def is_pushed(self) -> bool:
        """Whether it came by what the provider pushed: a group, or a value of `roles`."""
        return self.source.startswith(_PUSHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What a user has from its connection, and all that it holds. Instants are microseconds."""

    memberships: tuple[tuple[GroupId, int], ...] = ()
    held: tuple[Stint, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    """Of `roles`."""

    @property
    def administers_by(self) -> tuple[Stint, ...]:
        """Why the user administers Root; empty: it does not."""
        return tuple(each for each in self.held if each.target == Target(team_id=ROOT_TEAM, role=ADMIN))
