"""What are events once logged, calls, and audit records?"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from rolecall.authorization.actor import NOBODY, Actor
from rolecall.kernel.document import Document, Json
from rolecall.kernel.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event as it was logged."""

    sequence: int
    id: str
    happened_at: datetime
    type: str
    category: str
    severity: str
    subject_id: str | None
    actor_kind: str
    actor_user_id: str | None
    request_id: str | None
    data: Document


class Phase(Enum):
    """Which half of a call a record tells of."""

    INTENT = "intent"
    RESULT = "result"


class CallOutcome(Enum):
    """What became of a call."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    """An error of ours; the answer was 500 or 503."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call as it proceeds: what was asked, then what became of it.

    `request` holds no secret: whoever makes the call masks it. `status_of` tells the wire status
    of a refusal.
    """

    request_id: str
    method: str
    target: str
    address: str | None = None
    user_agent: str | None = None
    request: Json = None
    actor: Actor = NOBODY
    outcome: CallOutcome = CallOutcome.OK
    code: str | None = None
    status: int | None = None
    detail: str | None = None
    operations: tuple[str, ...] = ()
    """For each operation of a PATCH, in order: `applied`, `no_change` or `refused`."""
    subject_id: str | None = None
    repeated_count: int | None = None
    """For calls that are counted, not kept one by one: how many there were."""
    status_of: Callable[[DomainError], int | None] = field(default=lambda _error: None)
    recorded: bool = False
    """Whether the result has been written; then nobody need write it again."""
    started: float = field(default_factory=time.perf_counter)
    ended_at: datetime | None = None
    """When the answer was ready, for calls that are written down later than that; else it is written now."""
    duration_microseconds: int | None = None

    def end(self, now: datetime) -> None:
        """Note that the answer is ready."""
        self.ended_at = now
        self.duration_microseconds = self.elapsed_microseconds()

    def elapsed_microseconds(self) -> int:
        """Return how long the call has taken so far."""
        return int((time.perf_counter() - self.started) * 1_000_000)

    def refuse(self, error: DomainError) -> None:
        """Note that the call was refused and why."""
        self.outcome = CallOutcome.REFUSED
        self.code = error.code
        self.detail = error.detail
        self.status = self.status_of(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One record as it was written."""

    sequence: int
    phase: Phase
    request_id: str
    recorded_at: datetime
    actor_kind: str | None
    user_id: str | None
    user_name: str | None
    api_key_id: str | None
    address: str | None
    user_agent: str | None
    method: str | None
    target: str | None
    request: Json
    outcome: CallOutcome | None
    code: str | None
    status: int | None
    detail: str | None
    operations: tuple[str, ...]
    subject_id: str | None
    repeated_count: int | None
    duration_microseconds: int | None
