"""The rows of held changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, func, null, or_, select, update
from sqlalchemy.dialects import postgresql

from rolecall.connections.held.model import (
    Decision,
    HeldChange,
    HeldChangeId,
    HeldSearch,
    HeldState,
    Losses,
    Sent,
)
from rolecall.connections.tables import held_change, scim_connection
from rolecall.directory.model import ConnectionId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.secrets import place_of
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_H: Final = held_change.c
_SHOWN: Final = tuple(column for column in _H if column.name not in {"body", "retry_key"})
_NAMES: Final = tuple(column.name for column in _SHOWN)

_INSERT: Final = postgresql.insert(held_change).values({column.name: bindparam(column.name) for column in _H})
# SQLAlchemy's insert for PostgreSQL is written the same way for SQLite.
_ADD: Final = Statement(
    _INSERT.on_conflict_do_update(
        index_elements=[_H.retry_key],
        set_={"try_count": _H.try_count + 1, "last_tried_at": _INSERT.excluded.last_tried_at},
    ).returning(_H.id, _H.try_count)
)
_WITH_NAME: Final = select(*_SHOWN, scim_connection.c.name).join(
    scim_connection, scim_connection.c.id == _H.connection_id
)
_FIND: Final = Statement(_WITH_NAME.where(_H.id == bindparam("id")))
_FIND_TO_CHANGE: Final = Statement(_WITH_NAME.where(_H.id == bindparam("id")).with_for_update(of=held_change))
_BODY: Final = Statement(select(_H.body).where(_H.id == bindparam("id")))
_SAME_INSTANT: Final = _H.held_at == bindparam("after_at")
_BEHIND: Final = or_(_H.held_at > bindparam("after_at"), and_(_SAME_INSTANT, _H.id > bindparam("after_id")))
_BEFORE: Final = or_(_H.held_at < bindparam("after_at"), and_(_SAME_INSTANT, _H.id < bindparam("after_id")))
_COUNT: Final = Statement(
    select(func.count())
    .select_from(held_change)
    .where(_H.connection_id == bindparam("connection_id"), _H.state == HeldState.HELD.value)
)
_DECIDE: Final = Statement(
    update(held_change)
    .where(_H.id == bindparam("which"))
    .values(
        state=bindparam("new_state"),
        decided_at=bindparam("at"),
        decided_by_id=bindparam("by_id"),
        decided_by_name=bindparam("by_name"),
        result_status=bindparam("status"),
        # What was sent may hold secrets, and is of no more use; nor may a retry be taken for this one.
        body=null(),
        retry_key=null(),
        refusal=null(),
    )
)
_NOTE_REFUSAL: Final = Statement(
    update(held_change)
    .where(_H.id == bindparam("which"), _H.state == HeldState.HELD.value)
    .values(refusal=bindparam("why"))
)
_FORGET: Final = Statement(
    delete(held_change).where(
        _H.id.in_(
            select(_H.id)
            .where(_H.state != HeldState.HELD.value, _H.decided_at < bindparam("before"))
            .order_by(_H.decided_at)
            .limit(bindparam("most"))
        )
    )
)


def add_held_change(tx: WriteTx, held: HeldChange, *, sealed_body: str | None) -> tuple[HeldChangeId, int]:
    """Write a held change, or note that it was sent once more; return its id and how often it was sent."""
    row = _ADD.row(
        tx,
        id=held.id,
        connection_id=held.connection_id,
        state=held.state.value,
        retry_key=held.sent.retry_key(held.connection_id),
        method=held.sent.method,
        path=held.sent.path,
        if_match=held.sent.if_match,
        content_type=held.sent.content_type,
        body=sealed_body,
        losing_count=held.losses.losing,
        lost_count=held.losses.lost,
        limit_count=held.losses.limit,
        request_id=held.request_id,
        try_count=held.tries,
        held_at=to_microseconds(held.held_at),
        last_tried_at=to_microseconds(held.last_tried_at),
        decided_at=None,
        decided_by_id=None,
        decided_by_name=None,
        result_status=None,
        refusal=None,
    )
    assert row is not None  # noqa: S101  # a row is returned whichever way it went
    return HeldChangeId(row[0]), int(row[1])


def place_of_body(held_id: HeldChangeId) -> str:
    """Return the place for which the body of a held change is sealed."""
    return place_of("held_change", "body", held_id)


def find_held_change(tx: ReadTx, held_id: str) -> HeldChange | None:
    """Return the held change that has this id, or None."""
    row = _FIND.row(tx, id=held_id)
    return None if row is None else _held_from(row)


def find_held_change_to_decide(tx: WriteTx, held_id: str) -> HeldChange | None:
    """Return the same, and keep others from deciding until the transaction ends."""
    row = _FIND_TO_CHANGE.row(tx, id=held_id)
    return None if row is None else _held_from(row)


def find_sealed_body(tx: ReadTx, held_id: HeldChangeId) -> str | None:
    """Return the body of a held change as it is sealed; None where there was none, or is none any more."""
    sealed: str | None = _BODY.value(tx, id=held_id)
    return sealed


def list_held_changes(tx: ReadTx, wanted: HeldSearch) -> list[HeldChange]:
    """Return held changes, oldest or newest first."""
    query = _WITH_NAME
    values: dict[str, Any] = {"most": wanted.limit}
    if wanted.connection_id is not None:
        query = query.where(_H.connection_id == bindparam("connection_id"))
        values["connection_id"] = wanted.connection_id
    if wanted.state is not None:
        query = query.where(_H.state == bindparam("state"))
        values["state"] = wanted.state.value
    if wanted.after is not None:
        held_at, held_id = wanted.after
        query = query.where(_BEFORE if wanted.newest_first else _BEHIND)
        values |= {"after_at": to_microseconds(held_at), "after_id": held_id}
    order = (_H.held_at.desc(), _H.id.desc()) if wanted.newest_first else (_H.held_at, _H.id)
    rows = Statement(query.order_by(*order).limit(bindparam("most"))).rows(tx, **values)
    return [_held_from(row) for row in rows]


def count_held(tx: ReadTx, connection_id: str) -> int:
    """Return how many changes of a connection nobody has decided."""
    return int(_COUNT.value(tx, connection_id=connection_id))


def save_decision(tx: WriteTx, held_id: HeldChangeId, state: HeldState, decision: Decision) -> None:
    """Write what became of a held change, and forget what was sent."""
    _DECIDE.run(
        tx,
        which=held_id,
        new_state=state.value,
        at=to_microseconds(decision.at),
        by_id=decision.user_id,
        by_name=decision.user_name,
        status=decision.status,
    )


def save_refusal(tx: WriteTx, held_id: str, why: str) -> None:
    """Write why a change that is still held could not be released."""
    _NOTE_REFUSAL.run(tx, which=held_id, why=why)


def delete_decided(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Delete those that were decided before an instant, at most `limit`; return how many."""
    return _FORGET.run(tx, before=to_microseconds(before), most=limit).rowcount


def _held_from(row: Row) -> HeldChange:
    kept: Mapping[str, Any] = dict(zip(_NAMES, row[:-1], strict=True))
    decided_at = kept["decided_at"]
    decision = None
    if decided_at is not None:
        decision = Decision(
            at=from_microseconds(decided_at),
            user_id=kept["decided_by_id"],
            user_name=kept["decided_by_name"],
            status=kept["result_status"],
        )
    return HeldChange(
        id=HeldChangeId(kept["id"]),
        connection_id=ConnectionId(kept["connection_id"]),
        connection_name=row[-1],
        state=HeldState(kept["state"]),
        sent=Sent(
            method=kept["method"], path=kept["path"], if_match=kept["if_match"], content_type=kept["content_type"]
        ),
        losses=Losses(losing=kept["losing_count"], lost=kept["lost_count"], limit=kept["limit_count"]),
        request_id=kept["request_id"],
        tries=kept["try_count"],
        held_at=from_microseconds(kept["held_at"]),
        last_tried_at=from_microseconds(kept["last_tried_at"]),
        decision=decision,
        refusal=kept["refusal"],
    )
