"""What can be done with SCIM connections?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from rolecall.authentication import connection_keys
from rolecall.authentication.model import ApiKey, NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.connections import decide, store
from rolecall.connections.events import ConnectionChanged, ConnectionCreated, ConnectionDeleted, UserLinked
from rolecall.connections.model import Connection, ConnectionDraft, ConnectionState
from rolecall.directory import installation, owners
from rolecall.directory.decide import check_version
from rolecall.directory.model import DEFAULT_CONNECTION, ConnectionId, Expected, User, UserId
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.text import comparison_form
from rolecall.storage.transaction import ReadTx, WriteTx


def create_connection(tx: WriteTx, draft: ConnectionDraft) -> Connection:
    """Make a connection, without a credential yet.

    Raises: Forbidden, BadConnection, ConnectionNameTaken.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = decide.new_connection(ConnectionId(new_id(tx.now)), draft, now=tx.now)
    store.insert_connection(tx, connection)
    owners.begin_owning(tx, connection.id)
    tx.record(ConnectionCreated(connection_id=connection.id, name=connection.name))
    _follow_states(tx)
    return connection


def get_connection(tx: ReadTx, connection_id: str) -> Connection:
    """Return a connection.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    connection = store.find_connection(tx, connection_id)
    if connection is None:
        raise _not_found(connection_id)
    return connection


def get_connection_by_name(tx: ReadTx, name: str) -> Connection:
    """Return the connection that has this name in any spelling, or this id.

    Raises: Forbidden, NotFound.
    """
    key = comparison_form(name)
    for connection in list_connections(tx):
        if connection.id == name or comparison_form(connection.name) == key:
            return connection
    raise NotFound(f"There is no SCIM connection named {name!r}.", name=name)


def list_connections(tx: ReadTx) -> tuple[Connection, ...]:
    """Return all connections, the default one first, then in the order in which they were made.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    return store.list_connections(tx)


def change_connection(
    tx: WriteTx, connection_id: str, change: Callable[[ConnectionDraft], ConnectionDraft], expected: Expected
) -> Connection:
    """Change a connection. A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, BadConnection, ConnectionFixed, ConnectionNameTaken.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    before = _get_to_change(tx, connection_id)
    check_version(before.version, expected)
    after = decide.changed_connection(before, change(before.draft), now=tx.now)
    if after is before:
        return before
    store.save_connection(tx, after)
    tx.record(
        ConnectionChanged(
            connection_id=after.id,
            name=after.name,
            attributes=decide.differing(before.draft, after.draft),
            state=after.draft.state.value,
        )
    )
    _follow_states(tx)
    return after


def switch_default(tx: WriteTx, *, on: bool) -> Connection:
    """Switch the default connection on or off. Being so already is no error.

    Raises: Forbidden.
    """
    state = ConnectionState.ON if on else ConnectionState.OFF
    return change_connection(tx, DEFAULT_CONNECTION, lambda draft: replace(draft, state=state), Expected())


def delete_connection(tx: WriteTx, connection_id: str, expected: Expected) -> None:
    """Delete a connection that owns nothing and has no credential that opens anything.

    Raises: Forbidden, NotFound, VersionConflict, ConnectionFixed, ConnectionInUse.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = _get_to_change(tx, connection_id)
    check_version(connection.version, expected)
    usable = any(key.is_usable(tx.now) for key in connection_keys.list_keys_of(tx, connection.id))
    decide.check_deletion(connection, owns=owners.owns_anything(tx, connection.id), has_keys=usable)
    owners.end_owning(tx, connection.id)
    store.delete_connection(tx, connection.id)
    tx.record(ConnectionDeleted(connection_id=connection.id, name=connection.name))
    _follow_states(tx)


def rotate_credential(tx: WriteTx, connection_id: str, *, overlap: timedelta) -> NewApiKey:
    """Make a credential; those that were there end after the overlap, unless they end earlier.

    Raises: Forbidden, NotFound, ConnectionFixed, ActionNotHeld.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = _get_to_change(tx, connection_id)
    decide.check_in_use(connection)
    return connection_keys.rotate_key(tx, connection.id, name=connection.name, overlap=overlap)


def list_credentials(tx: ReadTx, connection_id: str) -> tuple[ApiKey, ...]:
    """Return the credentials of a connection, oldest first, ended ones too.

    Raises: Forbidden, NotFound.
    """
    return connection_keys.list_keys_of(tx, get_connection(tx, connection_id).id)


def link_user(tx: WriteTx, connection_id: str, user_id: UserId) -> User:
    """Let a connection own a local user, or one of another connection; such a one leaves the groups of that.

    What it holds by hand it keeps. Linked already is no error.

    Raises: Forbidden, NotFound, ConnectionFixed, BadConnection, BreakGlassUser.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = _get_to_change(tx, connection_id)
    decide.check_in_use(connection)
    before = owners.get_user_to_move(tx, user_id)
    after = decide.linked_user(before, connection, now=tx.now)
    if after is before:
        return before
    owners.move_user(tx, before, after)
    tx.record(
        UserLinked(
            connection_id=connection.id,
            name=connection.name,
            user_id=user_id,
            user_name=after.user_name,
            before=before.connection_id,
        )
    )
    return after


def set_state(tx: WriteTx, connection: Connection, state: ConnectionState) -> Connection:
    """Write that a connection, whose row is locked, leaves or comes back. Whoever decides that asks for an action.

    Credentials follow at once: a reaction to the event lets nobody remember them.
    """
    after = decide.in_state(connection, state, now=tx.now)
    store.save_connection(tx, after)
    tx.record(ConnectionChanged(connection_id=after.id, name=after.name, attributes=("state",), state=state.value))
    _follow_states(tx)
    return after


def find_connection_of(tx: ReadTx, connection_id: str) -> Connection | None:
    """Return a connection, or None. Needs no action: each of its calls depends on it."""
    return store.find_connection(tx, connection_id)


def may_push_by_default(tx: ReadTx) -> bool:
    """Return whether keys of no connection, which push for the default one, may still push. Needs no action."""
    default = store.find_connection(tx, DEFAULT_CONNECTION)
    return default is None or default.draft.state is not ConnectionState.DECOMMISSIONED


def _follow_states(tx: WriteTx) -> None:
    """Let the installation take SCIM calls exactly while a connection is on."""
    installation.switch_scim(tx, on=any(each.is_on for each in store.list_connections(tx)))


def _get_to_change(tx: WriteTx, connection_id: str) -> Connection:
    connection = store.find_connection_to_change(tx, connection_id)
    if connection is None:
        raise _not_found(connection_id)
    return connection


def _not_found(connection_id: str) -> NotFound:
    return NotFound(f"There is no SCIM connection with the id {connection_id}.", connection_id=connection_id)
