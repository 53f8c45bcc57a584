"""How does a machine exchange its key for a token that soon ends (RFC 6749 §4.4)?"""

from datetime import timedelta
from typing import Final

from rolecall.authentication import decide, store
from rolecall.authentication.actors import authenticate
from rolecall.authentication.errors import (
    InvalidApiKey,
    InvalidClient,
    InvalidScope,
    MalformedApiKey,
    UnknownApiKey,
)
from rolecall.authentication.model import ApiKeyId, NewAccessToken
from rolecall.authorization.actions import Action
from rolecall.storage.transaction import WriteTx

LIFE: Final = timedelta(hours=1)


def issue_access_token(
    tx: WriteTx, *, client_id: str, client_secret: str, scope: frozenset[Action] | None, address: str
) -> NewAccessToken:
    """Exchange a key for a token that opens the same for an hour, or less when `scope` names less.

    The key is the credential: its id is the client's, the whole of it the secret. The token ends with its key.

    Raises: InvalidClient, InvalidScope, AddressNotAllowed.
    """
    try:
        admitted = authenticate(tx, client_secret)
    except (InvalidApiKey, MalformedApiKey, UnknownApiKey) as error:
        raise InvalidClient("The client is unknown, or its secret is not valid.") from error
    actor = admitted.actor
    if actor.api_key_id is None or actor.api_key_id != client_id or client_secret.startswith(decide.TOKEN_PREFIX):
        raise InvalidClient("The client is unknown, or its secret is not valid.")
    decide.check_address(admitted.networks, address, key_id=client_id)
    if scope is not None and not scope <= actor.actions:
        beyond = ", ".join(sorted(action.value for action in scope - actor.actions))
        raise InvalidScope(f"The client does not hold: {beyond}.")
    text = decide.new_key_text(prefix=decide.TOKEN_PREFIX)
    ends = tx.now + LIFE
    expires_at = ends if admitted.until is None else min(ends, admitted.until)
    store.insert_token(
        tx,
        token_id=decide.id_of(text, prefix=decide.TOKEN_PREFIX),
        secret_hash=decide.hash_of(text),
        key_id=ApiKeyId(client_id),
        actions=scope,
        expires_at=expires_at,
    )
    return NewAccessToken(secret=text, actor=actor, issued_at=tx.now, expires_at=expires_at)
