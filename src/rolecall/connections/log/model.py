"""What is one SCIM call, looked at afterwards, and what can have come of it?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from rolecall.directory.model import ConnectionId
from rolecall.events.model import AuditRecord
from rolecall.events.search.model import LogPlace
from rolecall.kernel.predicate import Predicate


class EffectKind(Enum):
    """In which way a call changed what somebody may do."""

    ROLE_GAINED = "role_gained"
    ROLE_LOST = "role_lost"
    ACCESS_ENDED = "access_ended"
    """Was deactivated: what it holds counts for nothing until it is reactivated."""
    ACCESS_RESTORED = "access_restored"
    USER_DELETED = "user_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One user gained or lost one thing."""

    kind: EffectKind
    at: datetime
    user_id: str
    user_name: str
    """As it was then."""
    team_id: str | None = None
    role: str | None = None
    source: str | None = None
    """Team, role and source of an assignment; None where all access is concerned."""
    by_job: bool
    """Whether a job went on to make it, after the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a call did in its own transaction."""

    gained: int = 0
    lost: int = 0
    """Assignments, from one source each."""
    ended: int = 0
    """People who were deactivated or deleted."""
    goes_on: bool = False
    """Whether it concerned so many people that a job went on with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """One SCIM call."""

    record: AuditRecord
    connection_id: ConnectionId | None
    connection_name: str | None
    """None where nobody was admitted, or the key has been deleted since."""
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCall:
    """One SCIM call with what came of it."""

    call: LoggedCall
    effects: tuple[Effect, ...]
    """In the order in which they were made."""
    is_complete: bool
    """Whether these are all, and nothing is still to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSearch:
    """Which calls are wanted, from which place on, itself left out."""

    user_id: str | None = None
    """Calls that were about this user, changed it, or put it into a group or out of one."""
    group_id: str | None = None
    connection_id: str | None = None
    where: Predicate | None = None
    since: datetime | None = None
    after: LogPlace | None = None
    newest_first: bool = True
    limit: int
