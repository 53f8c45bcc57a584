"""The rows of the event log and of the audit log."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, select, true, union

from rolecall.events import catalog
from rolecall.events.calls import Call
from rolecall.events.model import AuditRecord, CallOutcome, LoggedEvent, Phase
from rolecall.events.tables import audit_record, event, event_mention, fresh_mention
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.event import Event, Severity
from rolecall.kernel.ids import new_id
from rolecall.storage.statement import Insertion, Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed, rarely

_EVENT_COLUMNS: Final = [column for column in event.c if column.name != "sequence"]
_RECORD_COLUMNS: Final = [column for column in audit_record.c if column.name != "sequence"]

_INSERT_EVENT: Final = Insertion(event, _EVENT_COLUMNS)
_INSERT_FRESH_MENTION: Final = Insertion(fresh_mention, [fresh_mention.c.mentioned_id, fresh_mention.c.request_id])
_INSERT_MENTION: Final = Insertion(event_mention, event_mention.c, unless_there=True)
_TAKE_FRESH_MENTIONS: Final = Statement(
    delete(fresh_mention)
    .where(
        fresh_mention.c.number.in_(
            select(fresh_mention.c.number).order_by(fresh_mention.c.number).limit(bindparam("limit"))
        )
    )
    .returning(fresh_mention.c.mentioned_id, fresh_mention.c.request_id)
)
_INSERT_RECORD: Final = Insertion(audit_record, _RECORD_COLUMNS)


def requests_mentioning(mentioned_id: ColumnElement[str] | str) -> tuple[Select[tuple[str]], Select[tuple[str]]]:
    """Select the ids of requests whose events mention a thing: what a job has indexed, and what is not indexed yet."""
    indexed = select(event_mention.c.request_id).where(event_mention.c.mentioned_id == mentioned_id)
    return indexed, select(fresh_mention.c.request_id).where(rarely(fresh_mention.c.mentioned_id == mentioned_id))


_LIST_OF_TYPES: Final = Statement(
    select(event)
    .where(
        event.c.happened_at >= bindparam("since"),
        event.c.happened_at < bindparam("until"),
        event.c.sequence > bindparam("after"),
        is_listed(event.c.type, bindparam("types")),
    )
    .order_by(event.c.sequence)
    .limit(bindparam("limit"))
)
_ABOUT: Final = (
    select(event)
    .where(event.c.subject_id == bindparam("subject"), is_listed(event.c.type, bindparam("types")))
    .order_by(event.c.sequence.desc())
    .limit(1)
)
_LAST_ABOUT: Final = Statement(_ABOUT)
_LAST_ABOUT_BOTH: Final = Statement(
    _ABOUT.where(event.c.request_id.in_(union(*requests_mentioning(bindparam("mentioned")))))
)
_DOOMED: Final = (
    select(event.c.sequence).where(event.c.happened_at < bindparam("before")).order_by(event.c.happened_at)
).limit(bindparam("limit"))
_DOOMED_MENTIONS: Final = Statement(
    select(event.c.type, event.c.request_id, event.c.data).where(
        event.c.sequence.in_(_DOOMED), event.c.request_id.is_not(None), is_listed(event.c.type, bindparam("types"))
    )
)
_DELETE_MENTION: Final = Statement(
    delete(event_mention).where(
        event_mention.c.mentioned_id == bindparam("mentioned"), event_mention.c.request_id == bindparam("request")
    )
)
_DELETE_EVENTS: Final = Statement(delete(event).where(event.c.sequence.in_(_DOOMED)))


def insert_events(tx: WriteTx) -> None:
    """Write the events that the transaction has recorded, in their order, just before the commit."""
    now = to_microseconds(tx.now)
    for each in tx.recorded:
        tx.write_late(
            _INSERT_EVENT,
            id=new_id(tx.now),
            happened_at=now,
            type=each.type,
            category=each.category.value,
            severity=each.severity.value,
            subject_id=each.subject_id(),
            actor_kind=tx.actor.kind.value,
            actor_user_id=tx.actor.user_id,
            request_id=tx.actor.request_id,
            data=orjson.dumps(each.data()).decode(),
        )
        if each.mentioning and tx.actor.request_id is not None:
            _insert_mentions(tx, each, tx.actor.request_id)


def list_events(tx: ReadTx, *, limit: int, before: int | None, warnings: bool) -> tuple[LoggedEvent, ...]:
    """Return events, newest first."""
    where = event.c.severity != Severity.INFO.value if warnings else true()
    rows = _newest_first(tx, event, where, limit=limit, before=before)
    return tuple(_event_from(row) for row in rows)


def list_events_of(
    tx: ReadTx, types: Collection[str], *, since: datetime, until: datetime, after: int, limit: int
) -> tuple[LoggedEvent, ...]:
    """Return events of these types from `since` to before `until`, oldest first, behind a sequence number."""
    rows = _LIST_OF_TYPES.rows(
        tx,
        types=orjson.dumps(sorted(types)).decode(),
        since=to_microseconds(since),
        until=to_microseconds(until),
        after=after,
        limit=limit,
    )
    return tuple(_event_from(row) for row in rows)


def find_last_about(
    tx: ReadTx, subject_id: str, types: Collection[str], *, mentioning: str | None
) -> LoggedEvent | None:
    """Return the newest event of these types about a subject, whose request also mentions another if one is given."""
    values = {"subject": subject_id, "types": orjson.dumps(sorted(types)).decode()}
    row = (
        _LAST_ABOUT.row(tx, **values)
        if mentioning is None
        else _LAST_ABOUT_BOTH.row(tx, **values, mentioned=mentioning)
    )
    return None if row is None else _event_from(row)


def delete_events(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Delete events that happened before an instant, oldest first, at most `limit`; return how many."""
    mentioning = catalog.mentioning()
    types = orjson.dumps(sorted(mentioning)).decode()
    mentions = [
        {"mentioned": mentioned, "request": request_id}
        for kind, request_id, data in _DOOMED_MENTIONS.rows(
            tx, before=to_microseconds(before), limit=limit, types=types
        )
        for mentioned in _mentioned_in(orjson.loads(data), mentioning[kind])
    ]
    if mentions:
        _DELETE_MENTION.many(tx, mentions)
    return _DELETE_EVENTS.run(tx, before=to_microseconds(before), limit=limit).rowcount


def index_mentions(tx: WriteTx, *, limit: int) -> int:
    """Put fresh mentions, the oldest first, where they are found by index; return how many, at most `limit`."""
    taken = [{"mentioned_id": row[0], "request_id": row[1]} for row in _TAKE_FRESH_MENTIONS.rows(tx, limit=limit)]
    if taken:
        # In the order of the index, neighbours are written together.
        _INSERT_MENTION.many(tx, sorted(taken, key=lambda each: (each["mentioned_id"], each["request_id"])))
    return len(taken)


def insert_intent(tx: WriteTx, call: Call) -> None:
    """Write what a call is about to try, just before the commit."""
    tx.write_late(_INSERT_RECORD, **_asked(tx, call, phase="intent"), **_NO_RESULT)


def insert_result(tx: WriteTx, call: Call) -> None:
    """Write what became of one call, just before the commit."""
    tx.write_late(_INSERT_RECORD, **_result(tx, call))


def insert_results(tx: WriteTx, calls: list[Call]) -> None:
    """Write what became of many calls."""
    _INSERT_RECORD.many(tx, [_result(tx, call) for call in calls])


def list_records(tx: ReadTx, *, limit: int, before: int | None) -> tuple[AuditRecord, ...]:
    """Return records, newest first."""
    rows = _newest_first(tx, audit_record, true(), limit=limit, before=before)
    names = [field.name for field in fields(AuditRecord)]
    records = []
    for row in rows:
        values: dict[str, Any] = dict(zip(names, row, strict=True))
        values["phase"] = Phase(values["phase"])
        values["recorded_at"] = from_microseconds(values["recorded_at"])
        values["request"] = None if values["request"] is None else orjson.loads(values["request"])
        values["outcome"] = None if values["outcome"] is None else CallOutcome(values["outcome"])
        values["operations"] = tuple(orjson.loads(values["operations"] or "[]"))
        records.append(AuditRecord(**values))
    return tuple(records)


def _insert_mentions(tx: WriteTx, said: Event, request_id: str) -> None:
    for name in said.mentioning:
        for mentioned in getattr(said, name):
            tx.write_late(_INSERT_FRESH_MENTION, mentioned_id=mentioned, request_id=request_id)


def _mentioned_in(data: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from data.get(name, ())


def _newest_first(tx: ReadTx, table: Table, where: ColumnElement[bool], *, limit: int, before: int | None) -> list[Row]:
    wanted = select(table).where(where).order_by(table.c.sequence.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(table.c.sequence < before)
    return Statement(wanted).rows(tx)


def _event_from(row: Row) -> LoggedEvent:
    return LoggedEvent(
        sequence=row[0],
        id=row[1],
        happened_at=from_microseconds(row[2]),
        type=row[3],
        category=row[4],
        severity=row[5],
        subject_id=row[6],
        actor_kind=row[7],
        actor_user_id=row[8],
        request_id=row[9],
        data=orjson.loads(row[10]),
    )


_NO_RESULT: Final[dict[str, None]] = dict.fromkeys(
    ("outcome", "code", "status", "detail", "operations", "subject_id", "repeated_count", "duration_microseconds")
)


def _storable(text: str | None) -> str | None:
    """Return a text as every database takes it: a record must not be lost for what somebody sent."""
    return None if text is None else text.replace("\x00", "�").encode(errors="replace").decode()


def _asked(tx: WriteTx, call: Call, *, phase: str) -> dict[str, object]:
    actor = call.actor
    return {
        "phase": phase,
        "request_id": call.request_id,
        "recorded_at": to_microseconds(tx.now),
        "actor_kind": actor.kind.value,
        "user_id": actor.user_id,
        "user_name": actor.user_name,
        "api_key_id": actor.api_key_id,
        "address": call.address,
        "user_agent": _storable(call.user_agent),
        "method": _storable(call.method),
        "target": _storable(call.target),
        "request": None if call.request is None else orjson.dumps(call.request).decode(),
    }


def _result(tx: WriteTx, call: Call) -> dict[str, object]:
    values = _asked(tx, call, phase="result")
    values.update(
        outcome=call.outcome.value,
        code=call.code,
        status=call.status,
        detail=_storable(call.detail),
        operations=orjson.dumps(call.operations).decode() if call.operations else None,
        subject_id=call.subject_id,
        repeated_count=call.repeated_count,
        duration_microseconds=call.elapsed_microseconds()
        if call.duration_microseconds is None
        else call.duration_microseconds,
    )
    if call.ended_at is not None:
        values["recorded_at"] = to_microseconds(call.ended_at)
    return values
