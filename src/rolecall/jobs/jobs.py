"""What can be done about jobs, by whoever looks after them?"""

from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.jobs import decide, store
from rolecall.jobs.errors import JobRepeated
from rolecall.jobs.events import JobCancelled, JobRetried
from rolecall.jobs.model import Job, JobId, JobState
from rolecall.jobs.queue import CHANNEL
from rolecall.kernel.errors import NotFound
from rolecall.kernel.predicate import Predicate
from rolecall.storage.transaction import ReadTx, WriteTx


def list_jobs(
    tx: ReadTx,
    *,
    limit: int,
    state: JobState | None = None,
    kind: str | None = None,
    where: Predicate | None = None,
    before: JobId | None = None,
) -> tuple[Job, ...]:
    """Return the newest jobs first, at most `limit`, made before the one with the id `before`.

    `where` may ask for `state`, `kind` and `created_at`.

    Raises: Forbidden.
    """
    require(tx.actor, Action.JOB_LIST)
    return store.list_jobs(tx, state=state, kind=kind, where=where, limit=limit, before=before)


def get_job(tx: ReadTx, job_id: JobId) -> Job:
    """Return one job.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.JOB_LIST)
    job = store.find_job(tx, job_id)
    if job is None:
        raise _unknown(job_id)
    return job


def retry_job(tx: WriteTx, job_id: JobId) -> Job:
    """Have a job that has ended done once more, at once, with all its attempts before it.

    Raises: Forbidden, NotFound, JobNotFinished, JobRepeated.
    """
    require(tx.actor, Action.JOB_CHANGE)
    job = decide.retried(_get_to_change(tx, job_id), now=tx.now)
    if job.dedup_key is not None:
        other = store.find_waiting(tx, job.kind, job.dedup_key)
        if other is not None:
            raise JobRepeated(f"The job {other}, which does the same, waits already.", job_id=other)
    store.save_job(tx, job)
    tx.notify(CHANNEL)
    tx.record(JobRetried(job_id=job.id, kind=job.kind))
    return job


def cancel_job(tx: WriteTx, job_id: JobId) -> Job:
    """End a job: at once if it waits, at its next step if it runs. What it has done so far stays done.

    Raises: Forbidden, NotFound, JobFinished.
    """
    require(tx.actor, Action.JOB_CHANGE)
    job = decide.cancelled(_get_to_change(tx, job_id), now=tx.now)
    store.save_job(tx, job)
    tx.record(JobCancelled(job_id=job.id, kind=job.kind))
    return job


def delete_finished(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Forget jobs that ended before an instant, oldest first, at most `limit`; return how many.

    Raises: Forbidden.
    """
    require(tx.actor, Action.JOB_CHANGE)
    return store.delete_finished(tx, before=before, limit=limit)


def _get_to_change(tx: WriteTx, job_id: JobId) -> Job:
    job = store.find_job_to_change(tx, job_id)
    if job is None:
        raise _unknown(job_id)
    return job


def _unknown(job_id: JobId) -> NotFound:
    return NotFound(f"There is no job with the id {job_id}.", job_id=job_id)
