"""What are events once logged, and audit records?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from rolecall.kernel.document import Document, Json


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
