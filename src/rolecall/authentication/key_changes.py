"""What can be done with an API key that is there, besides ending it?"""

from dataclasses import replace

from rolecall.authentication import store
from rolecall.authentication.api_keys import check_grant, get_to_change
from rolecall.authentication.errors import BadApiKey
from rolecall.authentication.events import ApiKeyDeleted, ApiKeyReinstated, ApiKeyRenamed
from rolecall.authentication.model import ApiKey, ApiKeyId
from rolecall.authorization.actions import Action
from rolecall.directory.access import find_access
from rolecall.directory.roles import actions_in
from rolecall.kernel.names import check_name
from rolecall.storage.transaction import ReadTx, WriteTx


def get_api_key(tx: ReadTx, key_id: ApiKeyId) -> ApiKey:
    """Return a key. One's own needs only `own_key:change`.

    Raises: Forbidden, NotFound.
    """
    return get_to_change(tx, key_id, Action.API_KEY_LIST)


def rename_api_key(tx: WriteTx, key_id: ApiKeyId, name: str) -> ApiKey:
    """Give a key another name. One's own needs only `own_key:change`.

    Raises: Forbidden, NotFound, BadApiKey.
    """
    before = get_to_change(tx, key_id, Action.API_KEY_CHANGE)
    if name == before.name:
        return before
    check_name(BadApiKey, "name", name)
    store.rename_key(tx, key_id, name)
    tx.record(ApiKeyRenamed(api_key_id=key_id, name=name, user_id=before.user_id))
    return replace(before, name=name)


def reinstate_api_key(tx: WriteTx, key_id: ApiKeyId) -> ApiKey:
    """Let a revoked key open again what it opened; its access tokens stay ended. Not being revoked is no error.

    Who does it must hold what the key gives. One's own needs only `own_key:change`.

    Raises: Forbidden, NotFound, ActionNotHeld, KeyTooWide.
    """
    before = get_to_change(tx, key_id, Action.API_KEY_CHANGE)
    check_grant(tx, before, _given_by(tx, before))
    if store.reinstate_key(tx, key_id):
        tx.record(ApiKeyReinstated(api_key_id=key_id, name=before.name, user_id=before.user_id))
    return replace(before, revoked_at=None)


def delete_api_key(tx: WriteTx, key_id: ApiKeyId) -> ApiKey:
    """Delete a key and its access tokens, and return what it was; audit and events stay.

    One's own needs only `own_key:change`.

    Raises: Forbidden, NotFound.
    """
    key = get_to_change(tx, key_id, Action.API_KEY_CHANGE)
    store.delete_key(tx, key_id)
    tx.record(ApiKeyDeleted(api_key_id=key_id, name=key.name, user_id=key.user_id))
    return key


def _given_by(tx: ReadTx, key: ApiKey) -> frozenset[Action]:
    """Return what a key gives before its limits, as far as its user still has it."""
    if key.user_id is None:
        return frozenset() if key.role is None else actions_in(tx, key.team_id, {key.role})
    access = find_access(tx, key.user_id)
    held = frozenset() if access is None else access.roles_in(key.team_id)
    return actions_in(tx, key.team_id, held if key.role is None else held & {key.role})
