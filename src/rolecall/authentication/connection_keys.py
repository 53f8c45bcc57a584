"""Which keys does a SCIM connection push with, and how is one replaced without a gap?"""

from collections.abc import Collection
from datetime import timedelta

from rolecall.authentication import store
from rolecall.authentication.api_keys import create_team_key, end, key_from
from rolecall.authentication.events import ApiKeyExpirySet
from rolecall.authentication.model import ApiKey, NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.directory.model import DEFAULT_CONNECTION, ROOT_TEAM, ConnectionId
from rolecall.kernel.clock import to_rfc3339
from rolecall.storage.transaction import ReadTx, WriteTx


def list_keys_of(tx: ReadTx, connection_id: ConnectionId) -> tuple[ApiKey, ...]:
    """Return the keys of a connection, oldest first, ended ones too.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    return tuple(key_from(tx, row) for row in store.list_keys_of_connection(tx, connection_id))


def list_ids_of(tx: ReadTx, connection_id: ConnectionId, *, with_unbound: bool) -> tuple[str, ...]:
    """Return the ids of a connection's keys, ended ones too; with those of no connection if that is wanted.

    Needs no action: whoever shows what was done with them asks for one.
    """
    return tuple(store.list_ids_of_connection(tx, connection_id, with_unbound=with_unbound))


def find_connections_of(tx: ReadTx, key_ids: Collection[str]) -> dict[str, ConnectionId]:
    """Return for which connection each of these keys pushes: one of no connection for the default one.

    A key that was deleted is not in it. Needs no action: whoever shows what was done with them asks for one.
    """
    found = store.find_connection_ids(tx, key_ids)
    return {key_id: DEFAULT_CONNECTION if owner is None else owner for key_id, owner in found.items()}


def find_limits_of(tx: ReadTx, key_ids: Collection[str]) -> dict[str, ConnectionId | None]:
    """Return within which connection each of these keys sees things; None: it is of none, and sees what any has pushed.

    A key that was deleted is not in it. Needs no action, as above.
    """
    return store.find_connection_ids(tx, key_ids)


def end_keys_of(tx: WriteTx, connection_id: ConnectionId, *, because: str) -> None:
    """End every key of a connection for good.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    for key in list_keys_of(tx, connection_id):
        end(tx, key, because=because)


def rotate_key(tx: WriteTx, connection_id: ConnectionId, *, name: str, overlap: timedelta) -> NewApiKey:
    """Make a key for a connection that is there; those that were there end after the overlap, at the latest.

    Raises: Forbidden, BadApiKey, ActionNotHeld, KeyTooWide.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    old = [key for key in list_keys_of(tx, connection_id) if key.is_usable(tx.now)]
    made = create_team_key(tx, team_id=ROOT_TEAM, name=name, role=SCIM_PROVISIONER, connection_id=connection_id)
    ends = tx.now + overlap
    for key in old:
        if ends <= tx.now:
            end(tx, key, because="another took its place")
        elif key.expires_at is None or key.expires_at > ends:
            store.set_key_expiry(tx, key.id, ends)
            tx.record(
                ApiKeyExpirySet(api_key_id=key.id, name=key.name, user_id=key.user_id, expires_at=to_rfc3339(ends))
            )
    return made
