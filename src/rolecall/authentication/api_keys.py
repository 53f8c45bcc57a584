"""How are API keys made, presented and ended?"""

import hmac
from datetime import datetime

from rolecall.authentication import decide, store
from rolecall.authentication.errors import RoleNotHeld, UnknownApiKey
from rolecall.authentication.events import ApiKeyCreated, ApiKeyRevoked
from rolecall.authentication.model import Admitted, ApiKey, ApiKeyId, NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor, ActorKind
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.roles import RoleId
from rolecall.directory.access import UserAccess, find_access, find_access_to_keep
from rolecall.directory.events import RoleAssigned, RoleRemoved, TeamDeleted, UserChanged, UserDeactivated, UserDeleted
from rolecall.directory.installation import raise_access_version
from rolecall.directory.model import ROOT_TEAM, TeamId, UserId
from rolecall.directory.roles import actions_in
from rolecall.directory.teams import find_scope, keep_team
from rolecall.kernel.errors import NotFound
from rolecall.storage.statement import Row
from rolecall.storage.transaction import ReadTx, WriteTx


def create_api_key(
    tx: WriteTx,
    *,
    user_id: UserId,
    name: str,
    role: RoleId | None,
    team_id: TeamId = ROOT_TEAM,
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make a key that acts as this user in this team, narrowed to `role` when one is given.

    Raises: Forbidden, NotFound, RoleNotHeld, ActionNotHeld.
    """
    require(tx.actor, Action.API_KEY_CREATE)
    access = _get_access_to_keep(tx, user_id)
    keep_team(tx, team_id)
    held = access.roles_in(team_id)
    if role is not None and role not in held:
        raise RoleNotHeld(
            f"{access.user_name} does not hold the role {role} in that team, so a key cannot have it.",
            attribute="role",
        )
    require_may_grant(tx.actor, actions_in(tx, team_id, held if role is None else {role}), team_id=team_id)
    text = decide.new_key_text()
    key = ApiKey(
        id=ApiKeyId(decide.id_of(text)),
        secret_hash=decide.hash_of(text),
        name=name,
        user_id=user_id,
        user_name=access.user_name,
        user_is_active=access.is_active,
        team_id=team_id,
        role=role,
        created_at=tx.now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    store.insert_key(tx, key)
    tx.record(ApiKeyCreated(api_key_id=key.id, name=name, user_id=user_id))
    return NewApiKey(key=key, secret=text)


def list_api_keys(tx: ReadTx) -> tuple[ApiKey, ...]:
    """Return all keys, oldest first, revoked ones too.

    Raises: Forbidden.
    """
    require(tx.actor, Action.API_KEY_LIST)
    return tuple(_key_from(tx, row) for row in store.list_keys(tx))


def revoke_api_key(tx: WriteTx, key_id: ApiKeyId) -> None:
    """End a key for good. Having ended before is no error.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.API_KEY_REVOKE)
    row = store.find_key(tx, key_id)
    if row is None:
        raise NotFound(f"There is no API key with the id {key_id}.", api_key_id=key_id)
    _revoke(tx, _key_from(tx, row), because="by hand")


def revoke_all_of_user(tx: WriteTx, event: UserDeactivated | UserDeleted) -> None:
    """End every key of a user that lost access; reactivation does not bring them back. A reaction."""
    for row in store.list_keys_of(tx, event.user_id):
        key = store.key_from(row, user_name=event.user_name, user_is_active=False)
        _revoke(tx, key, because="its user lost access")


def tell_new_name(tx: WriteTx, event: UserChanged) -> None:
    """Let records of calls with a renamed user's keys name it by its new name. A reaction."""
    if "userName" in event.attributes and store.list_keys_of(tx, event.user_id):
        raise_access_version(tx, event)


def tell_new_roles(tx: WriteTx, event: RoleAssigned | RoleRemoved) -> None:
    """Let a user's keys open what it may do now. A reaction; most users have no key, and cost nothing more."""
    if store.list_keys_of(tx, event.user_id):
        raise_access_version(tx, event)


def revoke_all_in_team(tx: WriteTx, event: TeamDeleted) -> None:
    """End every key of a team that is gone. A reaction."""
    for row in store.list_keys_in(tx, event.team_id):
        _revoke(tx, _key_from(tx, row), because="its team was deleted")


def authenticate(tx: ReadTx, key_text: str) -> Admitted:
    """Return the actor that a key stands for: its user, with what user and key may do in the key's team.

    Raises: InvalidApiKey, MalformedApiKey, UnknownApiKey.
    """
    key_id = decide.id_of(key_text)
    row = store.find_key(tx, key_id)
    # One comparison also where there is no such key, so that the time tells nothing.
    kept = row[1] if row is not None else decide.hash_of("")
    fits = hmac.compare_digest(kept, decide.hash_of(key_text))
    if row is None or not fits:
        raise UnknownApiKey("The API key is not valid.")
    access = find_access(tx, UserId(row[3]))
    if access is None:
        raise UnknownApiKey("The API key is not valid.")
    key = store.key_from(row, user_name=access.user_name, user_is_active=access.is_active)
    if not key.is_usable(tx.now):
        raise UnknownApiKey("The API key is not valid.")
    held = access.roles_in(key.team_id)
    roles = held if key.role is None else held & {key.role}
    actor = Actor(
        kind=ActorKind.API_KEY,
        actions=actions_in(tx, key.team_id, roles),
        user_id=key.user_id,
        user_name=key.user_name,
        api_key_id=key.id,
        team_id=key.team_id,
        provider_ids=find_scope(tx, key.team_id),
    )
    return Admitted(actor=actor, until=key.expires_at)


def note_use(tx: WriteTx, key_ids: list[str]) -> None:
    """Write that these keys were used about now."""
    store.touch_keys(tx, key_ids)


def _revoke(tx: WriteTx, key: ApiKey, *, because: str) -> None:
    if store.revoke_key(tx, key.id):
        tx.record(ApiKeyRevoked(api_key_id=key.id, name=key.name, user_id=key.user_id, because=because))


def _key_from(tx: ReadTx, row: Row) -> ApiKey:
    access = find_access(tx, UserId(row[3]))
    return store.key_from(
        row,
        user_name=access.user_name if access is not None else "(deleted)",
        user_is_active=access is not None and access.is_active,
    )


def _get_access_to_keep(tx: WriteTx, user_id: UserId) -> UserAccess:
    access = find_access_to_keep(tx, user_id)
    if access is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    return access
