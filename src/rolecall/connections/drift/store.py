"""The rows of differences."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from sqlalchemy import Column, ColumnElement, Text, and_, bindparam, cast, delete, func, or_, select

from rolecall.connections.drift.model import Difference, DriftKind, DriftSearch, Finding
from rolecall.connections.tables import scim_drift
from rolecall.directory.model import ConnectionId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Insertion, Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_D: Final = scim_drift.c


def _unless_empty(name: str, *columns: Column[Any]) -> ColumnElement[bool]:
    return or_(cast(bindparam(name), Text) == "", *(column == bindparam(name) for column in columns))


_CHOSEN: Final = (
    _unless_empty("owner", _D.connection_id),
    _unless_empty("kind", _D.kind),
    _unless_empty("about", _D.resource_id, _D.member_id),
)
_LIST: Final = Statement(
    select(scim_drift)
    .where(
        *_CHOSEN,
        or_(
            _D.connection_id > bindparam("after_owner"),
            and_(_D.connection_id == bindparam("after_owner"), _D.position > bindparam("after_position")),
        ),
    )
    .order_by(_D.connection_id, _D.position)
    .limit(bindparam("limit"))
)
_COUNT: Final = Statement(select(func.count()).select_from(scim_drift).where(*_CHOSEN))
_FIND: Final = Statement(select(scim_drift).where(_D.id == bindparam("id")))
_INSERT: Final = Insertion(scim_drift, _D)
_DELETE: Final = Statement(delete(scim_drift).where(_D.id == bindparam("id")))
_DELETE_ALL: Final = Statement(delete(scim_drift).where(_D.connection_id == bindparam("owner")))


def list_differences(tx: ReadTx, wanted: DriftSearch) -> tuple[Difference, ...]:
    """Return differences by connection, in the order in which they can be repaired."""
    owner, position = wanted.after
    rows = _LIST.rows(tx, **_choice(wanted), after_owner=owner, after_position=position, limit=wanted.limit)
    return tuple(_difference_from(row) for row in rows)


def count_differences(tx: ReadTx, wanted: DriftSearch) -> int:
    """Return how many there are of a choice, from its beginning on."""
    return int(_COUNT.value(tx, **_choice(wanted)))


def find_difference(tx: ReadTx, difference_id: str) -> Difference | None:
    """Return the difference that has this id, or None."""
    row = _FIND.row(tx, id=difference_id)
    return None if row is None else _difference_from(row)


def replace_differences(tx: WriteTx, connection_id: ConnectionId, found: Iterable[Difference]) -> None:
    """Write the differences of a connection in place of those that were there."""
    _DELETE_ALL.run(tx, owner=connection_id)
    rows = [_row_of(each) for each in found]
    if rows:
        _INSERT.many(tx, rows)


def delete_difference(tx: WriteTx, difference_id: str) -> None:
    """Delete one difference."""
    _DELETE.run(tx, id=difference_id)


def _choice(wanted: DriftSearch) -> dict[str, str]:
    return {
        "owner": wanted.connection_id or "",
        "kind": "" if wanted.kind is None else wanted.kind.value,
        "about": wanted.about or "",
    }


def _row_of(difference: Difference) -> dict[str, Any]:
    finding = difference.finding
    said = {"attributes": finding.attributes, "members": finding.members, "profile": finding.said}
    return {
        "id": difference.id,
        "connection_id": difference.connection_id,
        "position": difference.position,
        "kind": finding.kind.value,
        "name": finding.name,
        "resource_id": finding.resource_id,
        "member_id": finding.member_id,
        "member_name": finding.member_name,
        "said": orjson.dumps(said).decode(),
        "found_at": to_microseconds(difference.found_at),
    }


def _difference_from(row: Row) -> Difference:
    kept = dict(zip(_D.keys(), row, strict=True))
    said = orjson.loads(kept["said"])
    return Difference(
        id=kept["id"],
        connection_id=ConnectionId(kept["connection_id"]),
        position=kept["position"],
        found_at=from_microseconds(kept["found_at"]),
        finding=Finding(
            kind=DriftKind(kept["kind"]),
            name=kept["name"],
            resource_id=kept["resource_id"],
            member_id=kept["member_id"],
            member_name=kept["member_name"],
            attributes=tuple(said["attributes"]),
            said=said["profile"],
            members=tuple(said["members"]),
        ),
    )
