"""What may an identity provider do with users?

Only users that SCIM owns are seen here; others do not exist for it, except that their names are taken.
"""

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import ADMIN
from rolecall.directory import decide
from rolecall.directory.assignments import MANUAL, protect_from
from rolecall.directory.errors import UserNameTaken
from rolecall.directory.events import (
    GroupMembersChanged,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserDeleted,
    UserLinkedByPush,
    UserReactivated,
)
from rolecall.directory.model import (
    Changed,
    ChangeProfile,
    ConnectionId,
    Expected,
    ListRequest,
    SourceKind,
    StoredUser,
    User,
    UserId,
    UserKind,
    UserState,
)
from rolecall.directory.reconcile import take_values
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import groups as group_store
from rolecall.directory.store import lists
from rolecall.directory.store import sources as source_store
from rolecall.directory.store import users as store
from rolecall.kernel.document import Document
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.page import Page
from rolecall.storage.transaction import ReadTx, WriteTx

_REASON = "scim"


def create_user(tx: WriteTx, profile: Document) -> StoredUser:
    """Create a user that SCIM owns, or own the local person who has its name and may be linked so.

    Raises: Forbidden, OutOfScope, UserNameTaken, LastAdministrator.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    owner = decide.owner_of(tx.actor)
    user = decide.new_user(UserId(new_id(tx.now)), profile, kind=UserKind.PERSON, connection_id=owner, now=tx.now)
    decide.check_user_scope(tx.actor, user.user_name)
    try:
        store.insert_user(tx, user)
    except UserNameTaken as error:
        return _link_instead(tx, user, owner, error)
    tx.record(UserCreated(user_id=user.id, user_name=user.user_name))
    if "roles" in profile:
        take_values(tx, user, SourceKind.SCIM_ROLE, decide.role_values(profile))
    return store.stored_user_of(user, ())


def get_user(tx: ReadTx, user_id: UserId, *, with_memberships: bool) -> StoredUser:
    """Return a user; its groups only when they are wanted.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    user = store.find_stored_user(tx, user_id, tx.actor.connection_id, with_memberships=with_memberships)
    if user is None:
        raise _not_found(user_id)
    return user


def get_own_user(tx: ReadTx) -> StoredUser:
    """Return the user whose credential the caller presented, whatever its kind.

    Raises: Forbidden, NotFound when the caller is no user.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    user = store.find_user(tx, UserId(tx.actor.user_id)) if tx.actor.user_id is not None else None
    if user is None:
        raise NotFound("The caller's credential belongs to no user.")
    return store.stored_user_of(user, store.list_memberships(tx, user.id))


def list_users(tx: ReadTx, request: ListRequest, *, with_memberships: bool) -> Page[StoredUser]:
    """Return users, by id unless told otherwise; their groups only when they are wanted.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    page = lists.list_provisioned_users(tx, request, tx.actor.connection_id)
    memberships = store.list_memberships_of(tx, [row[0] for row in page.items]) if with_memberships else {}
    return Page(
        items=tuple(store.stored_user_from(row, memberships.get(row[0], ())) for row in page.items),
        total=page.total,
    )


def change_user(tx: WriteTx, user_id: UserId, change: ChangeProfile, expected: Expected) -> Changed[StoredUser]:
    """Change what is known of a user; deactivate or reactivate it when `active` says so.

    A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, OutOfScope, UserNameTaken, BreakGlassUser, LastAdministrator,
    and whatever `change` raises.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    before = _get_to_change(tx, user_id)
    decide.check_version(before.version, expected)
    changed = change(before.profile)
    after = decide.changed_user(before, changed.profile, now=tx.now)
    if after is not before:
        if after.user_name != before.user_name:
            decide.check_user_scope(tx.actor, after.user_name)
        protect_from(tx, before, after)
        store.save_user(tx, before, after)
        _record_change(tx, before, after)
        if before.profile.get("roles") != after.profile.get("roles"):
            take_values(tx, after, SourceKind.SCIM_ROLE, decide.role_values(after.profile))
    return Changed(thing=store.stored_user_of(after, store.list_memberships(tx, user_id)), outcomes=changed.outcomes)


def delete_user(tx: WriteTx, user_id: UserId, expected: Expected) -> None:
    """Delete a user: its id and memberships vanish, audit and events stay, its name is free again.

    Raises: Forbidden, NotFound, VersionConflict, BreakGlassUser, LastAdministrator.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    before = find_to_delete(tx, user_id)
    if before is None or not decide.may_see(tx.actor, before.connection_id):
        raise _not_found(user_id)
    decide.check_version(before.version, expected)
    after = decide.deleted_user(before, now=tx.now)
    protect_from(tx, before, after)
    remove_user(tx, before, after)


def find_to_delete(tx: WriteTx, user_id: UserId) -> User | None:
    """Return a user of any kind, with the locks that its deletion needs.

    Its groups come first, as in a change of a group: otherwise the two would wait for each other.
    """
    group_store.lock_groups_with(tx, user_id)
    return store.find_user_to_delete(tx, user_id)


def remove_user(tx: WriteTx, before: User, after: User) -> None:
    """Write a decided deletion and all that goes with it."""
    leave_groups(tx, before.id)
    ended = assignment_store.delete_assignments_of(tx, before.id)
    source_store.delete_values_of(tx, before.id)
    store.save_user(tx, before, after)
    tx.record(
        UserDeleted(
            user_id=before.id,
            user_name=before.user_name,
            was_active=before.state is UserState.ACTIVE,
            lost=tuple({"team_id": each.team_id, "role": each.role, "source": each.source} for each in ended),
        )
    )


def leave_groups(tx: WriteTx, member_id: UserId) -> None:
    """End a user's memberships; each group changes by it."""
    for group in group_store.remove_from_all_groups(tx, member_id):
        group_store.save_group(tx, group, decide.changed_group(group, group.profile, members_differ=True, now=tx.now))
        tx.record(
            GroupMembersChanged(group_id=group.id, display_name=group.display_name, added=(), removed=(member_id,))
        )


def _link_instead(tx: WriteTx, pushed: User, owner: ConnectionId, taken: UserNameTaken) -> StoredUser:
    before = store.find_user_by_name_to_change(tx, pushed.user_name)
    if before is None or before.connection_id is not None or before.kind is not UserKind.PERSON:
        raise decide.taken_for(tx.actor, taken) from taken
    made = assignment_store.has_role_from(tx, before.id, role=ADMIN, source=MANUAL)
    after = decide.linked_by_push(before, pushed, owner, is_made_administrator=made)
    protect_from(tx, before, after)
    store.save_user(tx, before, after)
    tx.record(UserLinkedByPush(user_id=after.id, user_name=after.user_name, connection_id=owner))
    _record_change(tx, before, after)
    if before.profile.get("roles") != after.profile.get("roles"):
        take_values(tx, after, SourceKind.SCIM_ROLE, decide.role_values(after.profile))
    return store.stored_user_of(after, ())


def _record_change(tx: WriteTx, before: User, after: User) -> None:
    attributes = tuple(name for name in decide.differing(before.profile, after.profile) if name != "active")
    if attributes:
        tx.record(UserChanged(user_id=after.id, user_name=after.user_name, attributes=attributes))
    if before.state is not after.state:
        if after.state is UserState.DEACTIVATED:
            tx.record(UserDeactivated(user_id=after.id, user_name=after.user_name, reason=_REASON))
        else:
            tx.record(UserReactivated(user_id=after.id, user_name=after.user_name))


def _get_to_change(tx: WriteTx, user_id: UserId) -> User:
    user = store.find_user_to_change(tx, user_id)
    if user is None or not decide.may_see(tx.actor, user.connection_id):
        raise _not_found(user_id)
    return user


def _not_found(user_id: str) -> NotFound:
    return NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
