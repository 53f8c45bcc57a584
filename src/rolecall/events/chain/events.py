"""What can have happened to the audit log itself?"""

from dataclasses import dataclass
from typing import ClassVar, Final

from rolecall.kernel.event import Event, Severity

SUBJECT: Final = "audit-log"
"""Under which all of these are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AuditEvent(Event):
    def subject_id(self) -> str | None:
        """Return what stands for the audit log."""
        return SUBJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheckpointMade(_AuditEvent):
    """The audit log up to a record is sealed. Kept elsewhere, the checkpoint proves later that it was so."""

    type: ClassVar[str] = "events.audit.checkpoint-made"
    sequence: int
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecordsForgotten(_AuditEvent):
    """Audit records older than `--audit-days` are deleted, up to this one."""

    type: ClassVar[str] = "events.audit.records-forgotten"
    sequence: int
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLogRewound(_AuditEvent):
    """The newest seals of the audit log vanished while Rolecall was serving."""

    type: ClassVar[str] = "events.audit.log-rewound"
    severity: ClassVar[Severity] = Severity.ERROR
    sequence: int
    checkpoint: str
