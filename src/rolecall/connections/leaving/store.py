"""The rows of connections that leave, and of what they left."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Text, and_, bindparam, cast, delete, func, insert, or_, select, update

from rolecall.authorization.roles import RoleId
from rolecall.connections.leaving.model import (
    AssignmentsChoice,
    Because,
    KeptBack,
    Leaving,
    LeftGroup,
    LeftUser,
    Phase,
    Plan,
    Stage,
    UsersChoice,
)
from rolecall.connections.model import ConnectionState
from rolecall.connections.tables import scim_leaving, scim_left
from rolecall.directory.belongings import Stint
from rolecall.directory.model import ConnectionId, Target, TeamId, UserId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Insertion, Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed

_L: Final = scim_leaving.c
_W: Final = scim_left.c
Kind = Literal["USER", "GROUP", "RESOURCE"]

_BY_ID: Final = select(scim_leaving).where(_L.connection_id == bindparam("id"))
_FIND: Final = Statement(_BY_ID)
_FIND_TO_CHANGE: Final = Statement(_BY_ID.with_for_update())
_INSERT: Final = Statement(insert(scim_leaving).values({column.name: bindparam(column.name) for column in _L}))
_UPDATE: Final = Statement(
    update(scim_leaving)
    .where(_L.connection_id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in _L if column.name != "connection_id"})
)
_DELETE: Final = Statement(delete(scim_leaving).where(_L.connection_id == bindparam("id")))
_TAKING_OVER: Final = Statement(
    select(_L.connection_id)
    .where(
        _L.to_connection_id == bindparam("id"), or_(_L.phase == Phase.LEAVING.value, _L.phase == Phase.RETURNING.value)
    )
    .limit(1)
)
_OF_KIND: Final = (_W.connection_id == bindparam("owner"), _W.kind == bindparam("kind"))
_INSERT_LEFT: Final = Insertion(scim_left, _W)
_LIST_LEFT: Final = Statement(
    select(_W.resource_id, _W.name, _W.because, _W.said)
    .where(*_OF_KIND, _W.resource_id > bindparam("after"))
    .order_by(_W.resource_id)
    .limit(bindparam("limit"))
)
_AMONG_LEFT: Final = Statement(select(_W.resource_id).where(*_OF_KIND, is_listed(_W.resource_id, bindparam("ids"))))
_DELETE_LEFT: Final = Statement(delete(scim_left).where(*_OF_KIND, is_listed(_W.resource_id, bindparam("ids"))))
_LIST_KEPT_BACK: Final = Statement(
    select(_W.kind, _W.resource_id, _W.name, _W.because)
    .where(_W.connection_id == bindparam("owner"), _W.because.is_not(None))
    .order_by(_W.kind, _W.resource_id)
    .limit(bindparam("limit"))
)
_COUNT_KEPT_BACK: Final = Statement(
    select(func.count()).where(_W.connection_id == bindparam("owner"), _W.because.is_not(None))
)
_COUNT_LEFT: Final = Statement(select(func.count()).where(_W.connection_id == bindparam("owner")))
_FORGET: Final = Statement(
    delete(scim_left).where(
        and_(
            _W.connection_id == bindparam("owner"), or_(_W.because.is_(None), cast(bindparam("everything"), Text) != "")
        )
    )
)


def find_leaving(tx: ReadTx, connection_id: str) -> Leaving | None:
    """Return how far a connection has come with leaving, or None when it does not."""
    row = _FIND.row(tx, id=connection_id)
    return None if row is None else _leaving_from(row)


def find_leaving_to_change(tx: WriteTx, connection_id: str) -> Leaving | None:
    """Return the same, and keep others from changing it until the transaction ends."""
    row = _FIND_TO_CHANGE.row(tx, id=connection_id)
    return None if row is None else _leaving_from(row)


def insert_leaving(tx: WriteTx, leaving: Leaving) -> None:
    """Write that a connection leaves."""
    _INSERT.run(tx, **_row_of(leaving))


def save_leaving(tx: WriteTx, leaving: Leaving) -> None:
    """Write how far a connection has come."""
    row = _row_of(leaving)
    row["which"] = row.pop("connection_id")
    _UPDATE.run(tx, **row)


def delete_leaving(tx: WriteTx, connection_id: ConnectionId) -> None:
    """Write that a connection is as if it had never left."""
    _DELETE.run(tx, id=connection_id)


def is_taking_over(tx: ReadTx, connection_id: ConnectionId) -> bool:
    """Return whether another connection is just handing over to this one, or taking it back."""
    return _TAKING_OVER.row(tx, id=connection_id) is not None


def insert_users(tx: WriteTx, owner: ConnectionId, left: Iterable[LeftUser]) -> None:
    """Write what has to be remembered of users."""
    _insert(tx, owner, "USER", [(each.id, each.name, each.because, _said_of_user(each)) for each in left])


def insert_groups(tx: WriteTx, owner: ConnectionId, left: Iterable[LeftGroup]) -> None:
    """Write what has to be remembered of groups."""
    rows = [
        (each.id, each.name, each.because, {"has_moved": each.has_moved, "nestings": each.nestings}) for each in left
    ]
    _insert(tx, owner, "GROUP", rows)


def insert_resources(tx: WriteTx, owner: ConnectionId, ids: Iterable[str]) -> None:
    """Write which declared resources went along."""
    _insert(tx, owner, "RESOURCE", [(each, "", None, {}) for each in ids])


def list_users(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> tuple[LeftUser, ...]:
    """Return what is remembered of users, by id."""
    return tuple(map(_user_from, _LIST_LEFT.rows(tx, owner=owner, kind="USER", after=after, limit=limit)))


def list_groups(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> tuple[LeftGroup, ...]:
    """Return what is remembered of groups, by id."""
    return tuple(map(_group_from, _LIST_LEFT.rows(tx, owner=owner, kind="GROUP", after=after, limit=limit)))


def list_resources(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> tuple[str, ...]:
    """Return which declared resources went along, by id."""
    return tuple(row[0] for row in _LIST_LEFT.rows(tx, owner=owner, kind="RESOURCE", after=after, limit=limit))


def find_left_among(tx: ReadTx, owner: ConnectionId, kind: Kind, ids: Iterable[str]) -> frozenset[str]:
    """Return of which of these something is remembered."""
    return frozenset(row[0] for row in _AMONG_LEFT.rows(tx, owner=owner, kind=kind, ids=_json_of(ids)))


def delete_left(tx: WriteTx, owner: ConnectionId, kind: Kind, ids: Iterable[str]) -> None:
    """Forget these, since they are back."""
    _DELETE_LEFT.run(tx, owner=owner, kind=kind, ids=_json_of(ids))


def list_kept_back(tx: ReadTx, owner: ConnectionId, *, limit: int) -> tuple[KeptBack, ...]:
    """Return who and what did not become what was chosen, groups first."""
    return tuple(
        KeptBack(kind=row[0], id=row[1], name=row[2], because=Because(row[3]))
        for row in _LIST_KEPT_BACK.rows(tx, owner=owner, limit=limit)
    )


def count_kept_back(tx: ReadTx, owner: ConnectionId) -> int:
    """Return how many did not become what was chosen."""
    return int(_COUNT_KEPT_BACK.value(tx, owner=owner))


def count_left(tx: ReadTx, owner: ConnectionId) -> int:
    """Return of how many things something is remembered."""
    return int(_COUNT_LEFT.value(tx, owner=owner))


def forget_left(tx: WriteTx, owner: ConnectionId, *, also_kept_back: bool) -> None:
    """Forget what was needed to bring things back, perhaps also who did not become what was chosen."""
    _FORGET.run(tx, owner=owner, everything="yes" if also_kept_back else "")


def _insert(
    tx: WriteTx, owner: ConnectionId, kind: Kind, things: list[tuple[str, str, Because | None, dict[str, Any]]]
) -> None:
    rows = [
        {
            "connection_id": owner,
            "kind": kind,
            "resource_id": resource_id,
            "name": name,
            "because": None if because is None else because.value,
            "said": orjson.dumps(said).decode(),
        }
        for resource_id, name, because, said in things
    ]
    if rows:
        _INSERT_LEFT.many(tx, rows)


def _said_of_user(left: LeftUser) -> dict[str, Any]:
    return {
        "was_active": left.was_active,
        "owner": left.owner,
        "active": left.active,
        "memberships": left.memberships,
        "held": [(each.target.team_id, each.target.role, each.source, each.since) for each in left.held],
        "by_hand": [(each.team_id, each.role) for each in left.by_hand],
        "values": left.values,
    }


def _user_from(row: Row) -> LeftUser:
    said = orjson.loads(row[3])
    return LeftUser(
        id=UserId(row[0]),
        name=row[1],
        because=None if row[2] is None else Because(row[2]),
        was_active=said["was_active"],
        owner=said["owner"],
        active=said["active"],
        memberships=tuple((group_id, since) for group_id, since in said["memberships"]),
        held=tuple(
            Stint(target=Target(team_id=TeamId(team_id), role=RoleId(role)), source=source, since=since)
            for team_id, role, source, since in said["held"]
        ),
        by_hand=tuple(Target(team_id=TeamId(team_id), role=RoleId(role)) for team_id, role in said["by_hand"]),
        values=tuple((value, since) for value, since in said["values"]),
    )


def _group_from(row: Row) -> LeftGroup:
    said = orjson.loads(row[3])
    return LeftGroup(
        id=row[0],
        name=row[1],
        because=None if row[2] is None else Because(row[2]),
        has_moved=said["has_moved"],
        nestings=tuple((outer, inner, since) for outer, inner, since in said["nestings"]),
    )


def _row_of(leaving: Leaving) -> dict[str, Any]:
    return {
        "connection_id": leaving.connection_id,
        "users": leaving.plan.users.value,
        "assignments": leaving.plan.assignments.value,
        "to_connection_id": leaving.plan.to_connection_id,
        "phase": leaving.phase.value,
        "stage": leaving.stage.value,
        "after_id": leaving.after,
        "done_count": leaving.done,
        "total_count": leaving.total,
        "state_before": leaving.state_before.value,
        "started_at": to_microseconds(leaving.started_at),
        "undo_until_at": to_microseconds(leaving.undo_until),
        "finished_at": None if leaving.finished_at is None else to_microseconds(leaving.finished_at),
    }


def _leaving_from(row: Row) -> Leaving:
    kept = dict(zip(_L.keys(), row, strict=True))
    return Leaving(
        connection_id=ConnectionId(kept["connection_id"]),
        plan=Plan(
            users=UsersChoice(kept["users"]),
            assignments=AssignmentsChoice(kept["assignments"]),
            to_connection_id=kept["to_connection_id"],
        ),
        phase=Phase(kept["phase"]),
        stage=Stage(kept["stage"]),
        after=kept["after_id"],
        done=kept["done_count"],
        total=kept["total_count"],
        state_before=ConnectionState(kept["state_before"]),
        started_at=from_microseconds(kept["started_at"]),
        undo_until=from_microseconds(kept["undo_until_at"]),
        finished_at=None if kept["finished_at"] is None else from_microseconds(kept["finished_at"]),
    )


def _json_of(ids: Iterable[str]) -> str:
    return orjson.dumps(sorted(set(ids))).decode()
