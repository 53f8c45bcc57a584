"""Whom does a presented credential stand for?"""

import hmac

from rolecall.authentication import decide, store
from rolecall.authentication.api_keys import key_from
from rolecall.authentication.errors import UnknownApiKey
from rolecall.authentication.model import Admitted, ApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor, ActorKind
from rolecall.authorization.roles import RoleId
from rolecall.directory.access import find_access
from rolecall.directory.roles import actions_in
from rolecall.directory.teams import find_scope
from rolecall.storage.transaction import ReadTx


def authenticate(tx: ReadTx, credential: str) -> Admitted:
    """Return the actor that a key, or an access token, stands for, with what it may do in the key's team.

    Raises: InvalidApiKey, MalformedApiKey, UnknownApiKey.
    """
    if credential.startswith(decide.TOKEN_PREFIX):
        return _admit_token(tx, credential)
    row = store.find_key(tx, decide.id_of(credential))
    # One comparison also where there is no such key, so that the time tells nothing.
    kept = row[1] if row is not None else decide.hash_of("")
    if not _fits(kept, credential) or row is None:
        raise _unknown()
    key = key_from(tx, row)
    actor = _actor_of(tx, key)
    return Admitted(actor=actor, until=key.expires_at, networks=key.limits.networks)


def _admit_token(tx: ReadTx, text: str) -> Admitted:
    token = store.find_token(tx, decide.id_of(text, prefix=decide.TOKEN_PREFIX))
    kept = token.secret_hash if token is not None else decide.hash_of("")
    if not _fits(kept, text) or token is None:
        raise _unknown()
    row = store.find_key(tx, token.key_id)
    if row is None:
        raise _unknown()
    key = key_from(tx, row)
    actor = _actor_of(tx, key, narrowed_to=token.actions, kind=ActorKind.ACCESS_TOKEN)
    ends = [each for each in (token.expires_at, key.expires_at) if each is not None]
    return Admitted(actor=actor, until=min(ends), networks=key.limits.networks)


def _fits(kept_hash: str, presented: str) -> bool:
    return hmac.compare_digest(kept_hash, decide.hash_of(presented))


def _actor_of(
    tx: ReadTx,
    key: ApiKey,
    *,
    narrowed_to: frozenset[Action] | None = None,
    kind: ActorKind = ActorKind.API_KEY,
) -> Actor:
    if not key.is_usable(tx.now):
        raise _unknown()
    actions = actions_in(tx, key.team_id, _roles_of(tx, key))
    for narrower in (key.limits.actions, narrowed_to):
        if narrower is not None:
            actions &= narrower
    return Actor(
        kind=kind,
        actions=actions,
        user_id=key.user_id,
        user_name=key.user_name,
        api_key_id=key.id,
        team_id=key.team_id,
        connection_id=key.connection_id,
        provider_ids=find_scope(tx, key.team_id),
    )


def _roles_of(tx: ReadTx, key: ApiKey) -> frozenset[RoleId]:
    if key.user_id is None:
        return frozenset() if key.role is None else frozenset({key.role})
    access = find_access(tx, key.user_id)
    held = frozenset[RoleId]() if access is None else access.roles_in(key.team_id)
    return held if key.role is None else held & {key.role}


def _unknown() -> UnknownApiKey:
    return UnknownApiKey("The API key is not valid.")
