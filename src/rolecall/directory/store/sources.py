"""The rows of what sources give, of values that users carry, and of what is being reconciled."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, text, union, update

from rolecall.authorization.roles import RoleId
from rolecall.directory.model import (
    Ground,
    Held,
    ReconcilePhase,
    Reconciling,
    SourceKind,
    Target,
    TeamId,
    User,
    UserId,
    UserState,
    ground_of,
)
from rolecall.directory.store.users import USER_COLUMNS, user_from
from rolecall.directory.tables import assignment, carried_value, directory_user, given, reconciling
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed, listed

_A: Final = assignment.c
_C: Final = carried_value.c
_N: Final = given.c
_R: Final = reconciling.c
_U: Final = directory_user.c
_SOURCE: Final[Any] = bindparam("source")
_VALUE: Final = (_C.kind == bindparam("kind"), _C.value == bindparam("value"))

_LOCK_USERS: Final = Statement(
    select(*USER_COLUMNS)
    .where(is_listed(_U.id, bindparam("ids")), _U.state != UserState.DELETED.value)
    .order_by(_U.id)
    .with_for_update(key_share=True)
)
_GIVEN: Final = Statement(select(_N.team_id, _N.role_id).where(_N.source == _SOURCE))
_INSERT_GIVEN: Final = Statement(insert(given).values({column.name: bindparam(column.name) for column in _N}))
_DELETE_GIVEN: Final = Statement(
    delete(given).where(
        _N.source == bindparam("source"), _N.team_id == bindparam("team_id"), _N.role_id == bindparam("role_id")
    )
)
_DELETE_GIVEN_ROLE: Final = Statement(delete(given).where(_N.role_id == bindparam("role_id")))
_HELD: Final = Statement(
    select(_A.user_id, _A.team_id, _A.role_id).where(_A.source == _SOURCE, is_listed(_A.user_id, bindparam("ids")))
)
_HELD_TARGET: Final = Statement(
    select(_A.user_id).where(
        _A.source == _SOURCE, _A.team_id == bindparam("team_id"), _A.role_id == bindparam("role_id")
    )
)
_HOLDERS: Final = Statement(
    select(_A.user_id)
    .where(_A.source == _SOURCE, _A.user_id > bindparam("after"))
    .distinct()
    .order_by(_A.user_id)
    .limit(bindparam("limit"))
)
_COUNT_HOLDERS: Final = Statement(select(func.count(_A.user_id.distinct())).where(_A.source == _SOURCE))
_HELD_BY: Final = Statement(
    select(_A.user_id, _A.team_id, _A.role_id, _A.source).where(is_listed(_A.user_id, bindparam("ids")))
)
_HOLDING: Final = Statement(
    select(_U.id, _U.state, _A.team_id, _A.role_id, _A.source)
    .select_from(directory_user.outerjoin(assignment, _A.user_id == _U.id))
    .where(is_listed(_U.id, bindparam("ids")))
)
_COUNT_ACTIVE_HOLDERS: Final = Statement(
    select(func.count()).select_from(
        union(
            select(_A.user_id).join(directory_user, _U.id == _A.user_id).where(_U.state == UserState.ACTIVE.value),
            select(listed(bindparam("ids")).c.value),
        ).subquery()
    )
)
_CARRIERS: Final = Statement(
    select(_C.user_id).where(*_VALUE, _C.user_id > bindparam("after")).order_by(_C.user_id).limit(bindparam("limit"))
)
_COUNT_CARRIERS: Final = Statement(select(func.count()).where(*_VALUE))
_CARRIERS_AMONG: Final = Statement(select(_C.user_id).where(*_VALUE, is_listed(_C.user_id, bindparam("ids"))))
_VALUES: Final = Statement(select(_C.value).where(_C.kind == bindparam("kind")).distinct())
_VALUES_OF: Final = Statement(
    select(_C.value, _C.since_at).where(_C.user_id == bindparam("user_id"), _C.kind == bindparam("kind"))
)
_INSERT_VALUE: Final = Statement(insert(carried_value).values({column.name: bindparam(column.name) for column in _C}))
_DELETE_VALUE: Final = Statement(delete(carried_value).where(_C.user_id == bindparam("user_id"), *_VALUE))
_DELETE_VALUES: Final = Statement(delete(carried_value).where(_C.user_id == bindparam("user_id")))
_FIND_RECONCILING: Final = Statement(select(reconciling).where(_R.source == _SOURCE))
_LIST_RECONCILING: Final = Statement(select(reconciling).order_by(_R.started_at, _R.source))
_INSERT_RECONCILING: Final = Statement(
    insert(reconciling).values({column.name: bindparam(column.name) for column in _R})
)
_UPDATE_RECONCILING: Final = Statement(
    update(reconciling)
    .where(_R.source == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in _R if column.name != "source"})
)
_DELETE_RECONCILING: Final = Statement(delete(reconciling).where(_R.source == _SOURCE))
# SQLite has one writer. On PostgreSQL whoever changes groups, members or values writes to one of these tables.
_LOCK_TABLES: Final = Statement(text("LOCK TABLE directory_group, carried_value IN SHARE ROW EXCLUSIVE MODE"))


def lock_grounds(tx: WriteTx) -> None:
    """Let nobody change groups, members or values, or what they give, until the transaction ends."""
    if tx.dialect == "postgresql":
        _LOCK_TABLES.run(tx)


def lock_users(tx: WriteTx, user_ids: Iterable[UserId]) -> dict[UserId, User]:
    """Return those of the users that are not deleted; others cannot change them until the transaction ends."""
    rows = _LOCK_USERS.rows(tx, ids=_json_of(user_ids))
    return {user.id: user for user in map(user_from, rows)}


def list_given(tx: ReadTx, ground: Ground) -> frozenset[Target]:
    """Return what a ground gives."""
    return frozenset(
        Target(team_id=TeamId(row[0]), role=RoleId(row[1])) for row in _GIVEN.rows(tx, source=ground.source)
    )


def save_given(tx: WriteTx, ground: Ground, *, before: frozenset[Target], after: frozenset[Target]) -> None:
    """Write what a ground gives now."""
    for lost in sorted(before - after):
        _DELETE_GIVEN.run(tx, source=ground.source, team_id=lost.team_id, role_id=lost.role)
    for gained in sorted(after - before):
        _INSERT_GIVEN.run(tx, source=ground.source, team_id=gained.team_id, role_id=gained.role)


def delete_given_role(tx: WriteTx, role_id: RoleId) -> None:
    """Write that no ground gives a role any more."""
    _DELETE_GIVEN_ROLE.run(tx, role_id=role_id)


def list_held(tx: ReadTx, ground: Ground, user_ids: Iterable[UserId]) -> frozenset[Held]:
    """Return what these users hold from a ground."""
    rows = _HELD.rows(tx, source=ground.source, ids=_json_of(user_ids))
    return frozenset(
        Held(user_id=UserId(row[0]), team_id=TeamId(row[1]), role=RoleId(row[2]), source=ground.source) for row in rows
    )


def list_held_by(tx: ReadTx, user_ids: Iterable[UserId]) -> frozenset[Held]:
    """Return all that these users hold, from any source."""
    rows = _HELD_BY.rows(tx, ids=_json_of(user_ids))
    return frozenset(
        Held(user_id=UserId(row[0]), team_id=TeamId(row[1]), role=RoleId(row[2]), source=row[3]) for row in rows
    )


def find_holdings(tx: ReadTx, user_ids: Iterable[UserId]) -> tuple[frozenset[Held], frozenset[UserId]]:
    """Return all that these users hold, from any source, and which of them are active."""
    held, active = set(), set()
    for user_id, state, team_id, role_id, source in _HOLDING.rows(tx, ids=_json_of(user_ids)):
        if state == UserState.ACTIVE.value:
            active.add(UserId(user_id))
        if source is not None:
            held.add(Held(user_id=UserId(user_id), team_id=TeamId(team_id), role=RoleId(role_id), source=source))
    return frozenset(held), frozenset(active)


def count_active_holders(tx: ReadTx, *, also: Iterable[UserId]) -> int:
    """Return how many users hold something and are active, counting these others too."""
    return int(_COUNT_ACTIVE_HOLDERS.value(tx, ids=_json_of(also)))


def list_holders(tx: ReadTx, ground: Ground, *, after: str = "", limit: int) -> list[UserId]:
    """Return users who hold something from a ground, in the order of their ids."""
    return [UserId(row[0]) for row in _HOLDERS.rows(tx, source=ground.source, after=after, limit=limit)]


def list_holders_of(tx: ReadTx, ground: Ground, target: Target) -> list[UserId]:
    """Return all users who hold one thing from a ground."""
    rows = _HELD_TARGET.rows(tx, source=ground.source, team_id=target.team_id, role_id=target.role)
    return [UserId(row[0]) for row in rows]


def count_holders(tx: ReadTx, ground: Ground) -> int:
    """Return how many users hold something from a ground."""
    return int(_COUNT_HOLDERS.value(tx, source=ground.source))


def list_carriers(tx: ReadTx, ground: Ground, *, after: str = "", limit: int) -> list[UserId]:
    """Return users who carry a value, in the order of their ids."""
    rows = _CARRIERS.rows(tx, kind=ground.kind.value, value=ground.value, after=after, limit=limit)
    return [UserId(row[0]) for row in rows]


def count_carriers(tx: ReadTx, ground: Ground) -> int:
    """Return how many users carry a value."""
    return int(_COUNT_CARRIERS.value(tx, kind=ground.kind.value, value=ground.value))


def find_carriers_among(tx: ReadTx, ground: Ground, user_ids: Iterable[UserId]) -> frozenset[UserId]:
    """Return which of the users carry a value."""
    rows = _CARRIERS_AMONG.rows(tx, kind=ground.kind.value, value=ground.value, ids=_json_of(user_ids))
    return frozenset(UserId(row[0]) for row in rows)


def list_values(tx: ReadTx, kind: SourceKind) -> list[str]:
    """Return every value of a kind that somebody carries."""
    return [row[0] for row in _VALUES.rows(tx, kind=kind.value)]


def list_values_of(tx: ReadTx, user_id: UserId, kind: SourceKind) -> dict[str, int]:
    """Return the values of a kind that a user carries, each with since when, in microseconds."""
    return dict(_VALUES_OF.rows(tx, user_id=user_id, kind=kind.value))


def insert_value(tx: WriteTx, user_id: UserId, ground: Ground) -> None:
    """Write that a user carries a value which it did not carry before."""
    _INSERT_VALUE.run(tx, user_id=user_id, kind=ground.kind.value, value=ground.value, since_at=to_microseconds(tx.now))


def delete_value(tx: WriteTx, user_id: UserId, ground: Ground) -> None:
    """Write that a user no longer carries a value."""
    _DELETE_VALUE.run(tx, user_id=user_id, kind=ground.kind.value, value=ground.value)


def delete_values_of(tx: WriteTx, user_id: UserId) -> None:
    """Write that a user carries no value any more."""
    _DELETE_VALUES.run(tx, user_id=user_id)


def find_reconciling(tx: ReadTx, ground: Ground) -> Reconciling | None:
    """Return how far the reconciliation of a ground has come, or None when it is as it shall be."""
    row = _FIND_RECONCILING.row(tx, source=ground.source)
    return None if row is None else _reconciling_from(row)


def list_reconciling(tx: ReadTx) -> tuple[Reconciling, ...]:
    """Return all that is being reconciled, oldest first."""
    return tuple(_reconciling_from(row) for row in _LIST_RECONCILING.rows(tx))


def save_reconciling(tx: WriteTx, progress: Reconciling) -> None:
    """Write how far a reconciliation has come."""
    values: dict[str, Any] = {
        "phase": progress.phase.value,
        "after_id": progress.after,
        "done_count": progress.done,
        "total_count": progress.total,
        "started_at": to_microseconds(progress.started_at),
    }
    if _UPDATE_RECONCILING.run(tx, which=progress.ground.source, **values).rowcount == 0:
        _INSERT_RECONCILING.run(tx, source=progress.ground.source, **values)


def delete_reconciling(tx: WriteTx, ground: Ground) -> None:
    """Write that a ground is as it shall be."""
    _DELETE_RECONCILING.run(tx, source=ground.source)


def _reconciling_from(row: Row) -> Reconciling:
    return Reconciling(
        ground=ground_of(row[0]),
        phase=ReconcilePhase(row[1]),
        after=row[2],
        done=row[3],
        total=row[4],
        started_at=from_microseconds(row[5]),
    )


def _json_of(ids: Iterable[str]) -> str:
    return orjson.dumps(list(ids)).decode()
