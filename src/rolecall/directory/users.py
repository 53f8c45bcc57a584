"""What may an administrator do with users of every kind?"""

from collections.abc import Collection
from dataclasses import replace

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory import decide
from rolecall.directory.assignments import protect_from
from rolecall.directory.errors import BadUser
from rolecall.directory.events import BreakGlassMoved, UserCreated, UserDeactivated, UserReactivated
from rolecall.directory.model import ListRequest, User, UserId, UserKind, UserState
from rolecall.directory.provisioned_users import find_to_delete, remove_user
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import lists
from rolecall.directory.store import users as store
from rolecall.kernel.document import Document
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.names import check_name
from rolecall.kernel.page import Page
from rolecall.storage.transaction import ReadTx, WriteTx

_CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


def create_local_user(
    tx: WriteTx, *, user_name: str, given_name: str, family_name: str, display_name: str, email: str
) -> User:
    """Create a person that SCIM does not own.

    Raises: Forbidden, BadUser, UserNameTaken.
    """
    require(tx.actor, Action.USER_CREATE)
    fields = {
        "user_name": user_name,
        "given_name": given_name,
        "family_name": family_name,
        "display_name": display_name,
        "email": email,
    }
    for name, value in fields.items():
        check_name(BadUser, name, value)
    profile: Document = {
        "schemas": [_CORE],
        "userName": user_name,
        "name": {"givenName": given_name, "familyName": family_name},
        "displayName": display_name,
        "emails": [{"value": email, "type": "work", "primary": True}],
    }
    return _create(tx, profile, UserKind.PERSON)


def create_service_user(tx: WriteTx, *, user_name: str) -> User:
    """Create a user for a machine. It never signs in, and SCIM never sees it.

    Raises: Forbidden, BadUser, UserNameTaken.
    """
    require(tx.actor, Action.USER_CREATE)
    check_name(BadUser, "user_name", user_name)
    return _create(tx, {"schemas": [_CORE], "userName": user_name, "displayName": user_name}, UserKind.SERVICE)


def find_user_by_name(tx: ReadTx, user_name: str) -> User | None:
    """Return the user of any kind that has this name in any spelling, or None.

    Raises: Forbidden.
    """
    require(tx.actor, Action.USER_LIST)
    return store.find_user_by_name(tx, user_name)


def get_user_by_name(tx: ReadTx, user_name: str) -> User:
    """Return the user of any kind that has this name in any spelling.

    Raises: Forbidden, NotFound.
    """
    user = find_user_by_name(tx, user_name)
    if user is None:
        raise NotFound(f"There is no user named {user_name!r}.", user_name=user_name)
    return user


def get_user(tx: ReadTx, user_id: UserId) -> User:
    """Return the user of any kind that has this id.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.USER_LIST)
    return _get(tx, user_id)


def get_own_user(tx: ReadTx) -> User:
    """Return the user that asks. Needs no action: everybody may know who they are.

    Raises: NotFound when no user stands behind the credential.
    """
    if tx.actor.user_id is None:
        raise NotFound("This credential belongs to a team, not to a user.")
    return _get(tx, UserId(tx.actor.user_id))


def find_user_names(tx: ReadTx, user_ids: Collection[UserId]) -> dict[UserId, str]:
    """Return the names of those users of any kind that there are.

    Raises: Forbidden.
    """
    require(tx.actor, Action.USER_LIST)
    return store.find_user_names(tx, user_ids)


def list_all_users(tx: ReadTx, request: ListRequest) -> Page[User]:
    """Return users of every kind, by id unless told otherwise.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.USER_LIST)
    page = lists.list_all_users(tx, request)
    return Page(items=tuple(store.user_from(row) for row in page.items), total=page.total)


def deactivate_user(tx: WriteTx, user_id: UserId, *, reason: str) -> User:
    """End all access of one user, keeping its history.

    Reactions disable its API keys in the same transaction.

    Raises: Forbidden, NotFound, BreakGlassUser, LastAdministrator.
    """
    require(tx.actor, Action.USER_DEACTIVATE)
    before = _get_to_change(tx, user_id)
    after = decide.changed_user(before, {**before.profile, "active": False}, now=tx.now)
    if after is before:
        return before
    protect_from(tx, before, after)
    store.save_user(tx, before, after)
    tx.record(UserDeactivated(user_id=user_id, user_name=after.user_name, reason=reason))
    return after


def reactivate_user(tx: WriteTx, user_id: UserId) -> User:
    """Restore a user's access by its assignments; its keys stay ended.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.USER_DEACTIVATE)
    before = _get_to_change(tx, user_id)
    after = decide.changed_user(before, {**before.profile, "active": True}, now=tx.now)
    if after is before:
        return before
    store.save_user(tx, before, after)
    tx.record(UserReactivated(user_id=user_id, user_name=after.user_name))
    return after


def delete_user(tx: WriteTx, user_id: UserId) -> None:
    """Delete a user of any kind; audit and events stay, its name is free again.

    Raises: Forbidden, NotFound, BreakGlassUser, LastAdministrator.
    """
    require(tx.actor, Action.USER_DELETE)
    before = find_to_delete(tx, user_id)
    if before is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    after = decide.deleted_user(before, now=tx.now)
    protect_from(tx, before, after)
    remove_user(tx, before, after)


def set_break_glass(tx: WriteTx, user_id: UserId) -> User:
    """Make this the one user that SCIM can never touch; whoever was it before is not any more.

    Raises: Forbidden, NotFound, BadUser when the user could not get in or could not administer.
    """
    require(tx.actor, Action.ASSIGNMENT_CHANGE)
    assignment_store.lock_root_team(tx)
    user = _get_to_change(tx, user_id)
    if user.break_glass:
        return user
    if user.kind is UserKind.SERVICE or user.state is not UserState.ACTIVE:
        raise BadUser(f"{user.user_name} cannot be the break-glass user: it must be an active person.")
    if not assignment_store.is_administrator(tx, user_id):
        raise BadUser(f"{user.user_name} cannot be the break-glass user: it must hold the role admin on Root.")
    store.clear_break_glass(tx)
    before, user = user, replace(user, break_glass=True, version=user.version + 1, changed_at=tx.now)
    store.save_user(tx, before, user)
    tx.record(BreakGlassMoved(user_id=user_id, user_name=user.user_name))
    return user


def find_break_glass_user(tx: ReadTx) -> User | None:
    """Return the break-glass user, or None.

    Raises: Forbidden.
    """
    require(tx.actor, Action.USER_LIST)
    return store.find_break_glass_user(tx)


def _create(tx: WriteTx, profile: Document, kind: UserKind) -> User:
    user = decide.new_user(UserId(new_id(tx.now)), profile, kind=kind, now=tx.now)
    store.insert_user(tx, user)
    tx.record(UserCreated(user_id=user.id, user_name=user.user_name))
    return user


def _get(tx: ReadTx, user_id: UserId) -> User:
    user = store.find_user(tx, user_id)
    if user is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    return user


def _get_to_change(tx: WriteTx, user_id: UserId) -> User:
    user = store.find_user_to_change(tx, user_id)
    if user is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    return user
