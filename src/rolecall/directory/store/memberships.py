"""Who is in which group, however deep? Walks through the rows of members."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, func, literal, not_, or_, select

from rolecall.directory.model import GroupId, UserId
from rolecall.directory.tables import NESTED, directory_group, given, group_member
from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed

_M: Final = group_member.c
_G: Final = directory_group.c
_USER: Final = "User"
_FEW: Final = 20
"""So many users are looked up from themselves upwards; more, from the group downwards."""


def _above(start: Any) -> Any:
    above = start.cte("above", recursive=True)
    outer = group_member.alias("outer_member")
    return above.union(select(outer.c.group_id).where(outer.c.member_id == above.c.group_id))


def _below() -> Any:
    below = select(_G.id.label("group_id")).where(_G.id == bindparam("id")).cte("below", recursive=True)
    inner = group_member.alias("inner_member")
    nested = inner.c.member_kind == NESTED.right
    return below.union(select(inner.c.member_id).where(inner.c.group_id == below.c.group_id, nested))


def _users_above() -> Any:
    start = select(_M.member_id.label("user_id"), _M.group_id).where(is_listed(_M.member_id, bindparam("ids")))
    above = start.cte("above", recursive=True)
    outer = group_member.alias("outer_member")
    step = select(above.c.user_id, outer.c.group_id).where(outer.c.member_id == above.c.group_id)
    return above.union(step)


_ABOVE: Final = _above(select(_G.id.label("group_id")).where(_G.id == bindparam("id"), select(given.c.source).exists()))
_GIVING_ABOVE: Final = Statement(
    select(_ABOVE.c.group_id).where(
        select(given.c.source).where(given.c.source == literal("scim-group:") + _ABOVE.c.group_id).exists()
    )
)
_GIVES_NOTHING: Final = not_(select(given.c.source).where(given.c.source == literal("scim-group:") + _G.id).exists())
_GIVING_NOTHING: Final = Statement(
    select(_G.id, _G.display, _G.external_id)
    .where(_GIVES_NOTHING)
    .order_by(_G.id)
    .limit(bindparam("limit"))
    .offset(bindparam("skip"))
)
_COUNT_GIVING_NOTHING: Final = Statement(select(func.count()).select_from(directory_group).where(_GIVES_NOTHING))
_BELOW: Final = _below()
_USERS_BELOW: Final = (_M.group_id.in_(select(_BELOW.c.group_id)), _M.member_kind == _USER)
_GROUPS_BELOW: Final = Statement(select(_BELOW.c.group_id))
_LIST_USERS_BELOW: Final = Statement(
    select(_M.member_id)
    .where(*_USERS_BELOW, _M.member_id > bindparam("after"))
    .distinct()
    .order_by(_M.member_id)
    .limit(bindparam("limit"))
)
_COUNT_USERS_BELOW: Final = Statement(select(func.count(_M.member_id.distinct())).where(*_USERS_BELOW))
_AMONG_MANY: Final = Statement(
    select(_M.member_id).where(*_USERS_BELOW, is_listed(_M.member_id, bindparam("ids"))).distinct()
)
_USERS_ABOVE: Final = _users_above()
_AMONG_FEW: Final = Statement(
    select(_USERS_ABOVE.c.user_id).where(_USERS_ABOVE.c.group_id == bindparam("id")).distinct()
)
_LOCK: Final = Statement(
    select(_G.id).where(is_listed(_G.id, bindparam("ids"))).order_by(_G.id).with_for_update(read=True, key_share=True)
)
_GROUPS_AMONG: Final = Statement(select(_G.id).where(is_listed(_G.id, bindparam("ids"))))
_OWN_ROWS: Final = Statement(select(_M.group_id, _M.added_at).where(_M.member_id == bindparam("id")))
_FIND_NAMES: Final = Statement(select(_G.id, _G.display, _G.external_id).where(_G.id == bindparam("id")))
_FIND_KNOWN_AS: Final = Statement(
    select(_G.id, _G.display, _G.external_id)
    .where(or_(_G.id == bindparam("known_as"), _G.external_id == bindparam("known_as")))
    .order_by(_G.id)
)
_NAMES: Final = Statement(select(_G.id, _G.display, _G.external_id).order_by(_G.id))
_NAMES_WITH: Final = Statement(
    select(_G.id, _G.display, _G.external_id).where(_G.display.contains(":")).order_by(_G.id)
)


def list_giving_nothing(tx: ReadTx, *, skip: int, limit: int) -> list[tuple[GroupId, str, str | None]]:
    """Return id, display name and external id of groups that give nothing, by id."""
    return [(GroupId(row[0]), row[1], row[2]) for row in _GIVING_NOTHING.rows(tx, skip=skip, limit=limit)]


def count_giving_nothing(tx: ReadTx) -> int:
    """Return how many groups give nothing."""
    return int(_COUNT_GIVING_NOTHING.value(tx))


def list_giving_groups(tx: ReadTx, group_id: GroupId) -> list[GroupId]:
    """Return the group itself and those above it, as far as membership in them gives something.

    Where no group gives anything, this ends after one look.
    """
    return [GroupId(row[0]) for row in _GIVING_ABOVE.rows(tx, id=group_id)]


def list_users_below(tx: ReadTx, group_id: GroupId, *, after: str = "", limit: int) -> list[UserId]:
    """Return users who are in the group, directly or through nested groups, in the order of their ids."""
    return [UserId(row[0]) for row in _LIST_USERS_BELOW.rows(tx, id=group_id, after=after, limit=limit)]


def count_users_below(tx: ReadTx, group_id: GroupId) -> int:
    """Return how many users are in the group, directly or through nested groups."""
    return int(_COUNT_USERS_BELOW.value(tx, id=group_id))


def find_members_among(tx: ReadTx, group_id: GroupId, user_ids: Iterable[UserId]) -> frozenset[UserId]:
    """Return which of the users are in the group, directly or through nested groups."""
    ids = list(user_ids)
    statement = _AMONG_FEW if len(ids) <= _FEW else _AMONG_MANY
    return frozenset(UserId(row[0]) for row in statement.rows(tx, id=group_id, ids=orjson.dumps(ids).decode()))


def find_groups_among(tx: ReadTx, ids: Iterable[str]) -> frozenset[GroupId]:
    """Return which of the ids are of groups."""
    return frozenset(GroupId(row[0]) for row in _GROUPS_AMONG.rows(tx, ids=orjson.dumps(list(ids)).decode()))


def lock_groups_below(tx: WriteTx, group_ids: Iterable[GroupId]) -> None:
    """Let nobody change the members of these groups, or of groups within them, until the transaction ends."""
    locked: set[str] = set()
    while True:
        found = {row[0] for group_id in group_ids for row in _GROUPS_BELOW.rows(tx, id=group_id)}
        if found <= locked:
            return
        # While we waited for one, others may have been put into it.
        _LOCK.rows(tx, ids=orjson.dumps(sorted(found - locked)).decode())
        locked |= found


def list_own_memberships(tx: ReadTx, member_id: str) -> list[tuple[GroupId, int]]:
    """Return the groups that a user or group is directly in, and since when, in microseconds."""
    return [(GroupId(row[0]), row[1]) for row in _OWN_ROWS.rows(tx, id=member_id)]


def find_group_names(tx: ReadTx, group_id: GroupId) -> tuple[GroupId, str, str | None] | None:
    """Return id, display name and external id of a group, or None."""
    row = _FIND_NAMES.row(tx, id=group_id)
    return None if row is None else (GroupId(row[0]), row[1], row[2])


def list_group_names_known_as(tx: ReadTx, known_as: str) -> list[tuple[GroupId, str, str | None]]:
    """Return id, display name and external id of groups that have this id or external id, by id. Found by index."""
    return [(GroupId(row[0]), row[1], row[2]) for row in _FIND_KNOWN_AS.rows(tx, known_as=known_as)]


def list_group_names(tx: ReadTx, *, with_colon: bool = False) -> list[tuple[GroupId, str, str | None]]:
    """Return id, display name and external id of all groups, or of those with a colon in their name."""
    statement = _NAMES_WITH if with_colon else _NAMES
    return [(GroupId(row[0]), row[1], row[2]) for row in statement.rows(tx)]
