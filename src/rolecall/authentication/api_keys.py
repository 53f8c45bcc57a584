"""How are API keys made, and when do they end?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from rolecall.authentication import decide, store
from rolecall.authentication.errors import BadApiKey, KeyTooWide, RoleNotHeld
from rolecall.authentication.events import ApiKeyCreated, ApiKeyExpiring, ApiKeyRevoked
from rolecall.authentication.model import ApiKey, ApiKeyId, KeyLimits, NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import ActorKind
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.roles import RoleId, given_in
from rolecall.directory.access import UserAccess, find_access, find_access_to_keep
from rolecall.directory.events import RoleAssigned, RoleRemoved, TeamDeleted, UserChanged, UserDeactivated, UserDeleted
from rolecall.directory.installation import raise_access_version
from rolecall.directory.model import ROOT_TEAM, ConnectionId, TeamId, UserId
from rolecall.directory.roles import actions_in, keep_role
from rolecall.directory.teams import keep_team
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.errors import NotFound
from rolecall.kernel.names import check_name
from rolecall.storage.statement import Row
from rolecall.storage.transaction import ReadTx, WriteTx

UNLIMITED: Final = KeyLimits()
EXPIRY_NOTICE: Final = timedelta(days=14)
"""How long before its end a key is told to be ending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """Whose a new key is."""

    user_id: UserId | None
    user_name: str | None
    user_is_active: bool
    team_id: TeamId
    role: RoleId | None
    connection_id: ConnectionId | None = None


def create_api_key(
    tx: WriteTx,
    *,
    user_id: UserId,
    name: str,
    role: RoleId | None,
    team_id: TeamId = ROOT_TEAM,
    limits: KeyLimits = UNLIMITED,
    connection_id: ConnectionId | None = None,
) -> NewApiKey:
    """Make a key that acts as this user in this team, narrowed to `role` when one is given.

    For oneself `own_key:change` is enough. With `connection_id`, a connection that is there pushes with it.

    Raises: Forbidden, NotFound, RoleNotHeld, ActionNotHeld, BadApiKey, KeyTooWide.
    """
    is_own = user_id == tx.actor.user_id and Action.OWN_KEY_CHANGE in tx.actor.actions
    if not is_own:
        require(tx.actor, Action.API_KEY_CREATE)
    access = _get_access_to_keep(tx, user_id)
    keep_team(tx, team_id)
    held = access.roles_in(team_id)
    if role is not None and role not in held:
        raise RoleNotHeld(
            f"{access.user_name} does not hold the role {role} in that team, so a key cannot have it.",
            attribute="role",
        )
    given = actions_in(tx, team_id, held if role is None else {role})
    owner = _Owner(
        user_id=user_id,
        user_name=access.user_name,
        user_is_active=access.is_active,
        team_id=team_id,
        role=role,
        connection_id=connection_id,
    )
    return _create(tx, owner, given, name=name, limits=limits)


def create_team_key(
    tx: WriteTx,
    *,
    team_id: TeamId,
    name: str,
    role: RoleId,
    limits: KeyLimits = UNLIMITED,
    connection_id: ConnectionId | None = None,
) -> NewApiKey:
    """Make a key that belongs to no user: it may do in this team what `role` gives there.

    With `connection_id`, a connection that is there pushes with it.

    Raises: Forbidden, NotFound, ActionNotHeld, BadApiKey, KeyTooWide.
    """
    require(tx.actor, Action.API_KEY_CREATE)
    keep_team(tx, team_id)
    given = given_in(team_id, keep_role(tx, role).actions)
    owner = _Owner(
        user_id=None, user_name=None, user_is_active=True, team_id=team_id, role=role, connection_id=connection_id
    )
    return _create(tx, owner, given, name=name, limits=limits)


def list_api_keys(tx: ReadTx) -> tuple[ApiKey, ...]:
    """Return all keys, of users and of teams, oldest first, revoked ones too.

    Raises: Forbidden.
    """
    require(tx.actor, Action.API_KEY_LIST)
    return _keys_from(tx, store.list_keys(tx))


def list_own_api_keys(tx: ReadTx) -> tuple[ApiKey, ...]:
    """Return the keys of the user that asks, oldest first, revoked ones too.

    Raises: Forbidden.
    """
    require(tx.actor, Action.OWN_KEY_CHANGE)
    user_id = tx.actor.user_id
    return () if user_id is None else _keys_from(tx, store.list_all_keys_of(tx, UserId(user_id)))


def revoke_api_key(tx: WriteTx, key_id: ApiKeyId) -> ApiKey:
    """End a key, with its access tokens. Having ended before is no error. One's own needs only `own_key:change`.

    Raises: Forbidden, NotFound.
    """
    key = get_to_change(tx, key_id, Action.API_KEY_REVOKE)
    end(tx, key, because="by hand")
    return replace(key, revoked_at=key.revoked_at or tx.now)


def get_to_change(tx: ReadTx, key_id: ApiKeyId, action: Action) -> ApiKey:
    """Return a key that the actor may change: with the action any, with `own_key:change` its own.

    Raises: Forbidden, NotFound.
    """
    row = store.find_key(tx, key_id)
    key = None if row is None else key_from(tx, row)
    is_own = key is not None and key.user_id is not None and key.user_id == tx.actor.user_id
    if action not in tx.actor.actions:
        if Action.OWN_KEY_CHANGE not in tx.actor.actions:
            require(tx.actor, action)
        if not is_own:
            # Who may change only its own keys is not told which others there are.
            key = None
    if key is None:
        raise NotFound(f"There is no API key with the id {key_id}.", api_key_id=key_id)
    return key


def check_grant(tx: ReadTx, key: ApiKey, given: frozenset[Action]) -> None:
    """Return when the actor may let somebody have this key, which opens `given` before its limits.

    Raises: ActionNotHeld, KeyTooWide.
    """
    limits = key.limits
    opens = given if limits.actions is None else given & limits.actions
    require_may_grant(tx.actor, opens, team_id=key.team_id)
    if tx.actor.kind is ActorKind.ACCESS_TOKEN:
        raise KeyTooWide("An access token makes and brings back no keys; use the key that it was made with.")
    row = None if tx.actor.api_key_id is None else store.find_key(tx, tx.actor.api_key_id)
    if row is not None:
        parent = key_from(tx, row)
        grows_with_its_user = key.user_id is not None and key.role is None and limits.actions is None
        if parent.role is not None and grows_with_its_user:
            raise KeyTooWide("The key that asks is narrowed to a role: narrow the other too.", attribute="role")
        decide.check_no_wider(limits, parent.limits)


def end(tx: WriteTx, key: ApiKey, *, because: str) -> None:
    """End a key and its access tokens, unless it has ended."""
    if store.revoke_key(tx, key.id):
        tx.record(ApiKeyRevoked(api_key_id=key.id, name=key.name, user_id=key.user_id, because=because))


def revoke_all_of_user(tx: WriteTx, event: UserDeactivated | UserDeleted) -> None:
    """End every key of a user that lost access; reactivation does not bring them back. A reaction."""
    for row in store.list_keys_of(tx, event.user_id):
        key = store.key_from(row, user_name=event.user_name, user_is_active=False)
        end(tx, key, because="its user lost access")


def tell_new_name(tx: WriteTx, event: UserChanged) -> None:
    """Let records of calls with a renamed user's keys name it by its new name. A reaction."""
    if "userName" in event.attributes and store.list_keys_of(tx, event.user_id):
        raise_access_version(tx, event)


def tell_new_roles(tx: WriteTx, events: Sequence[RoleAssigned | RoleRemoved]) -> None:
    """Let users' keys open what they may do now. A reaction; most users have no key, and cost nothing more."""
    if store.has_keys(tx, {event.user_id for event in events}):
        raise_access_version(tx, events[0])


def revoke_all_in_team(tx: WriteTx, event: TeamDeleted) -> None:
    """End every key of a team that is gone. A reaction."""
    for row in store.list_keys_in(tx, event.team_id):
        end(tx, key_from(tx, row), because="its team was deleted")


def note_use(tx: WriteTx, key_ids: list[str]) -> None:
    """Write that these keys were used about now. Needs no action: Rolecall itself does this."""
    store.touch_keys(tx, key_ids)


def warn_of_expiry(tx: WriteTx) -> None:
    """Tell, once for each, which keys end within two weeks, used or not. Needs no action: Rolecall itself does this."""
    for row in store.take_keys_ending(tx, tx.now + EXPIRY_NOTICE):
        key = key_from(tx, row)
        if key.expires_at is not None:
            tx.record(
                ApiKeyExpiring(
                    api_key_id=key.id, name=key.name, user_id=key.user_id, expires_at=to_rfc3339(key.expires_at)
                )
            )


def key_from(tx: ReadTx, row: Row) -> ApiKey:
    """Return the key in a row, with what is known of its user."""
    if row[3] is None:
        return store.key_from(row, user_name=None, user_is_active=True)
    access = find_access(tx, UserId(row[3]))
    return store.key_from(
        row,
        user_name=access.user_name if access is not None else "(deleted)",
        user_is_active=access is not None and access.is_active,
    )


def _create(tx: WriteTx, owner: _Owner, given: frozenset[Action], *, name: str, limits: KeyLimits) -> NewApiKey:
    check_name(BadApiKey, "name", name)
    decide.check_limits(limits, given, now=tx.now)
    text = decide.new_key_text()
    key = ApiKey(
        id=ApiKeyId(decide.id_of(text)),
        secret_hash=decide.hash_of(text),
        name=name,
        user_id=owner.user_id,
        user_name=owner.user_name,
        user_is_active=owner.user_is_active,
        team_id=owner.team_id,
        role=owner.role,
        connection_id=owner.connection_id,
        limits=limits,
        created_at=tx.now,
        revoked_at=None,
        last_used_at=None,
    )
    check_grant(tx, key, given)
    store.insert_key(tx, key)
    tx.record(ApiKeyCreated(api_key_id=key.id, name=name, user_id=owner.user_id))
    return NewApiKey(key=key, secret=text)


def _keys_from(tx: ReadTx, rows: Iterable[Row]) -> tuple[ApiKey, ...]:
    return tuple(key_from(tx, row) for row in rows)


def _get_access_to_keep(tx: WriteTx, user_id: UserId) -> UserAccess:
    access = find_access_to_keep(tx, user_id)
    if access is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    return access
