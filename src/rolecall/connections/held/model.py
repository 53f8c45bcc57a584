"""What is a held change?"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

from rolecall.directory.model import ConnectionId

HeldChangeId = NewType("HeldChangeId", str)


class HeldState(Enum):
    """What became of a held change."""

    HELD = "HELD"
    """Nobody has decided yet."""
    RELEASED = "RELEASED"
    """It was made."""
    DROPPED = "DROPPED"
    """It will not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One change as a connection sent it."""

    method: str
    path: str
    """From `/scim/v2` on, without a query."""
    if_match: str | None = None
    content_type: str | None = None
    body: bytes = b""

    def retry_key(self, connection_id: str) -> str:
        """Return what is the same for each time that a connection sends this, and for nothing else."""
        body = hashlib.sha256(self.body).hexdigest()
        return hashlib.sha256(f"{connection_id}\n{self.method}\n{self.path}\n{body}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Why a change is held."""

    losing: int
    """So many people would lose an assignment by it."""
    lost: int
    """So many would have within the hour, with those before."""
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who let a held change through, or dropped it."""

    at: datetime
    user_id: str | None
    """None: the command line, or a key of no user."""
    user_name: str | None
    status: int | None
    """With which HTTP status the provider would have been answered; None for a dropped one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """A change of a connection that waits, or waited, until somebody decides."""

    id: HeldChangeId
    connection_id: ConnectionId
    connection_name: str
    state: HeldState
    sent: Sent
    """Without the body."""
    losses: Losses
    request_id: str | None
    """Of the call that was held; the SCIM log has it."""
    tries: int
    """How often it was sent."""
    held_at: datetime
    last_tried_at: datetime
    decision: Decision | None = None
    refusal: str | None = None
    """Why it could not be released when somebody last tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSearch:
    """Which held changes are wanted, in the order in which they were held."""

    connection_id: str | None = None
    state: HeldState | None = None
    after: tuple[datetime, str] | None = None
    """Behind the one that was held then and has this id, in the order that is asked for."""
    newest_first: bool = True
    limit: int
