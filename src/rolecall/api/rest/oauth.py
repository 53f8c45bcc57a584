"""How does a machine get a token that soon ends (RFC 6749 §4.4)?"""

import base64
import binascii
from typing import Final
from urllib.parse import unquote_plus

from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, answer
from rolecall.api.rest.endpoints import Endpoint, Need
from rolecall.api.rest.shapes import Shown
from rolecall.authentication.access_tokens import issue_access_token
from rolecall.authentication.errors import InvalidScope, InvalidTokenRequest, UnsupportedGrant
from rolecall.authentication.model import NewAccessToken
from rolecall.authorization.actions import Action
from rolecall.events.calls import Call
from rolecall.storage.transaction import WriteTx

GRANT: Final = "client_credentials"
_NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class ShownToken(Shown):
    """An access token (RFC 6749 §5.1)."""

    access_token: str = Field(description="Goes behind `Bearer`. Shown only now.")
    token_type: str
    expires_in: int = Field(description="Seconds.")
    scope: str = Field(description="The actions that it opens, with blanks between.")


async def issue_token(call: CurrentCall) -> Response:
    """Exchange a key for an access token that opens the same, or less, for an hour.

    The client's id is the key's id, its secret the whole key; both as Basic authentication or in the form. `scope`
    names the actions that are wanted, with blanks between; without it the token opens all that the key does. It ends
    with its key. Refusals also have `error` and `error_description`.
    """
    form = call.form
    if "grant_type" not in form:
        raise InvalidTokenRequest("The form has no grant_type.", attribute="grant_type")
    if form["grant_type"] != GRANT:
        raise UnsupportedGrant(f"Only the grant_type {GRANT} is known here.", attribute="grant_type")
    client_id, client_secret = _client_in(call)
    scope = _scope_in(form.get("scope", ""))
    record = call.record

    def issue(tx: WriteTx) -> NewAccessToken:
        token = issue_access_token(
            tx, client_id=client_id, client_secret=client_secret, scope=scope, address=record.address or ""
        )
        _tell_client(record, token)
        return token

    token = await call.write(issue)
    opened = token.actor.actions if scope is None else scope
    return answer(
        {
            "access_token": token.secret,
            "token_type": "Bearer",
            "expires_in": int((token.expires_at - token.issued_at).total_seconds()),
            "scope": " ".join(sorted(action.value for action in opened)),
        },
        headers=_NOT_KEPT,
    )


def _tell_client(record: Call, token: NewAccessToken) -> None:
    """Let the result of the call name the key, which nobody knew when it came in."""
    record.actor = token.actor
    record.subject_id = token.actor.api_key_id


def _client_in(call: RestCall) -> tuple[str, str]:
    scheme, _, encoded = call.authorization.partition(" ")
    form = call.form
    if scheme.lower() != "basic":
        if not form.get("client_id") or not form.get("client_secret"):
            raise InvalidTokenRequest("Send client_id and client_secret, by Basic authentication or in the form.")
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise InvalidTokenRequest("The client is named twice: by Basic authentication and in the form.")
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidTokenRequest("The Authorization header is not valid Basic authentication.") from error
    # RFC 6749 §2.3.1 has both encoded as in a form; many clients send them as they are. A key may have a plus in it,
    # so it is taken as it is unless there is a percent sign, which no key has.
    return (unquote_plus(client_id), unquote_plus(secret)) if "%" in client_id + secret else (client_id, secret)


def _scope_in(text: str) -> frozenset[Action] | None:
    names = text.split()
    if not names:
        return None
    known = {action.value: action for action in Action}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidScope(f"There is no action {unknown[0]}.", attribute="scope")
    return frozenset(known[name] for name in names)


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/api/v1/oauth/token",
        needs=Need.NOTHING,
        run=issue_token,
        answers=ShownToken,
        example={"access_token": "RLCT…", "token_type": "Bearer", "expires_in": 3600, "scope": "team:list"},
        refusals=(401, 403),
        form={
            "grant_type": "Always `client_credentials`.",
            "scope": "The actions that are wanted, with blanks between.",
            "client_id": "The key's id; left out with Basic authentication.",
            "client_secret": "The whole key; left out with Basic authentication.",
        },
        form_required=("grant_type",),
    ),
)
