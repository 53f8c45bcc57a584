"""The rows of who lost something by which connection."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql

from rolecall.connections.held.model import HeldChangeId
from rolecall.connections.tables import guard_loss, held_change, scim_connection, scim_validation
from rolecall.directory.model import ConnectionId, UserId
from rolecall.kernel.clock import to_microseconds
from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_C: Final = scim_connection.c
_L: Final = guard_loss.c
_OF_CONNECTION: Final = _L.connection_id == bindparam("connection_id")
_IN_WINDOW: Final = (_OF_CONNECTION, _L.lost_at > bindparam("since"))

# A weaker lock than that of whoever changes the key, which foreign keys wait for.
_LOCK: Final = Statement(
    select(
        _C.id,
        _C.name,
        _C.guard_people,
        _C.guard_percent,
        _C.guard_holder_count,
        select(held_change.c.id).where(held_change.c.retry_key == bindparam("retry_key")).scalar_subquery(),
        select(scim_validation.c.id).where(scim_validation.c.key_id == bindparam("key_id")).limit(1).scalar_subquery(),
    )
    .where(_C.id == bindparam("id"))
    .with_for_update(key_share=True)
)
_INSERT: Final = postgresql.insert(guard_loss).values({column.name: bindparam(column.name) for column in _L})
# SQLAlchemy's insert for PostgreSQL is written the same way for SQLite.
_ADD: Final = Statement(
    _INSERT.on_conflict_do_update(
        index_elements=[_L.connection_id, _L.user_id], set_={"lost_at": _INSERT.excluded.lost_at}
    )
)
_COUNT: Final = Statement(select(func.count()).select_from(guard_loss).where(*_IN_WINDOW))
_TIDY: Final = Statement(delete(guard_loss).where(_OF_CONNECTION, _L.lost_at <= bindparam("since")))
_LIST: Final = Statement(
    select(_C.id, _L.user_id).outerjoin_from(
        scim_connection, guard_loss, and_(_L.connection_id == _C.id, _L.lost_at > bindparam("since"))
    )
)
_SAVE_HOLDERS: Final = Statement(
    update(scim_connection)
    .where(_C.id == bindparam("which"), _C.guard_holder_count != bindparam("holders"))
    .values(guard_holder_count=bindparam("holders"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connection may take away in an hour."""

    connection_id: ConnectionId
    name: str
    people: int
    percent: int
    holders: int
    """How many people held something, some minutes ago."""
    held_id: HeldChangeId | None
    """Under which the same change is held already."""
    is_validation: bool
    """Whether Rolecall makes this change itself, with a user of its own, to try the connection out."""


def lock_limits(tx: WriteTx, connection_id: str, *, retry_key: str) -> Limits | None:
    """Return the limits of a connection; others of the same connection count only when this transaction has ended."""
    row = _LOCK.row(tx, id=connection_id, retry_key=retry_key, key_id=tx.actor.api_key_id)
    if row is None:
        return None
    return Limits(
        connection_id=ConnectionId(row[0]),
        name=row[1],
        people=row[2],
        percent=row[3],
        holders=row[4],
        held_id=None if row[5] is None else HeldChangeId(row[5]),
        is_validation=row[6] is not None,
    )


def add_losses(tx: WriteTx, connection_id: str, user_ids: Collection[UserId], *, since: datetime) -> int:
    """Write that these people lost something now; return how many did after `since`, each counted once."""
    now = to_microseconds(tx.now)
    _ADD.many(tx, [{"connection_id": connection_id, "user_id": each, "lost_at": now} for each in sorted(user_ids)])
    window = {"connection_id": connection_id, "since": to_microseconds(since)}
    lost = int(_COUNT.value(tx, **window))
    if lost == len(user_ids):
        # The first losses for an hour: what is older is of no use to anybody.
        _TIDY.run(tx, **window)
    return lost


def list_losers_by_connection(tx: ReadTx, *, since: datetime) -> dict[ConnectionId, list[UserId]]:
    """Return, for every connection, who lost something by it after an instant, in no order."""
    found: dict[ConnectionId, list[UserId]] = {}
    for connection_id, user_id in _LIST.rows(tx, since=to_microseconds(since)):
        losers = found.setdefault(ConnectionId(connection_id), [])
        if user_id is not None:
            losers.append(UserId(user_id))
    return found


def save_holder_counts(tx: WriteTx, counts: Mapping[ConnectionId, int]) -> None:
    """Write how many people hold something, for each connection in an order that all keep."""
    for connection_id in sorted(counts):
        _SAVE_HOLDERS.run(tx, which=connection_id, holders=counts[connection_id])
