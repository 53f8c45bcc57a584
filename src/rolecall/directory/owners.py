"""What does a SCIM connection own, and how does a user come to another owner?

Needs no action: `connections` asks for one.
"""

from rolecall.directory.model import ConnectionId, Group, GroupId, User, UserId
from rolecall.directory.provisioned_users import find_to_delete, leave_groups
from rolecall.directory.store import owners as store
from rolecall.directory.store import users as user_store
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx, WriteTx


def begin_owning(tx: WriteTx, connection_id: ConnectionId) -> None:
    """Begin to count what a new connection owns."""
    store.begin_totals(tx, connection_id)


def end_owning(tx: WriteTx, connection_id: ConnectionId) -> None:
    """Count no longer what a connection owns."""
    store.end_totals(tx, connection_id)


def owns_anything(tx: ReadTx, connection_id: ConnectionId) -> bool:
    """Return whether a user, a group or a declared resource belongs to a connection."""
    return store.owns_anything(tx, connection_id)


def count_owned(tx: ReadTx, connection_id: ConnectionId) -> tuple[int, int]:
    """Return how many users and how many groups belong to a connection."""
    return store.count_owned(tx, connection_id)


def list_owned(
    tx: ReadTx, connection_id: ConnectionId
) -> tuple[tuple[User, ...], tuple[Group, ...], dict[GroupId, frozenset[str]]]:
    """Return all users and groups of a connection, by id, and the ids of direct members by group. Reads everything."""
    members = {group_id: frozenset(ids) for group_id, ids in store.list_members(tx, connection_id).items()}
    return store.list_users(tx, connection_id), store.list_groups(tx, connection_id), members


def get_user_to_move(tx: WriteTx, user_id: UserId) -> User:
    """Return a user, with the locks that leaving its groups needs.

    Raises: NotFound.
    """
    user = find_to_delete(tx, user_id)
    if user is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    return user


def move_user(tx: WriteTx, before: User, after: User) -> None:
    """Write that a user has another owner; it leaves the groups of the one it had."""
    if before.connection_id is not None:
        leave_groups(tx, before.id)
    user_store.save_user(tx, before, after)
