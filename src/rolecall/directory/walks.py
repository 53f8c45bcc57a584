"""How is a long list read to its end, page after page?"""

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.model import ListRequest, Seek, StoredGroup, StoredUser, Stretch, User
from rolecall.directory.store import groups as group_store
from rolecall.directory.store import users as user_store
from rolecall.directory.store import walks
from rolecall.storage.transaction import ReadTx


def walk_users(tx: ReadTx, request: ListRequest, seek: Seek, *, with_memberships: bool) -> Stretch[StoredUser]:
    """Return the users that SCIM owns from there on, at most `request.limit`; `request.skip` counts for nothing.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    rows = walks.walk_provisioned_users(tx, request, seek, tx.actor.connection_id)
    memberships = user_store.list_memberships_of(tx, [row[0] for row in rows.items]) if with_memberships else {}
    return Stretch(
        items=tuple(user_store.stored_user_from(row, memberships.get(row[0], ())) for row in rows.items),
        total=rows.total,
        before=rows.before,
        after=rows.after,
    )


def walk_all_users(tx: ReadTx, request: ListRequest, seek: Seek) -> Stretch[User]:
    """Return users of every kind from there on, at most `request.limit`; `request.skip` counts for nothing.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.USER_LIST)
    rows = walks.walk_all_users(tx, request, seek)
    return Stretch(
        items=tuple(user_store.user_from(row) for row in rows.items),
        total=rows.total,
        before=rows.before,
        after=rows.after,
    )


def walk_groups(tx: ReadTx, request: ListRequest, seek: Seek, *, with_members: bool) -> Stretch[StoredGroup]:
    """Return the groups from there on, at most `request.limit`; `request.skip` counts for nothing.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    rows = walks.walk_groups(tx, request, seek, tx.actor.connection_id)
    members = group_store.list_members_of(tx, [row[0] for row in rows.items]) if with_members else {}
    return Stretch(
        items=tuple(
            group_store.stored_group_from(row, members.get(row[0], ()) if with_members else None) for row in rows.items
        ),
        total=rows.total,
        before=rows.before,
        after=rows.after,
    )
