"""The rows of users and of their e-mail addresses."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_unless_there

from rolecall.directory.errors import UserNameTaken
from rolecall.directory.model import GroupId, Membership, StoredUser, User, UserId, UserKind, UserState
from rolecall.directory.tables import (
    PROVISIONED,
    PROVISIONED_TOTAL,
    directory_group,
    directory_user,
    group_member,
    user_email,
)
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.document import Document, Json
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.statement import Insertion, Row, Statement
from rolecall.storage.totals import total_of
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed, listed

_U: Final = directory_user.c

USER_COLUMNS: Final = (
    _U.id,
    _U.kind,
    _U.state,
    _U.connection_id,
    _U.break_glass,
    _U.profile,
    _U.version,
    _U.created_at,
    _U.changed_at,
)

_BY_ID: Final = select(*USER_COLUMNS).where(_U.id == bindparam("id"), _U.state != UserState.DELETED.value)
_FIND: Final = Statement(_BY_ID)
_FIND_EVER: Final = Statement(select(*USER_COLUMNS).where(_U.id == bindparam("id")))
_FIND_TO_CHANGE: Final = Statement(_BY_ID.with_for_update(key_share=True))
_FIND_TO_DELETE: Final = Statement(_BY_ID.with_for_update())
_FIND_BY_NAME: Final = Statement(select(*USER_COLUMNS).where(_U.user_name_key == bindparam("key")))
_FIND_BY_NAME_TO_CHANGE: Final = Statement(
    select(*USER_COLUMNS).where(_U.user_name_key == bindparam("key")).with_for_update(key_share=True)
)
_FIND_STORED: Final = Statement(
    select(
        _U.id,
        _U.profile,
        _U.version,
        _U.created_at,
        _U.changed_at,
        exists().where(group_member.c.member_id == _U.id),
        _U.connection_id,
    ).where(_U.id == bindparam("id"), PROVISIONED)
)
_KNOWN_AMONG: Final = Statement(select(_U.id).where(is_listed(_U.id, bindparam("ids"))))
_FIND_AMONG: Final = Statement(
    select(*USER_COLUMNS).where(is_listed(_U.id, bindparam("ids")), _U.state != UserState.DELETED.value)
)
# A violation would end the whole transaction on PostgreSQL, and whoever has the name may be linked in it.
# SQLAlchemy's insert for PostgreSQL is written the same way for SQLite.
_INSERT: Final = Statement(
    insert_unless_there(directory_user)
    .values({column.name: bindparam(column.name) for column in directory_user.c})
    .on_conflict_do_nothing(index_elements=["user_name_key"])
)
_UPDATE: Final = Statement(
    update(directory_user)
    .where(_U.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in directory_user.c if column.name != "id"})
)
_UPDATE_UNNAMED: Final = Statement(
    update(directory_user)
    .where(_U.id == bindparam("which"))
    .values({name: bindparam(name) for name in ("state", "profile", "version", "changed_at")})
)
_INSERT_EMAIL: Final = Insertion(user_email, user_email.c)
_DELETE_EMAILS: Final = Statement(delete(user_email).where(user_email.c.user_id == bindparam("id")))
_CLEAR_BREAK_GLASS: Final = Statement(
    update(directory_user).where(_U.break_glass == 1).values(break_glass=0, version=_U.version + 1)
)
_FIND_BREAK_GLASS: Final = Statement(select(*USER_COLUMNS).where(_U.break_glass == 1))


def _memberships_of(users: Any) -> Any:
    """Select user id, group id, group name and whether direct, for each group above the users' own."""
    member, group = group_member.c, directory_group.c
    above = (
        select(member.member_id.label("user_id"), member.group_id.label("group_id"))
        .where(member.member_id.in_(users))
        .cte("above", recursive=True)
    )
    outer = group_member.alias("outer_member")
    above = above.union(
        select(above.c.user_id, outer.c.group_id).where(
            outer.c.member_id == above.c.group_id, outer.c.member_kind == literal("Group")
        )
    )
    direct = group_member.alias("direct_member")
    is_direct = (
        select(func.count())
        .select_from(direct)
        .where(direct.c.group_id == above.c.group_id, direct.c.member_id == above.c.user_id)
        .scalar_subquery()
    )
    return (
        select(above.c.user_id, group.id, group.display, is_direct)
        .join_from(above, directory_group, group.id == above.c.group_id)
        .order_by(above.c.user_id, group.id)
    )


def _direct_memberships_of(users: Any) -> Any:
    """Select user id, group id, group name and whether that group is in others, for each group with the user itself."""
    member, group = group_member.c, directory_group.c
    outer = group_member.alias("outer_member")
    is_nested = exists().where(outer.c.member_id == member.group_id)
    return (
        select(member.member_id, group.id, group.display, is_nested)
        .join_from(group_member, directory_group, group.id == member.group_id)
        .where(users)
        .order_by(member.member_id, group.id)
    )


# Groups are in others far less often than they are not, and the walk upwards costs ten times as much.
_DIRECT: Final = Statement(_direct_memberships_of(group_member.c.member_id == bindparam("id")))
_DIRECT_OF_MANY: Final = Statement(_direct_memberships_of(is_listed(group_member.c.member_id, bindparam("ids"))))
_MEMBERSHIPS: Final = Statement(_memberships_of([bindparam("id")]))
_MEMBERSHIPS_OF_MANY: Final = Statement(_memberships_of(select(listed(bindparam("ids")).c.value)))


def find_user(tx: ReadTx, user_id: UserId) -> User | None:
    """Return the user of any kind that has this id and is not deleted, or None."""
    row = _FIND.row(tx, id=user_id)
    return None if row is None else user_from(row)


def find_user_ever(tx: ReadTx, user_id: UserId) -> User | None:
    """Return the same, or what remains of it when it is deleted."""
    row = _FIND_EVER.row(tx, id=user_id)
    return None if row is None else user_from(row)


def find_user_to_change(tx: WriteTx, user_id: UserId) -> User | None:
    """Return the same, and keep others from changing it until the transaction ends."""
    row = _FIND_TO_CHANGE.row(tx, id=user_id)
    return None if row is None else user_from(row)


def find_user_to_delete(tx: WriteTx, user_id: UserId) -> User | None:
    """Return the same, and also keep others from making it a member of a group meanwhile."""
    row = _FIND_TO_DELETE.row(tx, id=user_id)
    return None if row is None else user_from(row)


def find_user_by_name(tx: ReadTx, user_name: str) -> User | None:
    """Return the user of any kind that has this user name in any spelling, or None."""
    row = _FIND_BY_NAME.row(tx, key=comparison_form(user_name))
    return None if row is None else user_from(row)


def find_user_by_name_to_change(tx: WriteTx, user_name: str) -> User | None:
    """Return the same, and keep others from changing it until the transaction ends."""
    row = _FIND_BY_NAME_TO_CHANGE.row(tx, key=comparison_form(user_name))
    return None if row is None else user_from(row)


def find_stored_user(tx: ReadTx, user_id: UserId, owner: str | None, *, with_memberships: bool) -> StoredUser | None:
    """Return the user that has this id and that this connection owns (None: any), ready to be shown, or None."""
    row = _FIND_STORED.row(tx, id=user_id)
    if row is None or owner not in {None, row[6]}:
        return None
    # Whoever is in no group at all costs no walk through the groups.
    return stored_user_from(row, list_memberships(tx, user_id) if with_memberships and row[5] else ())


def list_memberships(tx: ReadTx, user_id: UserId) -> tuple[Membership, ...]:
    """Return the groups that the user is in, directly or through nested groups, by group id."""
    rows = _DIRECT.rows(tx, id=user_id)
    if any(row[3] for row in rows):
        return tuple(_membership_from(row) for row in _MEMBERSHIPS.rows(tx, id=user_id))
    return tuple(_direct_membership_from(row) for row in rows)


def list_memberships_of(tx: ReadTx, user_ids: Sequence[str]) -> dict[str, tuple[Membership, ...]]:
    """Return the same for many users at once; users without a group are left out."""
    found: dict[str, list[Membership]] = {}
    ids = orjson.dumps(user_ids).decode()
    rows, membership_from = _DIRECT_OF_MANY.rows(tx, ids=ids), _direct_membership_from
    if any(row[3] for row in rows):
        rows, membership_from = _MEMBERSHIPS_OF_MANY.rows(tx, ids=ids), _membership_from
    for row in rows:
        found.setdefault(row[0], []).append(membership_from(row))
    return {user_id: tuple(memberships) for user_id, memberships in found.items()}


def find_known_among(tx: ReadTx, ids: Iterable[str]) -> set[UserId]:
    """Return which of the ids are, or were, of users."""
    return {UserId(row[0]) for row in _KNOWN_AMONG.rows(tx, ids=orjson.dumps(list(ids)).decode())}


def find_user_names(tx: ReadTx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """Return the names of those users of any kind that are there and not deleted."""
    users = map(user_from, _FIND_AMONG.rows(tx, ids=orjson.dumps(list(ids)).decode()))
    return {user.id: user.user_name for user in users}


def insert_user(tx: WriteTx, user: User) -> None:
    """Write a new user.

    Raises: UserNameTaken; the transaction can go on after it.
    """
    if _INSERT.run(tx, **_row_of(user)).rowcount == 0:
        raise name_taken(user.user_name)
    _insert_emails(tx, user)
    _count(tx, user, 1)


def save_user(tx: WriteTx, before: User, after: User) -> None:
    """Write a changed user. Of what there are indexes for, only that is touched which differs.

    Raises: UserNameTaken.
    """
    if _is_known_as_before(before, after):
        _UPDATE_UNNAMED.run(
            tx,
            which=after.id,
            state=after.state.value,
            profile=orjson.dumps(after.profile).decode(),
            version=after.version,
            changed_at=to_microseconds(after.changed_at),
        )
    else:
        values = _row_of(after)
        values["which"] = values.pop("id")
        try:
            _UPDATE.run(tx, **values)
        except UniqueViolation as violation:
            raise name_taken(after.user_name) from violation
    if before.profile.get("emails") != after.profile.get("emails"):
        _DELETE_EMAILS.run(tx, id=after.id)
        _insert_emails(tx, after)
    _count(tx, before, -1)
    _count(tx, after, 1)


def clear_break_glass(tx: WriteTx) -> None:
    """Take the break-glass mark from whoever has it."""
    _CLEAR_BREAK_GLASS.run(tx)


def find_break_glass_user(tx: ReadTx) -> User | None:
    """Return the break-glass user, or None."""
    row = _FIND_BREAK_GLASS.row(tx)
    return None if row is None else user_from(row)


def name_taken(user_name: str) -> UserNameTaken:
    """Return the refusal for a user name that is in use."""
    return UserNameTaken(f"The userName {user_name!r} is in use by another user.", attribute="userName")


def user_from(row: Row) -> User:
    """Return the user in a row of `USER_COLUMNS`."""
    return User(
        id=row[0],
        kind=UserKind(row[1]),
        state=UserState(row[2]),
        connection_id=row[3],
        break_glass=bool(row[4]),
        profile=orjson.loads(row[5]),
        version=row[6],
        created_at=from_microseconds(row[7]),
        changed_at=from_microseconds(row[8]),
    )


def stored_user_from(row: Row, memberships: tuple[Membership, ...]) -> StoredUser:
    """Return the user in a row of id, profile, version, created_at, changed_at."""
    return StoredUser(
        id=row[0],
        profile=row[1],
        version=row[2],
        created_at=from_microseconds(row[3]),
        changed_at=from_microseconds(row[4]),
        memberships=memberships,
    )


def stored_user_of(user: User, memberships: tuple[Membership, ...]) -> StoredUser:
    """Return a user that was just written, ready to be shown."""
    return StoredUser(
        id=user.id,
        profile=orjson.dumps(user.profile).decode(),
        version=user.version,
        created_at=user.created_at,
        changed_at=user.changed_at,
        memberships=memberships,
    )


def _direct_membership_from(row: Row) -> Membership:
    return Membership(group_id=GroupId(row[1]), display=row[2], direct=True)


def _membership_from(row: Row) -> Membership:
    return Membership(group_id=GroupId(row[1]), display=row[2], direct=row[3] > 0)


def text_of(value: Json) -> str | None:
    """Return a text that is there, else None."""
    return value if isinstance(value, str) and value else None


def key_of(value: Json) -> str | None:
    """Return the comparison form of a text that is there, else None."""
    return comparison_form(value) if isinstance(value, str) and value else None


def _count(tx: WriteTx, user: User, difference: int) -> None:
    """Add to the total of its connection, if SCIM lists the user, as `PROVISIONED` has it."""
    if user.connection_id is not None and user.state is not UserState.DELETED:
        tx.add_to_total(total_of(PROVISIONED_TOTAL, user.connection_id), difference)


_KNOWN_BY: Final = ("userName", "displayName", "externalId")


def _is_known_as_before(before: User, after: User) -> bool:
    return (
        all(before.profile.get(name) == after.profile.get(name) for name in _KNOWN_BY)
        and after.state is not UserState.DELETED
        and (before.kind, before.connection_id, before.break_glass)
        == (after.kind, after.connection_id, after.break_glass)
    )


def _row_of(user: User) -> dict[str, Any]:
    profile = user.profile
    deleted = user.state is UserState.DELETED
    return {
        "id": user.id,
        "kind": user.kind.value,
        "state": user.state.value,
        "provisioned": int(user.provisioned),
        "break_glass": int(user.break_glass),
        "user_name_key": None if deleted else comparison_form(user.user_name),
        "display": text_of(profile.get("displayName")) or user.user_name,
        "display_name_key": key_of(profile.get("displayName")),
        "external_id": text_of(profile.get("externalId")),
        "connection_id": user.connection_id,
        "profile": orjson.dumps(profile).decode(),
        "version": user.version,
        "created_at": to_microseconds(user.created_at),
        "changed_at": to_microseconds(user.changed_at),
    }


def _insert_emails(tx: WriteTx, user: User) -> None:
    rows = [
        {
            "user_id": user.id,
            "position": position,
            "value_key": key_of(email.get("value")),
            "type_key": key_of(email.get("type")),
        }
        for position, email in enumerate(_emails_of(user.profile))
    ]
    if rows:
        _INSERT_EMAIL.many(tx, rows)


def _emails_of(profile: Document) -> list[Document]:
    emails = profile.get("emails")
    return [email for email in emails if isinstance(email, dict)] if isinstance(emails, list) else []
