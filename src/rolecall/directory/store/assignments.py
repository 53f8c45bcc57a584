"""The rows of assignments, and which of them administer."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, func, select

from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory.model import (
    ROOT_TEAM,
    Assignment,
    Ground,
    GroupId,
    Held,
    Source,
    SourceKind,
    Target,
    TeamId,
    UserId,
    UserKind,
    UserState,
    ground_of,
)
from rolecall.directory.store.memberships import find_members_among
from rolecall.directory.store.sources import find_carriers_among, list_given
from rolecall.directory.tables import assignment, directory_user, reconciling, team
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Insertion, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_A: Final = assignment.c
_SAME: Final = (
    _A.user_id == bindparam("user_id"),
    _A.team_id == bindparam("team_id"),
    _A.role_id == bindparam("role_id"),
    _A.source == bindparam("source"),
)

_INSERT: Final = Insertion(assignment, _A)
_DELETE: Final = Statement(delete(assignment).where(*_SAME))
_DELETE_ALL: Final = Statement(
    delete(assignment).where(_A.user_id == bindparam("user_id")).returning(_A.team_id, _A.role_id, _A.source)
)
_EXISTS: Final = Statement(select(func.count()).where(*_SAME))
_COUNT_FROM: Final = Statement(
    select(func.count()).where(
        _A.user_id == bindparam("user_id"), _A.role_id == bindparam("role_id"), _A.source == bindparam("source")
    )
)
_LIST: Final = Statement(
    select(_A.team_id, _A.role_id, _A.source, _A.since_at, reconciling.c.source)
    .outerjoin(reconciling, reconciling.c.source == _A.source)
    .where(_A.user_id == bindparam("user_id"))
    .order_by(_A.team_id, _A.role_id, _A.since_at, _A.source)
)
_HELD: Final = (
    select(_A.user_id, directory_user.c.profile, _A.team_id, _A.role_id, _A.source)
    .join(directory_user, directory_user.c.id == _A.user_id)
    .order_by(_A.user_id)
)
_IN_TEAM: Final = Statement(_HELD.where(_A.team_id == bindparam("team_id")))
_OF_ROLE: Final = Statement(_HELD.where(_A.role_id == bindparam("role_id")))
_COUNT_BY_TEAM: Final = Statement(select(_A.team_id, func.count(_A.user_id.distinct())).group_by(_A.team_id))
_ADMINISTRATORS: Final = (
    select(func.count(_A.user_id.distinct()))
    .join(directory_user, directory_user.c.id == _A.user_id)
    .where(
        _A.team_id == ROOT_TEAM,
        _A.role_id == ADMIN,
        directory_user.c.state == UserState.ACTIVE.value,
        # A machine cannot let a person in.
        directory_user.c.kind == UserKind.PERSON.value,
    )
)
_COUNT_ADMINISTRATORS: Final = Statement(_ADMINISTRATORS.where(_A.user_id != bindparam("besides")))
_IS_ADMINISTRATOR: Final = Statement(
    select(func.count()).where(_A.user_id == bindparam("user_id"), _A.team_id == ROOT_TEAM, _A.role_id == ADMIN)
)
_LOCK_ROOT: Final = Statement(select(team.c.id).where(team.c.id == ROOT_TEAM).with_for_update())


def has_assignment(tx: ReadTx, held: Held) -> bool:
    """Return whether a source gives a role in a team to a user."""
    return bool(_EXISTS.value(tx, **_row_of(held)))


def has_role_from(tx: ReadTx, user_id: UserId, *, role: RoleId, source: str) -> bool:
    """Return whether a source gives a role to a user in any team."""
    return bool(_COUNT_FROM.value(tx, user_id=user_id, role_id=role, source=source))


def insert_assignments(tx: WriteTx, gains: Iterable[Held]) -> None:
    """Write that sources give roles which they did not give before. The users' rows are locked."""
    now = to_microseconds(tx.now)
    rows = [_row_of(gain) | {"since_at": now} for gain in gains]
    if len(rows) == 1:
        _INSERT.run(tx, **rows[0])
    elif rows:
        _INSERT.many(tx, rows)


def delete_assignments(tx: WriteTx, losses: Iterable[Held]) -> None:
    """Write that sources no longer give roles. Where one did not, nothing changes."""
    rows = [_row_of(loss) for loss in losses]
    if len(rows) == 1:
        _DELETE.run(tx, **rows[0])
    elif rows:
        _DELETE.many(tx, rows)


def delete_assignments_of(tx: WriteTx, user_id: UserId) -> list[Held]:
    """Delete every assignment of a user, whatever its source; return what was deleted, in no order."""
    rows = _DELETE_ALL.rows(tx, user_id=user_id)
    return [Held(user_id=user_id, team_id=TeamId(row[0]), role=RoleId(row[1]), source=row[2]) for row in rows]


def list_assignments(tx: ReadTx, user_id: UserId) -> tuple[Assignment, ...]:
    """Return the user's assignments by team and role, each with its sources, oldest first.

    Of a source that is being reconciled, only what it still gives.
    """
    grouped: dict[tuple[str, str], list[Source]] = {}
    for team_id, role_id, source, since, in_doubt in _LIST.rows(tx, user_id=user_id):
        target = Target(team_id=TeamId(team_id), role=RoleId(role_id))
        if in_doubt is not None and not _still_holds(tx, user_id, ground_of(source), target):
            continue
        grouped.setdefault((team_id, role_id), []).append(Source(name=source, since=from_microseconds(since)))
    return tuple(
        Assignment(user_id=user_id, team_id=TeamId(team_id), role=RoleId(role_id), sources=tuple(sources))
        for (team_id, role_id), sources in grouped.items()
    )


def list_in_team(tx: ReadTx, team_id: TeamId) -> list[tuple[Held, str]]:
    """Return all that anybody holds in a team, each with the user's name, by user."""
    return [_held_and_name(row) for row in _IN_TEAM.rows(tx, team_id=team_id)]


def list_of_role(tx: ReadTx, role_id: RoleId) -> list[tuple[Held, str]]:
    """Return who holds a role, where and from which source, each with the user's name, by user."""
    return [_held_and_name(row) for row in _OF_ROLE.rows(tx, role_id=role_id)]


def count_users_by_team(tx: ReadTx) -> dict[TeamId, int]:
    """Return how many users hold a role in each team; teams without any are left out."""
    return {TeamId(team_id): count for team_id, count in _COUNT_BY_TEAM.rows(tx)}


def count_active_administrators(tx: ReadTx, *, besides: str) -> int:
    """Return how many active persons other than `besides` hold `admin` on Root."""
    return int(_COUNT_ADMINISTRATORS.value(tx, besides=besides))


def is_administrator(tx: ReadTx, user_id: UserId) -> bool:
    """Return whether the user holds `admin` on Root, active or not."""
    return bool(_IS_ADMINISTRATOR.value(tx, user_id=user_id))


def lock_root_team(tx: WriteTx) -> None:
    """Let nobody else decide about administrators until this transaction ends."""
    _LOCK_ROOT.run(tx)


def _still_holds(tx: ReadTx, user_id: UserId, ground: Ground, target: Target) -> bool:
    if target not in list_given(tx, ground):
        return False
    if ground.kind is SourceKind.SCIM_GROUP:
        return bool(find_members_among(tx, GroupId(ground.value), [user_id]))
    return bool(find_carriers_among(tx, ground, [user_id]))


def _row_of(held: Held) -> dict[str, Any]:
    return {"user_id": held.user_id, "team_id": held.team_id, "role_id": held.role, "source": held.source}


def _held_and_name(row: tuple[Any, ...]) -> tuple[Held, str]:
    held = Held(user_id=UserId(row[0]), team_id=TeamId(row[2]), role=RoleId(row[3]), source=row[4])
    return held, str(orjson.loads(row[1])["userName"])
