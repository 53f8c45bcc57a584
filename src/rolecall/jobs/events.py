"""What can have happened to jobs?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.jobs.model import JobId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _JobEvent(Event):
    job_id: JobId
    kind: str

    def subject_id(self) -> str | None:
        """Return the job's id."""
        return self.job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDied(_JobEvent):
    """A job failed for the last time; what it was to do has not been done."""

    type: ClassVar[str] = "jobs.job.died"
    severity: ClassVar[Severity] = Severity.WARNING
    attempts: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetried(_JobEvent):
    """Somebody had a job tried again that had ended."""

    type: ClassVar[str] = "jobs.job.retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(_JobEvent):
    """Somebody cancelled a job; one that ran ends as soon as it tells how far it is."""

    type: ClassVar[str] = "jobs.job.cancelled"
