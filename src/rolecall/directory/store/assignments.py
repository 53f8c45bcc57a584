"""The rows of assignments, and which of them administer."""

from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select

from rolecall.authorization.actions import RoleName
from rolecall.directory.model import ROOT_TEAM, Assignment, TeamId, UserId, UserKind, UserState
from rolecall.directory.tables import assignment, directory_user, team
from rolecall.kernel.clock import to_microseconds
from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_A: Final = assignment.c

_INSERT: Final = Statement(insert(assignment).values({column.name: bindparam(column.name) for column in _A}))
_DELETE: Final = Statement(
    delete(assignment).where(
        _A.user_id == bindparam("user_id"),
        _A.team_id == bindparam("team_id"),
        _A.role == bindparam("role"),
        _A.source == bindparam("source"),
    )
)
_DELETE_ALL: Final = Statement(delete(assignment).where(_A.user_id == bindparam("user_id")))
_EXISTS: Final = Statement(
    select(func.count()).where(
        _A.user_id == bindparam("user_id"),
        _A.team_id == bindparam("team_id"),
        _A.role == bindparam("role"),
        _A.source == bindparam("source"),
    )
)
_LIST: Final = Statement(
    select(_A.team_id, _A.role, _A.source)
    .where(_A.user_id == bindparam("user_id"))
    .order_by(_A.team_id, _A.role, _A.since_at, _A.source)
)
_ADMINISTRATORS: Final = (
    select(func.count(_A.user_id.distinct()))
    .join(directory_user, directory_user.c.id == _A.user_id)
    .where(
        _A.team_id == ROOT_TEAM,
        _A.role == RoleName.ADMIN.value,
        directory_user.c.state == UserState.ACTIVE.value,
        # A machine cannot let a person in.
        directory_user.c.kind == UserKind.PERSON.value,
    )
)
_COUNT_ADMINISTRATORS: Final = Statement(_ADMINISTRATORS.where(_A.user_id != bindparam("besides")))
_IS_ADMINISTRATOR: Final = Statement(
    select(func.count()).where(
        _A.user_id == bindparam("user_id"), _A.team_id == ROOT_TEAM, _A.role == RoleName.ADMIN.value
    )
)
_LOCK_ROOT: Final = Statement(select(team.c.id).where(team.c.id == ROOT_TEAM).with_for_update())
_FIND_TEAM: Final = Statement(select(team.c.id).where(team.c.name == bindparam("name")))


def insert_assignment(tx: WriteTx, user_id: UserId, team_id: TeamId, role: RoleName, source: str) -> bool:
    """Write that a source gives a role; return False when it did so already. The user's row is locked."""
    values: dict[str, Any] = {"user_id": user_id, "team_id": team_id, "role": role.value, "source": source}
    if _EXISTS.value(tx, **values):
        return False
    _INSERT.run(tx, **values, since_at=to_microseconds(tx.now))
    return True


def delete_assignment(tx: WriteTx, user_id: UserId, team_id: TeamId, role: RoleName, source: str) -> bool:
    """Write that a source no longer gives a role; return False when it did not."""
    return _DELETE.run(tx, user_id=user_id, team_id=team_id, role=role.value, source=source).rowcount > 0


def delete_assignments_of(tx: WriteTx, user_id: UserId) -> None:
    """Delete every assignment of a user, whatever its source."""
    _DELETE_ALL.run(tx, user_id=user_id)


def list_assignments(tx: ReadTx, user_id: UserId) -> tuple[Assignment, ...]:
    """Return the user's assignments by team and role, each with its sources, oldest first."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for team_id, role, source in _LIST.rows(tx, user_id=user_id):
        grouped.setdefault((team_id, role), []).append(source)
    return tuple(
        Assignment(user_id=user_id, team_id=TeamId(team_id), role=RoleName(role), sources=tuple(sources))
        for (team_id, role), sources in grouped.items()
    )


def count_active_administrators(tx: ReadTx, *, besides: str) -> int:
    """Return how many active persons other than `besides` hold `admin` on Root."""
    return int(_COUNT_ADMINISTRATORS.value(tx, besides=besides))


def is_administrator(tx: ReadTx, user_id: UserId) -> bool:
    """Return whether the user holds `admin` on Root, active or not."""
    return bool(_IS_ADMINISTRATOR.value(tx, user_id=user_id))


def lock_root_team(tx: WriteTx) -> None:
    """Let nobody else decide about administrators until this transaction ends."""
    _LOCK_ROOT.run(tx)


def find_team_by_name(tx: ReadTx, name: str) -> TeamId | None:
    """Return the id of the team with this very name, or None."""
    found = _FIND_TEAM.value(tx, name=name)
    return None if found is None else TeamId(found)
