"""What are mappings?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, NewType

from rolecall.directory.model import SourceKind, Target, UserId

MappingId = NewType("MappingId", str)

MAPPABLE: Final = (SourceKind.SCIM_GROUP, SourceKind.SCIM_ROLE, SourceKind.SAML_CLAIM, SourceKind.OIDC_CLAIM)
"""What a mapping can look at. Its wire name is that of the member."""


class MatchKind(Enum):
    """How a mapping finds what it is about (wire values of the mappings API)."""

    ID = "ID"
    """By the group's id, or by the id that its provider gave it; for a value, by the value itself."""
    NAME = "NAME"
    """By the group's name or by the value, in any spelling of case, width or composition."""
    PATTERN = "PATTERN"
    """By a pattern that the whole name, or the whole value, has to fit."""


class MadeBy(Enum):
    """How a mapping came to be."""

    HAND = "hand"
    CONVENTION = "convention"
    """By the name of a group, `alias:role`."""
    GROUP_TEAM = "group_team"
    """With the team that a pushed group became."""


class MappingState(Enum):
    """Whether a mapping gives anything."""

    ACTIVE = "active"
    WAITING = "waiting"
    """It would give a role by which access can be raised, and waits until an administrator says so."""
    REFUSED = "refused"
    """An administrator has said no; as long as it is kept, the convention does not ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDraft:
    """What somebody can say of a mapping."""

    source: SourceKind
    match_kind: MatchKind
    match_value: str
    targets: frozenset[Target]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Whatever matches gives these roles in these teams to whoever is in it or carries it."""

    id: MappingId
    source: SourceKind
    match_kind: MatchKind
    match_value: str
    targets: frozenset[Target]
    made_by: MadeBy
    state: MappingState
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """By what a group or a value can be matched."""

    ids: frozenset[str]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How groups map by themselves."""

    convention: bool = False
    """Whether a group named `alias:role` maps to that team and role."""
    group_team_role: str | None = None
    """The role that a pushed group's members get in the team that it becomes; None: it becomes none."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Effect:
    """A role in a team that a user would come to hold, or to hold no more, from any source."""

    user_id: UserId
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a mapping would change if it were as drafted."""

    gains: tuple[Effect, ...]
    losses: tuple[Effect, ...]
