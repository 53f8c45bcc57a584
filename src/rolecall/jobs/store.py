"""The rows of jobs and schedules."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import and_, bindparam, delete, func, or_, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as insert_unless_there

from rolecall.jobs.model import Job, JobId, JobState, Schedule
from rolecall.jobs.tables import job, schedule
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.predicate import Path, Predicate
from rolecall.storage.predicates import Column, InstantColumn, TextColumn, to_sql
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed

_J: Final = job.c
_S: Final = schedule.c
_OTHER: Final = job.alias("other")
_NEVER_CHANGED: Final = frozenset(
    {"id", "kind", "payload", "dedup_key", "max_attempts_count", "lease_seconds", "request_id", "created_at"}
)
_FILTERED_BY: Final[Mapping[Path, Column]] = {
    ("created_at",): InstantColumn(_J.created_at),
    ("kind",): TextColumn(_J.kind, folded=False),
    ("state",): TextColumn(_J.state, folded=False),
}

# States are written out: an index for some of them serves no comparison with a parameter.
_WAITS: Final = text("job.state = 'waiting'")
_TWIN_RUNS: Final = (
    select(_OTHER.c.id)
    .where(
        text("other.state = 'running'"),
        _OTHER.c.kind == _J.kind,
        _OTHER.c.dedup_key == _J.dedup_key,
        _OTHER.c.id != _J.id,
    )
    .exists()
)
_MAY_BE_TAKEN: Final = and_(
    text("job.state IN ('waiting', 'running')"),
    is_listed(_J.kind, bindparam("kinds")),
    or_(_J.dedup_key.is_(None), ~_TWIN_RUNS),
)

# SQLAlchemy's insert for PostgreSQL is written the same way for SQLite. SQLite ignores the locks: it has one writer.
_ADD: Final = Statement(
    insert_unless_there(job).values({column.name: bindparam(column.name) for column in job.c}).on_conflict_do_nothing()
)
_FIND_WAITING: Final = Statement(
    select(_J.id).where(_J.kind == bindparam("kind"), _J.dedup_key == bindparam("dedup_key"), _WAITS)
)
_NEXT_DUE: Final = Statement(select(_J.due_at).where(_MAY_BE_TAKEN).order_by(_J.due_at).limit(1))
_LOCK_DUE: Final = Statement(
    select(job)
    .where(_MAY_BE_TAKEN, _J.due_at <= bindparam("now"))
    .order_by(_J.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=job)
)
_LOCK: Final = Statement(select(job).where(_J.id == bindparam("id")).with_for_update())
_FIND: Final = Statement(select(job).where(_J.id == bindparam("id")))
_SAVE: Final = Statement(
    update(job)
    .where(_J.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in job.c if column.name not in _NEVER_CHANGED})
)
_DELETE_FINISHED: Final = Statement(
    delete(job).where(
        _J.id.in_(
            select(_J.id)
            .where(_J.finished_at.is_not(None), _J.finished_at < bindparam("before"))
            .order_by(_J.finished_at)
            .limit(bindparam("limit"))
        )
    )
)

_LIST_SCHEDULES: Final = Statement(select(schedule).order_by(_S.name))
_NEXT_SCHEDULED: Final = Statement(select(func.min(_S.next_at)))
_LOCK_SCHEDULED: Final = Statement(
    select(schedule).where(_S.next_at <= bindparam("now")).order_by(_S.name).with_for_update(skip_locked=True)
)
_ADD_SCHEDULE: Final = Statement(
    insert_unless_there(schedule)
    .values({column.name: bindparam(column.name) for column in schedule.c})
    .on_conflict_do_nothing()
)
_SAVE_SCHEDULE: Final = Statement(
    update(schedule)
    .where(_S.name == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in schedule.c if column.name != "name"})
)
_DELETE_SCHEDULE: Final = Statement(delete(schedule).where(_S.name == bindparam("name")))


def add_job(tx: WriteTx, added: Job) -> bool:
    """Write a new job; return False when one that does the same waits already."""
    return _ADD.run(tx, id=added.id, **_fixed(added), **_changing(added)).rowcount > 0


def find_waiting(tx: ReadTx, kind: str, dedup_key: str) -> JobId | None:
    """Return the job that waits to do this, or None."""
    found = _FIND_WAITING.value(tx, kind=kind, dedup_key=dedup_key)
    return None if found is None else JobId(found)


def next_due(tx: ReadTx, kinds: Collection[str]) -> datetime | None:
    """Return when the first job of these kinds may be taken, or None when none waits or runs."""
    return _instant(_NEXT_DUE.value(tx, kinds=_listed(kinds)))


def lock_due_jobs(tx: WriteTx, kinds: Collection[str], *, limit: int) -> list[Job]:
    """Return jobs of these kinds that may be taken now, first those that are due longest; nobody else gets them."""
    return [
        _job_from(row) for row in _LOCK_DUE.rows(tx, kinds=_listed(kinds), now=to_microseconds(tx.now), limit=limit)
    ]


def find_job(tx: ReadTx, job_id: JobId) -> Job | None:
    """Return a job, or None."""
    row = _FIND.row(tx, id=job_id)
    return None if row is None else _job_from(row)


def find_job_to_change(tx: WriteTx, job_id: JobId) -> Job | None:
    """Return a job, or None. Others who would change it wait."""
    row = _LOCK.row(tx, id=job_id)
    return None if row is None else _job_from(row)


def list_jobs(
    tx: ReadTx, *, state: JobState | None, kind: str | None, where: Predicate | None, limit: int, before: JobId | None
) -> tuple[Job, ...]:
    """Return jobs, newest first."""
    wanted = select(job).order_by(_J.id.desc()).limit(limit)
    for column, value in ((_J.state, None if state is None else state.value), (_J.kind, kind)):
        wanted = wanted.where(true() if value is None else column == value)
    if where is not None:
        wanted = wanted.where(to_sql(where, _FILTERED_BY).condition)
    if before is not None:
        wanted = wanted.where(_J.id < before)
    return tuple(_job_from(row) for row in Statement(wanted).rows(tx))


def save_job(tx: WriteTx, changed: Job) -> None:
    """Write what has changed about a job."""
    _SAVE.run(tx, which=changed.id, **_changing(changed))


def delete_finished(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Delete jobs that ended before an instant, oldest first, at most `limit`; return how many."""
    return _DELETE_FINISHED.run(tx, before=to_microseconds(before), limit=limit).rowcount


def list_schedules(tx: ReadTx) -> tuple[Schedule, ...]:
    """Return all schedules by name."""
    return tuple(_schedule_from(row) for row in _LIST_SCHEDULES.rows(tx))


def next_scheduled(tx: ReadTx) -> datetime | None:
    """Return when the first schedule is due, or None when there is none."""
    return _instant(_NEXT_SCHEDULED.value(tx))


def lock_due_schedules(tx: WriteTx) -> list[Schedule]:
    """Return the schedules that are due now; nobody else gets them."""
    return [_schedule_from(row) for row in _LOCK_SCHEDULED.rows(tx, now=to_microseconds(tx.now))]


def add_schedule(tx: WriteTx, added: Schedule) -> None:
    """Write a schedule, unless there is one of that name."""
    _ADD_SCHEDULE.run(tx, name=added.name, **_of_schedule(added))


def save_schedule(tx: WriteTx, changed: Schedule) -> None:
    """Write what has changed about a schedule."""
    _SAVE_SCHEDULE.run(tx, which=changed.name, **_of_schedule(changed))


def delete_schedule(tx: WriteTx, name: str) -> None:
    """Delete a schedule."""
    _DELETE_SCHEDULE.run(tx, name=name)


def _listed(texts: Collection[str]) -> str:
    return orjson.dumps(sorted(texts)).decode()


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)


def _microseconds(instant: datetime | None) -> int | None:
    return None if instant is None else to_microseconds(instant)


def _fixed(kept: Job) -> dict[str, Any]:
    return {
        "kind": kept.kind,
        "payload": orjson.dumps(kept.payload).decode(),
        "dedup_key": kept.dedup_key,
        "max_attempts_count": kept.max_attempts,
        "lease_seconds": int(kept.lease.total_seconds()),
        "request_id": kept.request_id,
        "created_at": to_microseconds(kept.created_at),
    }


def _changing(kept: Job) -> dict[str, Any]:
    return {
        "state": kept.state.value,
        "attempt_count": kept.attempt,
        "due_at": to_microseconds(kept.due_at),
        "runner": kept.runner,
        "done_count": kept.done_count,
        "total_count": kept.total_count,
        "message": kept.message,
        "error": kept.error,
        "cancel_wanted": int(kept.cancel_wanted),
        "started_at": _microseconds(kept.started_at),
        "finished_at": _microseconds(kept.finished_at),
    }


def _job_from(row: Row) -> Job:
    values: dict[str, Any] = dict(zip(_J.keys(), row, strict=True))
    return Job(
        id=JobId(values["id"]),
        kind=values["kind"],
        payload=orjson.loads(values["payload"]),
        state=JobState(values["state"]),
        dedup_key=values["dedup_key"],
        attempt=values["attempt_count"],
        max_attempts=values["max_attempts_count"],
        lease=timedelta(seconds=values["lease_seconds"]),
        due_at=from_microseconds(values["due_at"]),
        runner=values["runner"],
        done_count=values["done_count"],
        total_count=values["total_count"],
        message=values["message"],
        error=values["error"],
        cancel_wanted=bool(values["cancel_wanted"]),
        request_id=values["request_id"],
        created_at=from_microseconds(values["created_at"]),
        started_at=_instant(values["started_at"]),
        finished_at=_instant(values["finished_at"]),
    )


def _of_schedule(kept: Schedule) -> dict[str, Any]:
    return {
        "cron": kept.cron,
        "kind": kept.kind,
        "next_at": to_microseconds(kept.next_at),
        "last_at": _microseconds(kept.last_at),
        "last_job_id": kept.last_job_id,
    }


def _schedule_from(row: Row) -> Schedule:
    values: dict[str, Any] = dict(zip(_S.keys(), row, strict=True))
    return Schedule(
        name=values["name"],
        cron=values["cron"],
        kind=values["kind"],
        next_at=from_microseconds(values["next_at"]),
        last_at=_instant(values["last_at"]),
        last_job_id=None if values["last_job_id"] is None else JobId(values["last_job_id"]),
    )
