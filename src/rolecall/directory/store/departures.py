"""What users and groups have to leave behind with their SCIM connection, and its return to the same rows."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_unless_there

from rolecall.directory.model import ConnectionId, Group, GroupId, MemberKind, SourceKind, UserId, UserState
from rolecall.directory.store.groups import GROUP_COLUMNS, group_from
from rolecall.directory.tables import (
    GROUP_TOTAL,
    PROVISIONED,
    assignment,
    carried_value,
    directory_group,
    directory_resource,
    directory_user,
    group_member,
)
from rolecall.kernel.clock import to_microseconds
from rolecall.storage.statement import Row, Statement
from rolecall.storage.totals import total_of
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed

_U: Final = directory_user.c
_G: Final = directory_group.c
_M: Final = group_member.c
_A: Final = assignment.c
_V: Final = carried_value.c
_R: Final = directory_resource.c
_ROLES: Final = _V.kind == SourceKind.SCIM_ROLE.value

_USER_IDS: Final = Statement(
    select(_U.id)
    .where(_U.connection_id == bindparam("owner"), PROVISIONED, _U.id > bindparam("after"))
    .order_by(_U.id)
    .limit(bindparam("limit"))
)
_GROUP_IDS: Final = Statement(
    select(_G.id)
    .where(_G.connection_id == bindparam("owner"), _G.id > bindparam("after"))
    .order_by(_G.id)
    .limit(bindparam("limit"))
)
_RESOURCE_IDS: Final = Statement(
    select(_R.id)
    .where(_R.connection_id == bindparam("owner"), _R.id > bindparam("after"))
    .order_by(_R.id)
    .limit(bindparam("limit"))
)
_COUNT_RESOURCES: Final = Statement(select(func.count()).where(_R.connection_id == bindparam("owner")))
_LOCK_GROUPS: Final = Statement(
    select(*GROUP_COLUMNS).where(is_listed(_G.id, bindparam("ids"))).order_by(_G.id).with_for_update()
)
_GROUPS_WITH: Final = Statement(select(_M.group_id).where(is_listed(_M.member_id, bindparam("ids"))).distinct())
_MEMBERSHIPS: Final = Statement(
    select(_M.member_id, _M.group_id, _M.added_at)
    .where(is_listed(_M.member_id, bindparam("ids")))
    .order_by(_M.member_id, _M.group_id)
)
_NESTED: Final = Statement(
    select(_M.group_id, _M.member_id, _M.added_at)
    .where(is_listed(_M.group_id, bindparam("ids")), _M.member_kind == MemberKind.GROUP.value)
    .order_by(_M.group_id, _M.member_id)
)
_HELD: Final = Statement(
    select(_A.user_id, _A.team_id, _A.role_id, _A.source, _A.since_at)
    .where(is_listed(_A.user_id, bindparam("ids")))
    .order_by(_A.user_id, _A.team_id, _A.role_id, _A.source)
)
_CARRIED: Final = Statement(
    select(_V.user_id, _V.value, _V.since_at)
    .where(is_listed(_V.user_id, bindparam("ids")), _ROLES)
    .order_by(_V.user_id, _V.value)
)
_USERS_KNOWN_AS: Final = Statement(
    select(_U.external_id).where(
        is_listed(_U.external_id, bindparam("known_as")),
        _U.connection_id == bindparam("owner"),
        _U.state != UserState.DELETED.value,
    )
)
_OTHER: Final = directory_group.alias("other_group")
_GROUPS_TAKEN: Final = Statement(
    select(_G.id).where(
        _G.connection_id == bindparam("owner"),
        select(_OTHER.c.id)
        .where(_OTHER.c.external_id == _G.external_id, _OTHER.c.connection_id == bindparam("other"))
        .exists(),
    )
)
_MOVE_GROUP: Final = Statement(
    update(directory_group)
    .where(_G.id == bindparam("which"))
    .values(connection_id=bindparam("owner"), version=bindparam("version"), changed_at=bindparam("changed_at"))
)
_MOVE_RESOURCES: Final = Statement(
    update(directory_resource)
    .where(is_listed(_R.id, bindparam("ids")), _R.connection_id == bindparam("before"))
    .values(connection_id=bindparam("owner"), version=_R.version + 1, changed_at=bindparam("changed_at"))
)
_ADD_MEMBER: Final = Statement(
    insert_unless_there(group_member)
    .values({column.name: bindparam(column.name) for column in _M})
    .on_conflict_do_nothing()
)
_MEMBERS_OF_OTHERS: Final = Statement(
    select(_M.group_id, _M.member_id)
    .outerjoin(directory_user, and_(_M.member_kind == MemberKind.USER.value, _U.id == _M.member_id))
    .outerjoin(directory_group, and_(_M.member_kind == MemberKind.GROUP.value, _G.id == _M.member_id))
    .where(
        is_listed(_M.group_id, bindparam("ids")),
        or_(_U.connection_id == bindparam("other"), _G.connection_id == bindparam("other")),
    )
    .order_by(_M.group_id, _M.member_id)
)
_GROUPS_OF_OTHERS: Final = Statement(
    select(_M.group_id, _M.member_id)
    .join(directory_group, directory_group.c.id == _M.group_id)
    .where(is_listed(_M.member_id, bindparam("ids")), _G.connection_id != bindparam("owner"))
    .order_by(_M.group_id, _M.member_id)
)
_SET_SINCE: Final = Statement(
    update(assignment)
    .where(
        _A.user_id == bindparam("user_id"),
        _A.team_id == bindparam("team_id"),
        _A.role_id == bindparam("role_id"),
        _A.source == bindparam("source"),
    )
    .values(since_at=bindparam("since"))
)
_SET_CARRIED_SINCE: Final = Statement(
    update(carried_value)
    .where(_V.user_id == bindparam("user_id"), _ROLES, _V.value == bindparam("carried"))
    .values(since_at=bindparam("since"))
)


def list_user_ids(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> list[UserId]:
    """Return users of a connection in the order of their ids."""
    return [UserId(row[0]) for row in _USER_IDS.rows(tx, owner=owner, after=after, limit=limit)]


def list_group_ids(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> list[GroupId]:
    """Return groups of a connection in the order of their ids."""
    return [GroupId(row[0]) for row in _GROUP_IDS.rows(tx, owner=owner, after=after, limit=limit)]


def list_resource_ids(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> list[str]:
    """Return declared resources of a connection in the order of their ids. May scan them."""
    return [row[0] for row in _RESOURCE_IDS.rows(tx, owner=owner, after=after, limit=limit)]


def count_resources(tx: ReadTx, owner: ConnectionId) -> int:
    """Return how many declared resources a connection owns. May scan them."""
    return int(_COUNT_RESOURCES.value(tx, owner=owner))


def lock_groups(tx: WriteTx, ids: Iterable[str]) -> dict[GroupId, Group]:
    """Return those of the groups that are there; others cannot change them until the transaction ends."""
    return {group.id: group for group in map(group_from, _LOCK_GROUPS.rows(tx, ids=_json_of(ids)))}


def list_groups_with(tx: ReadTx, member_ids: Iterable[str]) -> list[GroupId]:
    """Return the groups that have one of these as a direct member."""
    return [GroupId(row[0]) for row in _GROUPS_WITH.rows(tx, ids=_json_of(member_ids))]


def list_memberships(tx: ReadTx, member_ids: Iterable[str]) -> list[Row]:
    """Return member id, group id and since when (microseconds) of direct memberships, by member and group."""
    return _MEMBERSHIPS.rows(tx, ids=_json_of(member_ids))


def list_nested(tx: ReadTx, group_ids: Iterable[str]) -> list[Row]:
    """Return group id, member id and since when of the groups that are direct members of these."""
    return _NESTED.rows(tx, ids=_json_of(group_ids))


def list_held(tx: ReadTx, user_ids: Iterable[str]) -> list[Row]:
    """Return user id, team id, role, source and since when (microseconds) of all that these users hold."""
    return _HELD.rows(tx, ids=_json_of(user_ids))


def list_carried(tx: ReadTx, user_ids: Iterable[str]) -> list[Row]:
    """Return user id, value and since when (microseconds) of the values of `roles` that these users carry."""
    return _CARRIED.rows(tx, ids=_json_of(user_ids))


def find_users_known_as(tx: ReadTx, owner: ConnectionId, known_as: Iterable[str]) -> frozenset[str]:
    """Return which of the external ids users of a connection have."""
    return frozenset(row[0] for row in _USERS_KNOWN_AS.rows(tx, owner=owner, known_as=_json_of(known_as)))


def find_groups_taken(tx: ReadTx, owner: ConnectionId, other: ConnectionId) -> frozenset[GroupId]:
    """Return the groups of a connection whose external id a group of the other one has."""
    return frozenset(GroupId(row[0]) for row in _GROUPS_TAKEN.rows(tx, owner=owner, other=other))


def move_group(tx: WriteTx, before: Group, after: Group) -> None:
    """Write that a group has another owner."""
    _MOVE_GROUP.run(
        tx,
        which=after.id,
        owner=after.connection_id,
        version=after.version,
        changed_at=to_microseconds(after.changed_at),
    )
    tx.add_to_total(total_of(GROUP_TOTAL, before.connection_id), -1)
    tx.add_to_total(total_of(GROUP_TOTAL, after.connection_id), 1)


def move_resources(tx: WriteTx, ids: Iterable[str], *, before: ConnectionId, after: ConnectionId) -> int:
    """Write that declared resources have another owner, as far as they have the one before; return how many."""
    changed_at = to_microseconds(tx.now)
    return _MOVE_RESOURCES.run(tx, ids=_json_of(ids), before=before, owner=after, changed_at=changed_at).rowcount


def add_member(tx: WriteTx, group_id: GroupId, member_id: str, kind: MemberKind, *, since: int) -> bool:
    """Write a membership that has been there since an instant (microseconds); return whether it was none."""
    row = {"group_id": group_id, "member_id": member_id, "member_kind": kind.value, "added_at": since}
    return _ADD_MEMBER.run(tx, **row).rowcount == 1


def list_members_of_others(tx: ReadTx, group_ids: Iterable[str], other: ConnectionId) -> list[Row]:
    """Return group id and member id of the direct members that another connection owns."""
    return _MEMBERS_OF_OTHERS.rows(tx, ids=_json_of(group_ids), other=other)


def list_groups_of_others(tx: ReadTx, member_ids: Iterable[str], owner: ConnectionId) -> list[Row]:
    """Return group id and member id of direct memberships in groups that this connection does not own."""
    return _GROUPS_OF_OTHERS.rows(tx, ids=_json_of(member_ids), owner=owner)


def set_since(tx: WriteTx, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write since when (microseconds) assignments have been there, one row for each source."""
    many = [dict(row) for row in rows]
    if many:
        _SET_SINCE.many(tx, many)


def set_carried_since(tx: WriteTx, user_id: UserId, value: str, *, since: int) -> None:
    """Write since when (microseconds) a user carries a value of `roles`."""
    _SET_CARRIED_SINCE.run(tx, user_id=user_id, carried=value, since=since)


def _json_of(ids: Iterable[str]) -> str:
    return orjson.dumps(sorted(set(ids))).decode()
