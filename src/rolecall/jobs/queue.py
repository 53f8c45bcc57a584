"""How is something handed over to be done later, and how does whoever does it say how it went?

Only `enqueue` is for other rooms; they need no action for it, since what asks for a job has been allowed
already. The rest is for the runner, which is Rolecall itself, and for what a job does.
"""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from rolecall.authorization.actor import SYSTEM, Actor
from rolecall.jobs import decide, store
from rolecall.jobs.errors import JobCancelWanted, JobLeaseLost
from rolecall.jobs.events import JobDied
from rolecall.jobs.model import LEASE, MAX_ATTEMPTS, Job, JobId, JobState
from rolecall.kernel.document import Document
from rolecall.kernel.errors import Unavailable
from rolecall.kernel.ids import new_id
from rolecall.storage.transaction import ReadTx, WriteTx

CHANNEL: Final = "rolecall_job"
"""On which runners are told that there is something to do."""
_TRIES: Final = 3
_JITTER_STEPS: Final = 1_000


def enqueue(
    tx: WriteTx,
    *,
    kind: str,
    payload: Document,
    dedup_key: str | None = None,
    run_at: datetime | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    lease: timedelta = LEASE,
) -> JobId:
    """Have something done after this transaction commits, or at `run_at`; at least once, perhaps more than once.

    `payload` goes into the database as it is: no secret. While a job of this kind with this `dedup_key`
    waits, no other is added, and its id is returned. `lease` (in whole seconds) is how long the job may be
    silent: longer than any single step of it takes.

    Raises: Unavailable, when others add and take jobs with this key so fast that none can be got hold of.
    """
    added = Job(
        id=JobId(new_id(tx.now)),
        kind=kind,
        payload=payload,
        state=JobState.WAITING,
        dedup_key=dedup_key,
        attempt=0,
        max_attempts=max_attempts,
        lease=lease,
        due_at=run_at or tx.now,
        runner=None,
        done_count=0,
        total_count=None,
        message=None,
        error=None,
        cancel_wanted=False,
        request_id=tx.actor.request_id,
        created_at=tx.now,
        started_at=None,
        finished_at=None,
    )
    for _ in range(_TRIES):
        if store.add_job(tx, added):
            tx.notify(CHANNEL)
            return added.id
        # One was there a moment ago; it may have been taken since.
        waiting = store.find_waiting(tx, kind, dedup_key or "")
        if waiting is not None:
            return waiting
    raise Unavailable("Too many jobs with one key come and go. Repeat the request later.")


def actor_for(job: Job) -> Actor:
    """Return who does a job: Rolecall itself, under the request that asked for it."""
    return replace(SYSTEM, request_id=job.request_id)


def next_due(tx: ReadTx, kinds: Collection[str]) -> datetime | None:
    """Return when a job of these kinds may next be taken, or None when there is none."""
    return store.next_due(tx, kinds)


def take_jobs(tx: WriteTx, *, kinds: Collection[str], runner: str, limit: int) -> tuple[Job, ...]:
    """Return at most `limit` jobs that are due, each for this runner alone until its lease ends.

    None is taken while another of its kind with its key runs.
    """
    running = []
    for due in store.lock_due_jobs(tx, kinds, limit=limit):
        job = decide.taken(due, runner=runner, now=tx.now)
        store.save_job(tx, job)
        if job.state is JobState.RUNNING:
            running.append(job)
        else:
            _tell_death(tx, job)
    return tuple(running)


def advance(tx: WriteTx, job: Job, *, done: int, total: int | None = None, message: str | None = None) -> None:
    """Note how far a running job is, and renew its lease. To be called in the transaction of each step.

    So a step whose job is no longer its runner's is rolled back: no two runners make one step both.

    Raises: JobLeaseLost, JobCancelWanted.
    """
    held = _get_held(tx, job)
    if held.cancel_wanted:
        raise JobCancelWanted(f"The job {job.id} shall end.", job_id=job.id)
    store.save_job(tx, decide.advanced(held, done=done, total=total, message=message, now=tx.now))


def finish(tx: WriteTx, job: Job) -> None:
    """Note that a running job has done what it was to do.

    Raises: JobLeaseLost.
    """
    store.save_job(tx, decide.finished(_get_held(tx, job), now=tx.now))


def fail(tx: WriteTx, job: Job, error: str, *, again: bool = True) -> Job:
    """Note that a running job has failed; return what becomes of it.

    Raises: JobLeaseLost.
    """
    jitter = secrets.randbelow(_JITTER_STEPS) / _JITTER_STEPS
    after = decide.failed(_get_held(tx, job), error, jitter=jitter, again=again, now=tx.now)
    after = _beside_twin(tx, after)
    store.save_job(tx, after)
    _tell_death(tx, after)
    return after


def end_on_wish(tx: WriteTx, job: Job) -> None:
    """Note that a running job has ended because somebody wanted it to.

    Raises: JobLeaseLost.
    """
    store.save_job(tx, decide.ended_on_wish(_get_held(tx, job), now=tx.now))


def give_back(tx: WriteTx, job: Job) -> None:
    """Let somebody else do a running job at once, because its runner stops.

    Raises: JobLeaseLost.
    """
    store.save_job(tx, _beside_twin(tx, decide.given_back(_get_held(tx, job), now=tx.now)))
    tx.notify(CHANNEL)


def _get_held(tx: WriteTx, job: Job) -> Job:
    kept = store.find_job_to_change(tx, job.id)
    same = kept is not None and (kept.state, kept.runner, kept.attempt) == (JobState.RUNNING, job.runner, job.attempt)
    if kept is None or not same:
        raise JobLeaseLost(f"The job {job.id} was silent for too long, and is another runner's.", job_id=job.id)
    return kept


def _beside_twin(tx: WriteTx, job: Job) -> Job:
    """Return the job as it may be kept: two that do the same do not both wait."""
    if job.state is JobState.WAITING and job.dedup_key is not None:
        other = store.find_waiting(tx, job.kind, job.dedup_key)
        if other is not None:
            return decide.superseded(job, other, now=tx.now)
    return job


def _tell_death(tx: WriteTx, job: Job) -> None:
    if job.state is JobState.DEAD:
        tx.record(JobDied(job_id=job.id, kind=job.kind, attempts=job.attempt, error=job.error or ""))
