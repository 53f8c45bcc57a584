"""What is one call, from its first byte to its record?"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from rolecall.authorization.actor import NOBODY, Actor
from rolecall.events.model import CallOutcome
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError


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
    body_bytes: int = 0
    """How much was sent with it."""
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

    def give_up(self, code: str) -> None:
        """Note that the caller went away; there is nobody to answer."""
        self.outcome = CallOutcome.REFUSED
        self.code = code

    def fail(self, status: int, code: str, detail: str | None) -> None:
        """Note that the fault is ours. Whatever was written of the call has been rolled back with it."""
        self.outcome = CallOutcome.FAILED
        self.status, self.code, self.detail = status, code, detail
        self.recorded = False

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
