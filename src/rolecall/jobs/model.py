"""What are jobs and schedules?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NewType

from rolecall.kernel.document import Document

JobId = NewType("JobId", str)

LEASE: Final = timedelta(minutes=2)
"""How long a job may be silent before it is taken to be abandoned, unless it asked for another time."""
MAX_ATTEMPTS: Final = 10
"""How often a job is tried, unless it asked for another number: for about three quarters of an hour."""


class JobState(Enum):
    """Where a job is on its way."""

    WAITING = "waiting"
    """For its time, or for a free thread."""
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    """It failed too often, or said that trying again is of no use. Somebody has to look."""
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in {JobState.WAITING, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something that is done later, outside the transaction that asked for it, at least once."""

    id: JobId
    kind: str
    """What is to be done, in the imperative: `room.verb-noun`."""
    payload: Document
    """What it is to be done with: ids, never a secret in clear."""
    state: JobState
    dedup_key: str | None
    """While a job waits, no other of its kind with this key is added; while one runs, no other begins."""
    attempt: int
    """How often it has been begun."""
    max_attempts: int
    lease: timedelta
    due_at: datetime
    """When it may be taken: while it waits its time, while it runs the end of its lease."""
    runner: str | None
    """Who has it, while it runs."""
    done_count: int
    total_count: int | None
    message: str | None
    """How far it is, in words."""
    error: str | None
    """Why it failed last."""
    cancel_wanted: bool
    """Whether somebody wants it to end while it runs."""
    request_id: str | None
    """Of the request that asked for it."""
    created_at: datetime
    started_at: datetime | None
    """When it was begun last."""
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A schedule as the code declares it: by `cron`, in UTC, a job of `kind` is added."""

    name: str
    cron: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as it is kept."""

    name: str
    cron: str
    kind: str
    next_at: datetime
    last_at: datetime | None
    """When a job was last added by it."""
    last_job_id: JobId | None
