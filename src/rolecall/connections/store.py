"""The rows of SCIM connections."""

from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_network
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_add

from rolecall.authorization.actor import PushScope
from rolecall.connections.errors import ConnectionNameTaken
from rolecall.connections.model import (
    Connection,
    ConnectionDraft,
    ConnectionState,
    Dialect,
    RequirementProfile,
    Traffic,
    TrafficNote,
)
from rolecall.connections.tables import scim_connection, scim_connection_hour
from rolecall.directory.model import ConnectionId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_C: Final = scim_connection.c
_NOTICED: Final = frozenset({"dialect_seen", "last_call_at", "silence_told_at"})
_COUNTED: Final = "guard_holder_count"
"""Kept by the guard, from what a job counts."""
_SAID: Final = tuple(column.name for column in _C if column.name not in {*_NOTICED, _COUNTED})

_BY_ID: Final = select(scim_connection).where(_C.id == bindparam("id"))
_FIND: Final = Statement(_BY_ID)
_FIND_TO_CHANGE: Final = Statement(_BY_ID.with_for_update())
_LIST: Final = Statement(select(scim_connection).order_by(_C.id))
_INSERT: Final = Statement(insert(scim_connection).values({name: bindparam(name) for name in _SAID}))
_UPDATE: Final = Statement(
    update(scim_connection)
    .where(_C.id == bindparam("which"))
    .values({name: bindparam(name) for name in _SAID if name != "id"})
)
_SAVE_NOTICED: Final = Statement(
    update(scim_connection).where(_C.id == bindparam("which")).values({name: bindparam(name) for name in _NOTICED})
)
_H: Final = scim_connection_hour.c
_COUNT: Final = Statement(
    insert_or_add(scim_connection_hour)
    .values({column.name: bindparam(column.name) for column in _H})
    .on_conflict_do_update(
        index_elements=["connection_id", "hour_at"],
        set_={
            "call_count": _H.call_count + bindparam("call_count"),
            "error_count": _H.error_count + bindparam("error_count"),
        },
    )
)
_SUM: Final = Statement(
    select(func.coalesce(func.sum(_H.call_count), 0), func.coalesce(func.sum(_H.error_count), 0)).where(
        _H.connection_id == bindparam("connection_id"), _H.hour_at > bindparam("since")
    )
)
_DELETE_COUNTS: Final = Statement(delete(scim_connection_hour).where(_H.hour_at < bindparam("before")))
_DELETE: Final = Statement(delete(scim_connection).where(_C.id == bindparam("id")))


def find_connection(tx: ReadTx, connection_id: str) -> Connection | None:
    """Return the connection that has this id, or None."""
    row = _FIND.row(tx, id=connection_id)
    return None if row is None else _connection_from(row)


def find_connection_to_change(tx: WriteTx, connection_id: str) -> Connection | None:
    """Return the same, and keep others from changing it until the transaction ends."""
    row = _FIND_TO_CHANGE.row(tx, id=connection_id)
    return None if row is None else _connection_from(row)


def list_connections(tx: ReadTx) -> tuple[Connection, ...]:
    """Return all connections in the order in which they were made, the default one first."""
    return tuple(_connection_from(row) for row in _LIST.rows(tx))


def insert_connection(tx: WriteTx, connection: Connection) -> None:
    """Write a new connection.

    Raises: ConnectionNameTaken.
    """
    try:
        _INSERT.run(tx, **_row_of(connection))
    except UniqueViolation as violation:
        raise _name_taken(connection) from violation


def save_connection(tx: WriteTx, connection: Connection) -> None:
    """Write what somebody has said of a connection; what was noticed of it stays.

    Raises: ConnectionNameTaken.
    """
    row = _row_of(connection)
    row["which"] = row.pop("id")
    try:
        _UPDATE.run(tx, **row)
    except UniqueViolation as violation:
        raise _name_taken(connection) from violation


def delete_connection(tx: WriteTx, connection_id: ConnectionId) -> None:
    """Delete a connection, with what was counted of it."""
    _DELETE.run(tx, id=connection_id)


def save_noticed(tx: WriteTx, connection: Connection) -> None:
    """Write what was noticed of a connection's calls, and nothing else."""
    seen, called, told = connection.dialect_seen, connection.last_call_at, connection.silence_told_at
    _SAVE_NOTICED.run(
        tx,
        which=connection.id,
        dialect_seen=None if seen is None else seen.value,
        last_call_at=None if called is None else to_microseconds(called),
        silence_told_at=None if told is None else to_microseconds(told),
    )


def count_calls(tx: WriteTx, note: TrafficNote) -> None:
    """Add calls to those of their hour."""
    _COUNT.run(
        tx,
        connection_id=note.connection_id,
        hour_at=to_microseconds(note.hour_at),
        call_count=note.call_count,
        error_count=note.error_count,
    )


def sum_calls(tx: ReadTx, connection_id: ConnectionId, *, since: datetime) -> Traffic:
    """Return the calls of the hours that began after `since`."""
    calls, errors = _SUM.rows(tx, connection_id=connection_id, since=to_microseconds(since))[0]
    return Traffic(call_count=int(calls), error_count=int(errors))


def delete_counts(tx: WriteTx, *, before: datetime) -> None:
    """Delete the counts of hours that began before."""
    _DELETE_COUNTS.run(tx, before=to_microseconds(before))


def _name_taken(connection: Connection) -> ConnectionNameTaken:
    return ConnectionNameTaken(f"The name {connection.name!r} is in use by another SCIM connection.", attribute="name")


def _listed(texts: Iterable[str]) -> str | None:
    """Return a list as JSON; None where it is empty."""
    listed = list(texts)
    return orjson.dumps(listed).decode() if listed else None


def _row_of(connection: Connection) -> dict[str, Any]:
    draft = connection.draft
    return {
        "id": connection.id,
        "name": draft.name,
        "name_key": comparison_form(draft.name),
        "state": draft.state.value,
        "requirement_profile": None if draft.requirement_profile is None else draft.requirement_profile.value,
        "networks": _listed(str(each) for each in draft.networks),
        "user_scope": _listed(draft.push_scope.users),
        "group_scope": _listed(draft.push_scope.groups),
        "rate_limit_count": draft.rate_limit,
        "silent_after_hours": draft.silent_after_hours,
        "dialect_pinned": None if draft.dialect_pinned is None else draft.dialect_pinned.value,
        "guard_people": draft.guard_people,
        "guard_percent": draft.guard_percent,
        "version": connection.version,
        "created_at": to_microseconds(connection.created_at),
        "changed_at": to_microseconds(connection.changed_at),
    }


def _connection_from(row: Row) -> Connection:
    kept = dict(zip(scim_connection.c.keys(), row, strict=True))
    profile, pinned, seen = kept["requirement_profile"], kept["dialect_pinned"], kept["dialect_seen"]
    called, told = kept["last_call_at"], kept["silence_told_at"]
    return Connection(
        id=ConnectionId(kept["id"]),
        draft=ConnectionDraft(
            name=kept["name"],
            state=ConnectionState(kept["state"]),
            requirement_profile=None if profile is None else RequirementProfile(profile),
            networks=tuple(ip_network(each) for each in orjson.loads(kept["networks"] or "[]")),
            push_scope=PushScope(
                users=tuple(orjson.loads(kept["user_scope"] or "[]")),
                groups=tuple(orjson.loads(kept["group_scope"] or "[]")),
            ),
            rate_limit=kept["rate_limit_count"],
            silent_after_hours=kept["silent_after_hours"],
            dialect_pinned=None if pinned is None else Dialect(pinned),
            guard_people=kept["guard_people"],
            guard_percent=kept["guard_percent"],
        ),
        version=kept["version"],
        created_at=from_microseconds(kept["created_at"]),
        changed_at=from_microseconds(kept["changed_at"]),
        dialect_seen=None if seen is None else Dialect(seen),
        last_call_at=None if called is None else from_microseconds(called),
        silence_told_at=None if told is None else from_microseconds(told),
    )
