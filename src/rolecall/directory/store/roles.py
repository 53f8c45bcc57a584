"""The rows of custom roles."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory.errors import RoleNameTaken
from rolecall.directory.model import Role
from rolecall.directory.tables import role
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed

_R: Final = role.c
_COLUMNS: Final = (_R.id, _R.name, _R.description, _R.actions, _R.version, _R.created_at, _R.changed_at)
_BY_ID: Final = select(*_COLUMNS).where(_R.id == bindparam("id"))
_FIND: Final = Statement(_BY_ID)
_FIND_TO_CHANGE: Final = Statement(_BY_ID.with_for_update())
_FIND_TO_NAME: Final = Statement(_BY_ID.with_for_update(read=True, key_share=True))
_FIND_BY_NAME: Final = Statement(select(*_COLUMNS).where(_R.name_key == bindparam("key")))
_FIND_MANY: Final = Statement(select(*_COLUMNS).where(is_listed(_R.id, bindparam("ids"))))
_LIST: Final = Statement(select(*_COLUMNS).order_by(_R.id))
_INSERT: Final = Statement(insert(role).values({column.name: bindparam(column.name) for column in _R}))
_UPDATE: Final = Statement(
    update(role)
    .where(_R.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in _R if column.name != "id"})
)
_DELETE: Final = Statement(delete(role).where(_R.id == bindparam("id")))


def find_role(tx: ReadTx, role_id: RoleId) -> Role | None:
    """Return the custom role that has this id, or None."""
    return _role_from(_FIND.row(tx, id=role_id))


def find_role_to_change(tx: WriteTx, role_id: RoleId) -> Role | None:
    """Return the same; others cannot change it, or begin to name it, until the transaction ends."""
    return _role_from(_FIND_TO_CHANGE.row(tx, id=role_id))


def find_role_to_name(tx: WriteTx, role_id: RoleId) -> Role | None:
    """Return the same, and keep it from being deleted until the transaction ends."""
    return _role_from(_FIND_TO_NAME.row(tx, id=role_id))


def find_role_by_name(tx: ReadTx, name: str) -> Role | None:
    """Return the custom role that has this name in any spelling, or None."""
    return _role_from(_FIND_BY_NAME.row(tx, key=comparison_form(name)))


def find_roles(tx: ReadTx, role_ids: Iterable[RoleId]) -> tuple[Role, ...]:
    """Return those custom roles that there are, in no order."""
    return _roles_from(_FIND_MANY.rows(tx, ids=orjson.dumps(sorted(role_ids)).decode()))


def list_roles(tx: ReadTx) -> tuple[Role, ...]:
    """Return every custom role in the order in which they were made."""
    return _roles_from(_LIST.rows(tx))


def insert_role(tx: WriteTx, made: Role) -> None:
    """Write a new role.

    Raises: RoleNameTaken.
    """
    _write(lambda: _INSERT.run(tx, **_row_of(made)), made)


def save_role(tx: WriteTx, changed: Role) -> None:
    """Write a changed role.

    Raises: RoleNameTaken.
    """
    values = _row_of(changed)
    values["which"] = values.pop("id")
    _write(lambda: _UPDATE.run(tx, **values), changed)


def delete_role(tx: WriteTx, role_id: RoleId) -> None:
    """Delete a role that nobody holds any more."""
    _DELETE.run(tx, id=role_id)


def _write(run: Callable[[], object], written: Role) -> None:
    try:
        run()
    except UniqueViolation as violation:
        raise RoleNameTaken(f"The name {written.name!r} is in use by another role.", attribute="name") from violation


def _role_from(row: Row | None) -> Role | None:
    return None if row is None else _roles_from([row])[0]


def _roles_from(rows: list[Row]) -> tuple[Role, ...]:
    known = {action.value: action for action in Action}
    return tuple(
        Role(
            id=RoleId(row[0]),
            name=row[1],
            description=row[2],
            # An action that this version does not know, after a way back to it, gives nothing.
            actions=frozenset(known[name] for name in orjson.loads(row[3]) if name in known),
            built_in=False,
            version=row[4],
            created_at=from_microseconds(row[5]),
            changed_at=from_microseconds(row[6]),
        )
        for row in rows
    )


def _row_of(written: Role) -> dict[str, Any]:
    return {
        "id": written.id,
        "name": written.name,
        "name_key": comparison_form(written.name),
        "description": written.description,
        "actions": orjson.dumps(sorted(action.value for action in written.actions)).decode(),
        "version": written.version,
        "created_at": None if written.created_at is None else to_microseconds(written.created_at),
        "changed_at": None if written.changed_at is None else to_microseconds(written.changed_at),
    }
