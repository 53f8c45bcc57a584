"""What is it that a SCIM connection leaves, and what has to be remembered so that it can come back?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from rolecall.connections.model import ConnectionState
from rolecall.connections.preview.model import Radius
from rolecall.directory.belongings import Stint
from rolecall.directory.model import ConnectionId, Target, UserId


class UsersChoice(Enum):
    """What becomes of the users of a connection."""

    KEEP_AS_LOCAL = "KEEP_AS_LOCAL"
    DEACTIVATE = "DEACTIVATE"
    HAND_OVER = "HAND_OVER"


class AssignmentsChoice(Enum):
    """What becomes of the assignments that came by groups and values of `roles`. Others always stay."""

    KEEP = "KEEP"
    REMOVE = "REMOVE"


class Phase(Enum):
    """Where a connection is on its way."""

    LEAVING = "LEAVING"
    LEFT = "LEFT"
    """All is done, and can be undone."""
    RETURNING = "RETURNING"
    SETTLED = "SETTLED"
    """The time to undo it is over."""


class Stage(Enum):
    """Of what it is the turn. Leaving and returning have an order of their own."""

    USERS = "USERS"
    GROUPS = "GROUPS"
    NESTING = "NESTING"
    """Groups within groups."""
    RESOURCES = "RESOURCES"


class Because(Enum):
    """Why something did not become what was chosen."""

    BREAK_GLASS = "BREAK_GLASS"
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR"
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"
    """A user, or a group, of the connection that takes over has this externalId."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody wants to become of everything."""

    users: UsersChoice
    assignments: AssignmentsChoice
    to_connection_id: ConnectionId | None = None
    """Only, and always, when users are handed over."""

    @property
    def takes_groups_along(self) -> bool:
        """Whether groups go to the other connection, and give on."""
        return self.users is UsersChoice.HAND_OVER and self.assignments is AssignmentsChoice.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """How far a connection has come with leaving, or with returning."""

    connection_id: ConnectionId
    plan: Plan
    phase: Phase
    stage: Stage
    after: str
    """The last thing of this stage that is done; empty at its beginning."""
    done: int
    total: int
    """Users, groups and declared resources, as counted when it began."""
    state_before: ConnectionState
    started_at: datetime
    undo_until: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What becomes of one user."""

    owner: ConnectionId | None
    active: bool
    keeps: bool
    """Whether it keeps by hand what it held by what is taken from it."""
    with_groups: bool
    """Whether it stays in those groups that go where it goes."""
    because: Because | None = None
    """Why that is not what was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftUser:
    """What has to be remembered of a user."""

    id: UserId
    name: str
    was_active: bool
    owner: ConnectionId | None
    """Whose it was made."""
    active: bool
    """Whether it had access afterwards."""
    memberships: tuple[tuple[str, int], ...] = ()
    """Those that ended: group, since when (microseconds)."""
    held: tuple[Stint, ...] = ()
    """What was taken from it."""
    by_hand: tuple[Target, ...] = ()
    """What it kept by hand instead."""
    values: tuple[tuple[str, int], ...] = ()
    """Of `roles`, that it carries no more."""
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftGroup:
    """What has to be remembered of a group."""

    id: str
    name: str
    has_moved: bool
    nestings: tuple[tuple[str, str, int], ...] = ()
    """Those that ended: outer group, inner group, since when (microseconds)."""
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """Somebody or something that did not become what was chosen."""

    kind: str
    """`USER` or `GROUP`."""
    id: str
    name: str
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far it is, and who did not become what was chosen."""

    leaving: Leaving
    kept_back: tuple[KeptBack, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What leaving would do."""

    report: Report
    radius: Radius
