"""What is kept of what each SCIM connection owns."""

from typing import Any, Final

from sqlalchemy import bindparam, select

from rolecall.directory.model import ConnectionId, Group, GroupId, User
from rolecall.directory.store.groups import GROUP_COLUMNS, group_from
from rolecall.directory.store.users import USER_COLUMNS, user_from
from rolecall.directory.tables import (
    GROUP_TOTAL,
    PROVISIONED,
    PROVISIONED_TOTAL,
    directory_group,
    directory_resource,
    directory_user,
    group_member,
)
from rolecall.storage.statement import Statement
from rolecall.storage.totals import begin_total, end_total, read_total, total_of
from rolecall.storage.transaction import ReadTx, WriteTx

_TOTALS: Final = (PROVISIONED_TOTAL, GROUP_TOTAL)


def _first_of(table: Any, *conditions: Any) -> Statement:
    return Statement(select(table.c.id).where(table.c.connection_id == bindparam("owner"), *conditions).limit(1))


_FIRST: Final = (
    _first_of(directory_user, directory_user.c.state != "deleted"),
    _first_of(directory_group),
    _first_of(directory_resource),
)


_LIST_USERS: Final = Statement(
    select(*USER_COLUMNS)
    .where(directory_user.c.connection_id == bindparam("owner"), PROVISIONED)
    .order_by(directory_user.c.id)
)
_LIST_GROUPS: Final = Statement(
    select(*GROUP_COLUMNS).where(directory_group.c.connection_id == bindparam("owner")).order_by(directory_group.c.id)
)
_LIST_MEMBERS: Final = Statement(
    select(group_member.c.group_id, group_member.c.member_id)
    .join(directory_group, directory_group.c.id == group_member.c.group_id)
    .where(directory_group.c.connection_id == bindparam("owner"))
)


def begin_totals(tx: WriteTx, owner: ConnectionId) -> None:
    """Begin to keep the totals of a connection."""
    for name in _TOTALS:
        begin_total(tx, total_of(name, owner))


def end_totals(tx: WriteTx, owner: ConnectionId) -> None:
    """Keep them no longer."""
    for name in _TOTALS:
        end_total(tx, total_of(name, owner))


def owns_anything(tx: ReadTx, owner: ConnectionId) -> bool:
    """Return whether a user, a group or a declared resource belongs to a connection. May scan declared resources."""
    return any(statement.row(tx, owner=owner) is not None for statement in _FIRST)


def count_owned(tx: ReadTx, owner: ConnectionId) -> tuple[int, int]:
    """Return how many users and how many groups belong to a connection."""
    return read_total(tx, PROVISIONED_TOTAL, owner), read_total(tx, GROUP_TOTAL, owner)


def list_users(tx: ReadTx, owner: ConnectionId) -> tuple[User, ...]:
    """Return all users of a connection, by id."""
    return tuple(map(user_from, _LIST_USERS.rows(tx, owner=owner)))


def list_groups(tx: ReadTx, owner: ConnectionId) -> tuple[Group, ...]:
    """Return all groups of a connection, by id."""
    return tuple(map(group_from, _LIST_GROUPS.rows(tx, owner=owner)))


def list_members(tx: ReadTx, owner: ConnectionId) -> dict[GroupId, set[str]]:
    """Return the ids of the direct members of all groups of a connection; groups without any are left out."""
    found: dict[GroupId, set[str]] = {}
    for group_id, member_id in _LIST_MEMBERS.rows(tx, owner=owner):
        found.setdefault(GroupId(group_id), set()).add(member_id)
    return found
