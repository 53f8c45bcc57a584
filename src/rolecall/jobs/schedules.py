"""What happens again and again, and when next?"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.jobs import decide, store
from rolecall.jobs.model import Declared, Schedule
from rolecall.jobs.queue import enqueue
from rolecall.storage.transaction import ReadTx, WriteTx


def list_schedules(tx: ReadTx) -> tuple[Schedule, ...]:
    """Return all schedules by name.

    Raises: Forbidden.
    """
    require(tx.actor, Action.JOB_LIST)
    return store.list_schedules(tx)


def settle_schedules(tx: WriteTx, declared: Iterable[Declared]) -> None:
    """Keep exactly the schedules that are declared. One whose expression is the same keeps its next time.

    Raises: Forbidden, BadCron.
    """
    require(tx.actor, Action.JOB_CHANGE)
    kept = {schedule.name: schedule for schedule in store.list_schedules(tx)}
    for each in declared:
        before = kept.pop(each.name, None)
        if before is None:
            next_at = decide.next_due(each.cron, after=tx.now)
            store.add_schedule(
                tx,
                Schedule(
                    name=each.name, cron=each.cron, kind=each.kind, next_at=next_at, last_at=None, last_job_id=None
                ),
            )
        elif (before.cron, before.kind) != (each.cron, each.kind):
            next_at = decide.next_due(each.cron, after=tx.now)
            store.save_schedule(tx, replace(before, cron=each.cron, kind=each.kind, next_at=next_at))
    for name in kept:
        store.delete_schedule(tx, name)


def next_scheduled(tx: ReadTx) -> datetime | None:
    """Return when the first schedule is due, or None. For the runner: needs no action."""
    return store.next_scheduled(tx)


def enqueue_due(tx: WriteTx) -> None:
    """Add a job for each schedule that is due. For the runner: needs no action.

    Of several processes one adds it. Times that passed while nobody served are made up for by one job,
    and none is added beside one that still waits.
    """
    for due in store.lock_due_schedules(tx):
        job_id = enqueue(tx, kind=due.kind, payload={}, dedup_key=f"schedule:{due.name}")
        next_at = decide.next_due(due.cron, after=tx.now)
        store.save_schedule(tx, replace(due, next_at=next_at, last_at=tx.now, last_job_id=job_id))
