"""What becomes of a job, and when is a schedule due?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

from rolecall.jobs.errors import BadCron, JobFinished, JobNotFinished
from rolecall.jobs.model import Job, JobState

_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_SPREAD: Final = 0.25
LONGEST_ERROR: Final = 1_000
"""Characters that are kept of why a job failed."""


def pause_after(attempt: int, *, jitter: float) -> timedelta:
    """Return how long to wait after the attempt of that number (from 1): 5 s, doubled each time, at most an hour.

    `jitter` from 0 to 1 makes it up to a quarter longer, so that what failed together does not come back together.
    """
    # Beyond ten doublings it is an hour anyway, and the power would grow without end.
    pause = min(_FIRST_PAUSE * (1 << min(attempt - 1, 10)), _LONGEST_PAUSE)
    return pause * (1 + _SPREAD * jitter)


def taken(job: Job, *, runner: str, now: datetime) -> Job:
    """Return a job that is due as it is when `runner` takes it: running, or at its end.

    One that still runs has outlived its lease: whoever had it has died, perhaps of it. So that counts
    as an attempt, and a job that kills its process cannot do so for ever.
    """
    if job.cancel_wanted:
        return _ended(job, JobState.CANCELLED, now=now)
    if job.state is JobState.RUNNING and job.attempt >= job.max_attempts:
        error = f"Attempt {job.attempt} ended without a word: the process that ran it stopped, or it hung."
        return replace(_ended(job, JobState.DEAD, now=now), error=error)
    return replace(
        job,
        state=JobState.RUNNING,
        attempt=job.attempt + 1,
        due_at=now + job.lease,
        runner=runner,
        started_at=now,
    )


def advanced(job: Job, *, done: int, total: int | None, message: str | None, now: datetime) -> Job:
    """Return a running job further on its way, its lease renewed."""
    return replace(job, done_count=done, total_count=total, message=message, due_at=now + job.lease)


def finished(job: Job, *, now: datetime) -> Job:
    """Return a running job that has done what it was to do."""
    return replace(_ended(job, JobState.DONE, now=now), error=None)


def failed(job: Job, error: str, *, jitter: float, again: bool, now: datetime) -> Job:
    """Return a running job that has failed: waiting for its next attempt, or dead after the last one.

    Without `again` there is no next attempt.
    """
    job = replace(job, error=error[:LONGEST_ERROR])
    if job.cancel_wanted:
        return _ended(job, JobState.CANCELLED, now=now)
    if not again or job.attempt >= job.max_attempts:
        return _ended(job, JobState.DEAD, now=now)
    due_at = now + pause_after(job.attempt, jitter=jitter)
    return replace(job, state=JobState.WAITING, due_at=due_at, runner=None)


def given_back(job: Job, *, now: datetime) -> Job:
    """Return a running job that its runner has no time to finish: it waits, and the attempt does not count."""
    return replace(job, state=JobState.WAITING, attempt=job.attempt - 1, due_at=now, runner=None)


def superseded(job: Job, other: str, *, now: datetime) -> Job:
    """Return a job that would have to wait beside another that does the same: the other will do it."""
    return replace(_ended(job, JobState.CANCELLED, now=now), message=f"The job {other} does the same.")


def ended_on_wish(job: Job, *, now: datetime) -> Job:
    """Return a running job that has ended because somebody wanted it to."""
    return _ended(job, JobState.CANCELLED, now=now)


def cancelled(job: Job, *, now: datetime) -> Job:
    """Return a job that shall not be done: at its end if it waited, on its way there if it runs.

    Raises: JobFinished.
    """
    match job.state:
        case JobState.WAITING:
            return _ended(job, JobState.CANCELLED, now=now)
        case JobState.RUNNING:
            return replace(job, cancel_wanted=True)
        case _:
            raise JobFinished(f"The job {job.id} has ended already: it is {job.state.value}.", job_id=job.id)


def retried(job: Job, *, now: datetime) -> Job:
    """Return a job that had ended as one that waits, with all its attempts before it.

    Raises: JobNotFinished.
    """
    if not job.state.is_final:
        raise JobNotFinished(f"The job {job.id} is {job.state.value}: there is nothing to try again.", job_id=job.id)
    return replace(
        job, state=JobState.WAITING, attempt=0, due_at=now, finished_at=None, cancel_wanted=False, message=None
    )


def next_due(cron: str, *, after: datetime) -> datetime:
    """Return the first minute behind `after` that the cron expression (five fields, UTC) names.

    Raises: BadCron; also when it names no minute of the next fifty years.
    """
    try:
        return next(CronSim(cron, after))
    except (CronSimError, StopIteration) as error:
        raise BadCron(
            f"{cron!r} is no cron expression of five fields (minute, hour, day, month, weekday) that ever comes true.",
            attribute="cron",
        ) from error


def _ended(job: Job, state: JobState, *, now: datetime) -> Job:
    return replace(job, state=state, due_at=now, runner=None, finished_at=now, cancel_wanted=False)
