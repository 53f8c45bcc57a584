"""What is the blast radius of a change: what it touches, and who gains and loses what?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from rolecall.authorization.roles import RoleId
from rolecall.directory.model import GroupId, TeamId, UserId

T = TypeVar("T")


class UserChange(Enum):
    """What became of a user in the end."""

    CREATED = "created"
    CHANGED = "changed"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    DELETED = "deleted"


class GroupChange(Enum):
    """What became of a group in the end."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedUser:
    """One user, and the one thing that became of it; deactivated tells more than changed."""

    user_id: UserId
    user_name: str
    change: UserChange


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedGroup:
    """One group, and how many direct members came, went and are left."""

    group_id: GroupId
    display_name: str
    change: GroupChange
    added: int
    removed: int
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """One user came to hold a role in a team, or holds it no more, whatever its sources."""

    user_id: UserId
    user_name: str
    team_id: TeamId
    team_name: str
    role: RoleId
    role_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Radius:
    """The blast radius: what differs between before and after, and nothing that came and went in between."""

    users: tuple[TouchedUser, ...] = ()
    """By name."""
    groups: tuple[TouchedGroup, ...] = ()
    """By name."""
    gained: tuple[AccessChange, ...] = ()
    """By user, team and role. What a deactivated user holds counts for nothing, so who is reactivated gains it."""
    lost: tuple[AccessChange, ...] = ()
    """By user, team and role."""

    @property
    def losing(self) -> frozenset[UserId]:
        """The people who lose an assignment, each once."""
        return frozenset(each.user_id for each in self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known, once a change has been made, of the groups, teams and roles that it concerns."""

    members: Mapping[GroupId, int] = field(default_factory=dict)
    """How many direct members the groups have that `decide.groups_in` names."""
    team_names: Mapping[TeamId, str] = field(default_factory=dict)
    role_names: Mapping[RoleId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen(Generic[T]):
    """What a change would return, and its radius."""

    value: T
    radius: Radius
