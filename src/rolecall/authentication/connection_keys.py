"""Which keys does a SCIM connection push with, and how is one replaced without a gap?"""

from datetime import timedelta

from rolecall.authentication import store
from rolecall.authentication.api_keys import create_team_key, end, key_from
from rolecall.authentication.events import ApiKeyExpirySet
from rolecall.authentication.model import ApiKey, NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.directory.model import ROOT_TEAM, ConnectionId
from rolecall.kernel.clock import to_rfc3339
from rolecall.storage.transaction import ReadTx, WriteTx


def list_keys_of(tx: ReadTx, connection_id: ConnectionId) -> tuple[ApiKey, ...]:
    """Return the keys of a connection, oldest first, ended ones too.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    return tuple(key_from(tx, row) for row in store.list_keys_of_connection(tx, connection_id))


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
