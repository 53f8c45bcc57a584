"""What is kept of what each SCIM connection owns."""

from typing import Any, Final

from sqlalchemy import bindparam, select

from rolecall.directory.model import ConnectionId
from rolecall.directory.tables import (
    GROUP_TOTAL,
    PROVISIONED_TOTAL,
    directory_group,
    directory_resource,
    directory_user,
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
