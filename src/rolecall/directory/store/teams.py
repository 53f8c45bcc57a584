"""The rows of teams."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from rolecall.directory.errors import TeamNameTaken
from rolecall.directory.model import Team, TeamId, TeamPolicy
from rolecall.directory.tables import team, team_provider
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_T: Final = team.c
_COLUMNS: Final = (_T.id, _T.name, _T.alias, _T.description, _T.policy, _T.version, _T.created_at, _T.changed_at)
_BY_ID: Final = select(*_COLUMNS).where(_T.id == bindparam("id"))
_FIND: Final = Statement(_BY_ID)
_FIND_TO_CHANGE: Final = Statement(_BY_ID.with_for_update())
_FIND_TO_NAME: Final = Statement(_BY_ID.with_for_update(read=True, key_share=True))
_FIND_BY_NAME: Final = Statement(select(*_COLUMNS).where(_T.name_key == bindparam("key")))
_FIND_BY_ALIAS: Final = Statement(select(*_COLUMNS).where(_T.alias_key == bindparam("key")))
_P: Final = team_provider.c
_PROVIDERS: Final = Statement(select(_P.team_id, _P.provider_id))
_PROVIDERS_OF: Final = Statement(select(_P.team_id, _P.provider_id).where(_P.team_id == bindparam("id")))
_INSERT_PROVIDER: Final = Statement(
    insert(team_provider).values(team_id=bindparam("team_id"), provider_id=bindparam("provider_id"))
)
_DELETE_PROVIDERS: Final = Statement(delete(team_provider).where(_P.team_id == bindparam("id")))
_LIST: Final = Statement(select(*_COLUMNS).order_by(_T.id))
_INSERT: Final = Statement(insert(team).values({column.name: bindparam(column.name) for column in _T}))
_UPDATE: Final = Statement(
    update(team)
    .where(_T.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in _T if column.name != "id"})
)
_DELETE: Final = Statement(delete(team).where(_T.id == bindparam("id")))


def find_team(tx: ReadTx, team_id: TeamId) -> Team | None:
    """Return the team that has this id, or None."""
    return _team_from(tx, _FIND.row(tx, id=team_id))


def find_team_to_change(tx: WriteTx, team_id: TeamId) -> Team | None:
    """Return the same; others cannot change it, or begin to name it, until the transaction ends."""
    return _team_from(tx, _FIND_TO_CHANGE.row(tx, id=team_id))


def find_team_to_name(tx: WriteTx, team_id: TeamId) -> Team | None:
    """Return the same, and keep it from being deleted until the transaction ends."""
    return _team_from(tx, _FIND_TO_NAME.row(tx, id=team_id))


def find_team_by_name(tx: ReadTx, name: str) -> Team | None:
    """Return the team that has this name in any spelling, or None."""
    return _team_from(tx, _FIND_BY_NAME.row(tx, key=comparison_form(name)))


def find_team_by_alias(tx: ReadTx, alias: str) -> Team | None:
    """Return the team that has this alias in any spelling, or None."""
    return _team_from(tx, _FIND_BY_ALIAS.row(tx, key=comparison_form(alias)))


def list_teams(tx: ReadTx) -> tuple[Team, ...]:
    """Return every team, Root first, then in the order in which they were made."""
    chosen: dict[str, set[str]] = {}
    for team_id, provider_id in _PROVIDERS.rows(tx):
        chosen.setdefault(team_id, set()).add(provider_id)
    return tuple(_team_of(row, chosen.get(row[0], ())) for row in _LIST.rows(tx))


def insert_team(tx: WriteTx, made: Team) -> None:
    """Write a new team.

    Raises: TeamNameTaken.
    """
    _write(lambda: _INSERT.run(tx, **_row_of(made)), made)
    _insert_providers(tx, made)


def save_team(tx: WriteTx, changed: Team) -> None:
    """Write a changed team.

    Raises: TeamNameTaken.
    """
    values = _row_of(changed)
    values["which"] = values.pop("id")
    _write(lambda: _UPDATE.run(tx, **values), changed)
    _DELETE_PROVIDERS.run(tx, id=changed.id)
    _insert_providers(tx, changed)


def delete_team(tx: WriteTx, team_id: TeamId) -> None:
    """Delete a team in which nobody holds anything any more."""
    _DELETE.run(tx, id=team_id)


def _write(run: Callable[[], object], written: Team) -> None:
    try:
        run()
    except UniqueViolation as violation:
        is_alias = "alias_key" in str(violation)
        field, value = ("alias", written.alias) if is_alias else ("name", written.name)
        raise TeamNameTaken(f"The {field} {value!r} is in use by another team.", attribute=field) from violation


def _insert_providers(tx: WriteTx, written: Team) -> None:
    rows = [{"team_id": written.id, "provider_id": each} for each in sorted(written.provider_ids or ())]
    if rows:
        _INSERT_PROVIDER.many(tx, rows)


def _team_from(tx: ReadTx, row: Row | None) -> Team | None:
    if row is None:
        return None
    limited = row[4] == TeamPolicy.PROVIDER_ID_SET.value
    return _team_of(row, (each[1] for each in _PROVIDERS_OF.rows(tx, id=row[0])) if limited else ())


def _team_of(row: Row, provider_ids: Iterable[str]) -> Team:
    return Team(
        id=TeamId(row[0]),
        name=row[1],
        alias=row[2],
        description=row[3],
        provider_ids=None if row[4] == TeamPolicy.UNBOUND.value else frozenset(provider_ids),
        version=row[5],
        created_at=from_microseconds(row[6]),
        changed_at=from_microseconds(row[7]),
    )


def _row_of(written: Team) -> dict[str, Any]:
    return {
        "id": written.id,
        "name": written.name,
        "name_key": comparison_form(written.name),
        "alias": written.alias,
        "alias_key": None if written.alias is None else comparison_form(written.alias),
        "description": written.description,
        "policy": written.policy.value,
        "version": written.version,
        "created_at": to_microseconds(written.created_at),
        "changed_at": to_microseconds(written.changed_at),
    }
