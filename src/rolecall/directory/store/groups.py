"""The rows of groups and of their members."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_unless_there

from rolecall.directory.errors import GroupNameTaken
from rolecall.directory.model import Group, GroupId, Member, MemberId, MemberKind, StoredGroup
from rolecall.directory.store.users import text_of
from rolecall.directory.tables import GROUP_TOTAL, PROVISIONED, directory_group, directory_user, group_member
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.predicate import Path, Predicate, compile_matcher
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.predicates import TextColumn, to_sql
from rolecall.storage.statement import Row, Statement
from rolecall.storage.totals import total_of
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed, listed, unindexed

_G: Final = directory_group.c
_M: Final = group_member.c
_U: Final = directory_user.c

GROUP_COLUMNS: Final = (_G.id, _G.profile, _G.version, _G.created_at, _G.changed_at, _G.connection_id)

_FIND: Final = Statement(select(*GROUP_COLUMNS).where(_G.id == bindparam("id")))
_FIND_TO_CHANGE: Final = Statement(select(*GROUP_COLUMNS).where(_G.id == bindparam("id")).with_for_update())
_FIND_BY_NAME: Final = Statement(select(*GROUP_COLUMNS).where(_G.display_name_key == bindparam("key")))
_INSERT: Final = Statement(
    insert(directory_group).values({column.name: bindparam(column.name) for column in directory_group.c})
)
_UPDATE: Final = Statement(
    update(directory_group)
    .where(_G.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in directory_group.c if column.name != "id"})
)
_UPDATE_VERSION: Final = Statement(
    update(directory_group)
    .where(_G.id == bindparam("which"))
    .values(version=bindparam("version"), changed_at=bindparam("changed_at"))
)
_DELETE: Final = Statement(delete(directory_group).where(_G.id == bindparam("id")))

_MEMBER_DISPLAY: Final = func.coalesce(_U.display, _G.display)
_MEMBERS: Final = (
    select(_M.member_id, _M.member_kind, _MEMBER_DISPLAY)
    .select_from(group_member)
    .outerjoin(directory_user, and_(_M.member_kind == MemberKind.USER.value, _U.id == _M.member_id))
    .outerjoin(directory_group, and_(_M.member_kind == MemberKind.GROUP.value, _G.id == _M.member_id))
)
_LIST_MEMBERS: Final = Statement(_MEMBERS.where(_M.group_id == bindparam("id")).order_by(_M.member_id))
_LIST_MEMBERS_PAGE: Final = Statement(
    _MEMBERS.where(_M.group_id == bindparam("id"))
    .order_by(_M.member_id)
    .limit(bindparam("limit"))
    .offset(bindparam("skip"))
)
_COUNT_MEMBERS: Final = Statement(select(func.count()).select_from(group_member).where(_M.group_id == bindparam("id")))
_MEMBERS_OF_MANY: Final = Statement(
    _MEMBERS.add_columns(_M.group_id)
    .where(is_listed(_M.group_id, bindparam("ids")))
    .order_by(_M.group_id, _M.member_id)
)
_MEMBER_COLUMNS: Final[dict[Path, TextColumn]] = {
    ("value",): TextColumn(_M.member_id, folded=False),
    ("type",): TextColumn(_M.member_kind, folded=False),
}

_WANTED: Final = listed(bindparam("ids"))
_REMOVE_LISTED: Final = Statement(
    delete(group_member)
    .where(_M.group_id == bindparam("id"), is_listed(_M.member_id, bindparam("ids")))
    .returning(_M.member_id)
)
_REMOVE_ALL_BUT_LISTED: Final = Statement(
    delete(group_member)
    .where(_M.group_id == bindparam("id"), _M.member_id.not_in(select(_WANTED.c.value)))
    .returning(_M.member_id)
)
_GROUPS_WITH_MEMBER: Final = Statement(
    select(*GROUP_COLUMNS)
    .where(_G.id.in_(select(_M.group_id).where(_M.member_id == bindparam("member_id"))))
    .order_by(_G.id)
    .with_for_update()
)
_REMOVE_EVERYWHERE: Final = Statement(
    delete(group_member).where(_M.member_id == bindparam("member_id")).returning(_M.group_id)
)


def _insertion(table: Any, kind: MemberKind, *conditions: Any) -> Statement:
    # PostgreSQL must be told the types of what stands alone in a SELECT.
    group_id, added_at = cast(bindparam("id"), Text), cast(bindparam("now"), BigInteger)
    chosen = (
        select(group_id.label("group_id"), table.c.id, cast(literal(kind.value), Text), added_at.label("added_at"))
        .where(
            is_listed(table.c.id, bindparam("ids")),
            *conditions,
            unindexed(table.c.connection_id) == cast(bindparam("owner"), Text),
        )
        # Who becomes a member cannot be deleted meanwhile, or its row here would outlive it.
        .with_for_update(read=True, key_share=True, of=table)
    )
    # To ask beforehand who is a member already makes PostgreSQL read all members of a large group.
    return Statement(
        insert_unless_there(group_member)
        .from_select(["group_id", "member_id", "member_kind", "added_at"], chosen)
        .on_conflict_do_nothing()
        .returning(_M.member_id)
    )


_ADD_USERS: Final = _insertion(directory_user, MemberKind.USER, PROVISIONED)
_ADD_GROUPS: Final = _insertion(directory_group, MemberKind.GROUP)
_FIND_STRANGERS: Final = Statement(
    select(_WANTED.c.value).where(
        not_(exists().where(_U.id == _WANTED.c.value, PROVISIONED, unindexed(_U.connection_id) == bindparam("owner"))),
        not_(exists().where(_G.id == _WANTED.c.value, unindexed(_G.connection_id) == bindparam("owner"))),
    )
)


def find_group(tx: ReadTx, group_id: GroupId) -> Group | None:
    """Return the group that has this id, or None."""
    row = _FIND.row(tx, id=group_id)
    return None if row is None else group_from(row)


def find_group_to_change(tx: WriteTx, group_id: GroupId) -> Group | None:
    """Return the group that has this id, or None; others cannot change it until the transaction ends."""
    row = _FIND_TO_CHANGE.row(tx, id=group_id)
    return None if row is None else group_from(row)


def find_group_by_name(tx: ReadTx, display_name: str) -> Group | None:
    """Return the group that has this display name in any spelling, or None."""
    row = _FIND_BY_NAME.row(tx, key=comparison_form(display_name))
    return None if row is None else group_from(row)


def find_stored_group(tx: ReadTx, group_id: GroupId, owner: str | None, *, with_members: bool) -> StoredGroup | None:
    """Return the group that has this id and that this connection owns (None: any), ready to be shown, or None."""
    row = _FIND.row(tx, id=group_id)
    if row is None or owner not in {None, row[5]}:
        return None
    return stored_group_from(row, list_members(tx, group_id) if with_members else None)


def insert_group(tx: WriteTx, group: Group) -> None:
    """Write a new group.

    Raises: GroupNameTaken.
    """
    _write(lambda: _INSERT.run(tx, **_row_of(group)), group)
    tx.add_to_total(total_of(GROUP_TOTAL, group.connection_id), 1)


def save_group(tx: WriteTx, before: Group, after: Group) -> None:
    """Write a changed group; only its version, when its members alone have changed.

    Raises: GroupNameTaken.
    """
    if after.profile == before.profile:
        _UPDATE_VERSION.run(tx, which=after.id, version=after.version, changed_at=to_microseconds(after.changed_at))
        return
    values = _row_of(after)
    values["which"] = values.pop("id")
    _write(lambda: _UPDATE.run(tx, **values), after)


def delete_group(tx: WriteTx, group: Group) -> None:
    """Delete the group and the rows of its own members; its rows in other groups stay."""
    tx.add_to_total(total_of(GROUP_TOTAL, group.connection_id), -_DELETE.run(tx, id=group.id).rowcount)


def list_members(tx: ReadTx, group_id: GroupId) -> tuple[Member, ...]:
    """Return all direct members, by id."""
    return tuple(_member_from(row) for row in _LIST_MEMBERS.rows(tx, id=group_id))


def list_members_page(tx: ReadTx, group_id: GroupId, *, skip: int, limit: int) -> tuple[Member, ...]:
    """Return direct members in the order of their ids."""
    return tuple(_member_from(row) for row in _LIST_MEMBERS_PAGE.rows(tx, id=group_id, skip=skip, limit=limit))


def count_members(tx: ReadTx, group_id: GroupId) -> int:
    """Return how many direct members there are."""
    return int(_COUNT_MEMBERS.value(tx, id=group_id))


def list_members_of(tx: ReadTx, group_ids: list[str]) -> dict[str, tuple[Member, ...]]:
    """Return the members of many groups at once; groups without any are left out."""
    found: dict[str, list[Member]] = {}
    for row in _MEMBERS_OF_MANY.rows(tx, ids=orjson.dumps(group_ids).decode()):
        found.setdefault(row[3], []).append(_member_from(row))
    return {group_id: tuple(members) for group_id, members in found.items()}


def list_matching_members(tx: ReadTx, group_id: GroupId, where: Predicate) -> tuple[str, ...]:
    """Return the ids of the direct members that fulfil a condition on `value`, `type` and `display`."""
    selection = to_sql(where, _MEMBER_COLUMNS)
    found = Statement(_MEMBERS.where(_M.group_id == bindparam("id"), selection.condition)).rows(tx, id=group_id)
    if selection.exact:
        return tuple(row[0] for row in found)
    matches = compile_matcher(where)
    return tuple(row[0] for row in found if matches({"value": row[0], "type": row[1], "display": row[2]}))


def add_members(tx: WriteTx, group: Group, members: Iterable[str]) -> tuple[str, ...]:
    """Make these users and groups of its connection members; return the ids of those that were none."""
    wanted = set(members)
    values = {"id": group.id, "owner": group.connection_id, "ids": _json_of(wanted), "now": to_microseconds(tx.now)}
    added = [row[0] for row in _ADD_USERS.rows(tx, **values)]
    # Nearly always, all of them are users.
    if len(added) < len(wanted):
        added += [row[0] for row in _ADD_GROUPS.rows(tx, **values)]
    return tuple(added)


def find_strangers(tx: ReadTx, group: Group, members: Iterable[str]) -> tuple[str, ...]:
    """Return those ids that are neither of a user nor of a group that the group's connection owns."""
    return tuple(row[0] for row in _FIND_STRANGERS.rows(tx, owner=group.connection_id, ids=_json_of(members)))


def remove_members(tx: WriteTx, group_id: GroupId, members: Iterable[str]) -> tuple[str, ...]:
    """End these memberships; return the ids of those that were members."""
    return tuple(row[0] for row in _REMOVE_LISTED.rows(tx, id=group_id, ids=_json_of(members)))


def remove_other_members(tx: WriteTx, group_id: GroupId, members: Iterable[str]) -> tuple[str, ...]:
    """End all memberships but these; return the ids of those that were removed."""
    return tuple(row[0] for row in _REMOVE_ALL_BUT_LISTED.rows(tx, id=group_id, ids=_json_of(members)))


def lock_groups_with(tx: WriteTx, member_id: MemberId) -> None:
    """Let nobody else change the groups that this is a direct member of until the transaction ends."""
    _GROUPS_WITH_MEMBER.rows(tx, member_id=member_id)


def remove_from_all_groups(tx: WriteTx, member_id: MemberId) -> tuple[Group, ...]:
    """End every membership of one user or group; return the groups that it was a direct member of."""
    groups = [group_from(row) for row in _GROUPS_WITH_MEMBER.rows(tx, member_id=member_id)]
    if not groups:
        return ()
    # Whoever held the lock of one of them may have ended the membership while we waited.
    left = {row[0] for row in _REMOVE_EVERYWHERE.rows(tx, member_id=member_id)}
    return tuple(group for group in groups if group.id in left)


def group_from(row: Row) -> Group:
    """Return the group in a row of `GROUP_COLUMNS`."""
    return Group(
        id=row[0],
        connection_id=row[5],
        profile=orjson.loads(row[1]),
        version=row[2],
        created_at=from_microseconds(row[3]),
        changed_at=from_microseconds(row[4]),
    )


def stored_group_from(row: Row, members: tuple[Member, ...] | None) -> StoredGroup:
    """Return the group in a row of `GROUP_COLUMNS`, ready to be shown."""
    return StoredGroup(
        id=row[0],
        profile=row[1],
        version=row[2],
        created_at=from_microseconds(row[3]),
        changed_at=from_microseconds(row[4]),
        members=members,
    )


def stored_group_of(group: Group, members: tuple[Member, ...] | None) -> StoredGroup:
    """Return a group that was just written, ready to be shown."""
    return StoredGroup(
        id=group.id,
        profile=orjson.dumps(group.profile).decode(),
        version=group.version,
        created_at=group.created_at,
        changed_at=group.changed_at,
        members=members,
    )


def _member_from(row: Row) -> Member:
    return Member(id=row[0], kind=MemberKind(row[1]), display=row[2] or "")


def _json_of(members: Iterable[str]) -> str:
    return orjson.dumps(list(dict.fromkeys(members))).decode()


def _write(run: Callable[[], object], group: Group) -> None:
    try:
        run()
    except UniqueViolation as violation:
        raise GroupNameTaken(
            f"The displayName {group.display_name!r} is in use by another group.", attribute="displayName"
        ) from violation


def _row_of(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "display": group.display_name,
        "display_name_key": comparison_form(group.display_name),
        "external_id": text_of(group.profile.get("externalId")),
        "connection_id": group.connection_id,
        "profile": orjson.dumps(group.profile).decode(),
        "version": group.version,
        "created_at": to_microseconds(group.created_at),
        "changed_at": to_microseconds(group.changed_at),
    }
