"""The rows of either log, by time and condition, or by sequence number."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import orjson
from sqlalchemy import Column, ColumnElement, Table, and_, func, literal, or_, select, true

from rolecall.events.model import AuditRecord, CallOutcome, LoggedEvent, Phase
from rolecall.events.search.model import CallNarrowing, LogPlace, LogSearch
from rolecall.events.store import requests_mentioning
from rolecall.events.tables import audit_record, event
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.predicate import Path
from rolecall.storage.predicates import InstantColumn, TextColumn, to_sql
from rolecall.storage.settled import settled_number
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx
from rolecall.storage.types import is_listed, position_of

T = TypeVar("T")

WINDOW: Final = 20_000
"""How many entries one search looks at before it answers with what it has, so that none takes long."""

_SLACK: Final = timedelta(minutes=1)
"""Entries are written a little out of the order of their times; a feed begins this much early."""

_R: Final = audit_record.c
_E: Final = event.c


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept(Generic[T]):
    """How one log is kept: its table, its instants, what it can be searched by, and how entries are read from it."""

    table: Table
    at: Column[Any]
    columns: Sequence[Column[Any]]
    """Those of an entry, in the order in which `entry_from` takes them."""
    entry_from: Callable[[Row], T]
    searched_by: dict[Path, Any]


def record_from(row: Row) -> AuditRecord:
    """Return the audit record in a row of its columns."""
    values: dict[str, Any] = dict(zip((field.name for field in fields(AuditRecord)), row, strict=True))
    values["phase"] = Phase(values["phase"])
    values["recorded_at"] = from_microseconds(values["recorded_at"])
    values["request"] = None if values["request"] is None else orjson.loads(values["request"])
    values["outcome"] = None if values["outcome"] is None else CallOutcome(values["outcome"])
    values["operations"] = tuple(orjson.loads(values["operations"] or "[]"))
    return AuditRecord(**values)


def event_from(row: Row) -> LoggedEvent:
    """Return the event in a row of its columns."""
    values: dict[str, Any] = dict(zip((field.name for field in fields(LoggedEvent)), row, strict=True))
    values["happened_at"] = from_microseconds(values["happened_at"])
    values["data"] = orjson.loads(values["data"])
    return LoggedEvent(**values)


RECORDS: Final = Kept(
    table=audit_record,
    at=_R.recorded_at,
    columns=[_R[field.name] for field in fields(AuditRecord)],
    entry_from=record_from,
    searched_by={
        ("recorded_at",): InstantColumn(_R.recorded_at),
        **{
            (name,): TextColumn(_R[name], folded=False)
            for name in (
                "address",
                "api_key_id",
                "code",
                "method",
                "outcome",
                "phase",
                "request",
                "request_id",
                "subject_id",
                "target",
                "user_id",
            )
        },
    },
)
EVENTS: Final = Kept(
    table=event,
    at=_E.happened_at,
    columns=[_E[field.name] for field in fields(LoggedEvent)],
    entry_from=event_from,
    searched_by={
        ("happened_at",): InstantColumn(_E.happened_at),
        **{
            (name,): TextColumn(_E[name], folded=False)
            for name in ("actor_user_id", "category", "request_id", "severity", "subject_id", "type")
        },
    },
)


def search(tx: ReadTx, log: Kept[T], wanted: LogSearch) -> tuple[list[Row], LogPlace | None]:
    """Return rows of an entry's columns, and where to read on.

    Looks at no more than `WINDOW` entries: there may be no row and yet a place. What is narrowed to what it was
    about is found by that instead, all of it.
    """
    if wanted.narrowed is not None and wanted.narrowed.about:
        return _search_about(tx, log, wanted)
    ahead = _beyond(log, wanted)
    order = _order(log, wanted)
    end = Statement(select(log.at, log.table.c.sequence).where(ahead).order_by(*order).limit(1).offset(WINDOW - 1)).row(
        tx
    )
    within = true() if end is None else _up_to(log, end, newest_first=wanted.newest_first)
    query = select(*log.columns).where(ahead, within, _condition(log, wanted)).order_by(*order).limit(wanted.limit + 1)
    rows = Statement(query).rows(tx)
    if len(rows) > wanted.limit:
        rows = rows[: wanted.limit]
        return rows, _place_of(log, rows[-1])
    return rows, None if end is None else LogPlace(at=from_microseconds(end[0]), sequence=end[1])


def settled(tx: ReadTx, log: Kept[T]) -> int:
    """Return up to which sequence number all entries are there, for a transaction that begins after this."""
    return settled_number(tx, log.table.name)


def follow(
    tx: ReadTx, log: Kept[T], *, after: int, until: int, limit: int, narrowed: CallNarrowing | None = None
) -> list[Row]:
    """Return rows of the entries that were written next, oldest first, up to a sequence number."""
    sequence = log.table.c.sequence
    within = and_(sequence > after, sequence <= until, _narrowed(narrowed))
    return Statement(select(*log.columns).where(within).order_by(sequence).limit(limit)).rows(tx)


def end_of_stretch(tx: ReadTx, log: Kept[T], *, after: int, until: int) -> tuple[int, bool]:
    """Return the sequence number behind at most `WINDOW` entries that were written next, and whether more follow."""
    sequence = log.table.c.sequence
    within = and_(sequence > after, sequence <= until)
    numbers = select(sequence).where(within).order_by(sequence).limit(WINDOW + 1).subquery()
    count, last = Statement(select(func.count(), func.max(numbers.c.sequence))).row(tx) or (0, None)
    if count <= WINDOW:
        return (after if last is None else int(last)), False
    before_last = Statement(select(func.max(numbers.c.sequence)).where(numbers.c.sequence < last))
    return int(before_last.value(tx)), True


def find_result(tx: ReadTx, sequence: int, narrowed: CallNarrowing) -> Row | None:
    """Return the row of one result, or None."""
    return Statement(select(*RECORDS.columns).where(_R.sequence == sequence, _narrowed(narrowed))).row(tx)


def list_events_beside(tx: ReadTx, instants: Collection[datetime], types: Collection[str]) -> list[Row]:
    """Return rows of the events of these types that happened at exactly these instants, oldest first."""
    moments = [to_microseconds(each) for each in instants]
    query = select(*EVENTS.columns).where(_E.happened_at.in_(moments), _E.type.in_(sorted(types)))
    return Statement(query.order_by(_E.sequence)).rows(tx)


def list_events_between(
    tx: ReadTx, types: Collection[str], place: LogPlace, *, until: datetime, limit: int
) -> list[Row]:
    """Return rows of events of these types that happened behind a place, up to an instant, oldest first."""
    ahead = _beyond(EVENTS, LogSearch(where=None, after=place, limit=limit))
    within = and_(ahead, _E.happened_at <= to_microseconds(until))
    query = select(*EVENTS.columns).where(within, _E.type.in_(sorted(types)))
    return Statement(query.order_by(_E.happened_at, _E.sequence).limit(limit)).rows(tx)


def sequence_before(tx: ReadTx, log: Kept[T], since: datetime) -> int:
    """Return a sequence number behind which everything from that instant on lies, and little else."""
    first = Statement(
        select(log.table.c.sequence)
        .where(log.at >= to_microseconds(since - _SLACK))
        .order_by(log.at, log.table.c.sequence)
        .limit(1)
    ).value(tx)
    return newest(tx, log) if first is None else int(first) - 1


def newest(tx: ReadTx, log: Kept[T]) -> int:
    """Return the sequence number of the newest entry, 0 when there is none."""
    return int(Statement(select(func.max(log.table.c.sequence))).value(tx) or 0)


def _search_about(tx: ReadTx, log: Kept[T], wanted: LogSearch) -> tuple[list[Row], LogPlace | None]:
    # So that no database walks along the instants instead, in the hope of finding some soon.
    order = [(column + 0).desc() if wanted.newest_first else column + 0 for column in (log.at, log.table.c.sequence)]
    query = select(*log.columns).where(_beyond(log, wanted, by_index=False), _condition(log, wanted))
    rows = Statement(query.order_by(*order).limit(wanted.limit + 1)).rows(tx)
    if len(rows) > wanted.limit:
        rows = rows[: wanted.limit]
        return rows, _place_of(log, rows[-1])
    return rows, None


def _condition(log: Kept[T], wanted: LogSearch) -> ColumnElement[bool]:
    condition = true() if wanted.where is None else to_sql(wanted.where, log.searched_by).condition
    return and_(condition, _narrowed(wanted.narrowed))


def _narrowed(narrowed: CallNarrowing | None) -> ColumnElement[bool]:
    if narrowed is None:
        return true()
    path_ends = position_of(_R.target, "?")
    there = position_of(_R.target, narrowed.below)
    conditions: list[ColumnElement[bool]] = [
        _R.phase == Phase.RESULT.value,
        and_(there > 0, or_(path_ends == 0, there < path_ends)),
        *(_is_about(each) for each in narrowed.about),
    ]
    if narrowed.key_ids is not None:
        conditions.append(is_listed(_R.api_key_id, literal(orjson.dumps(sorted(narrowed.key_ids)).decode())))
    return and_(*conditions)


def _is_about(thing_id: str) -> ColumnElement[bool]:
    """Return the condition that a call was about a thing, changed it, or mentioned it in what it changed."""
    requests = select(_E.request_id).where(_E.subject_id == thing_id).union(*requests_mentioning(thing_id)).subquery()
    by_events = select(_R.sequence).join(requests, _R.request_id == requests.c.request_id)
    return _R.sequence.in_(select(_R.sequence).where(_R.subject_id == thing_id).union(by_events))


def _place_of(log: Kept[T], row: Row) -> LogPlace:
    by_name = dict(zip((column.name for column in log.columns), row, strict=True))
    return LogPlace(at=from_microseconds(by_name[log.at.name]), sequence=by_name["sequence"])


def _beyond(log: Kept[T], wanted: LogSearch, *, by_index: bool = True) -> ColumnElement[bool]:
    """Return the condition on what may be looked at. Its first halves are what the index on the instant serves."""
    sequence = log.table.c.sequence
    instant: ColumnElement[Any] = log.at if by_index else log.at + 0
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.since is not None:
        conditions.append(instant >= to_microseconds(wanted.since))
    if wanted.after is not None:
        at, number = to_microseconds(wanted.after.at), wanted.after.sequence
        if wanted.newest_first:
            conditions.append(and_(instant <= at, or_(instant < at, sequence < number)))
        else:
            conditions.append(and_(instant >= at, or_(instant > at, sequence > number)))
    return and_(*conditions)


def _up_to(log: Kept[T], end: Row, *, newest_first: bool) -> ColumnElement[bool]:
    at, number = end
    sequence = log.table.c.sequence
    if newest_first:
        return and_(log.at >= at, or_(log.at > at, sequence >= number))
    return and_(log.at <= at, or_(log.at < at, sequence <= number))


def _order(log: Kept[T], wanted: LogSearch) -> list[ColumnElement[Any]]:
    by: list[Column[Any]] = [log.at, log.table.c.sequence]
    return [column.desc() for column in by] if wanted.newest_first else list(by)
