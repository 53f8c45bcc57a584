"""What does an endpoint of the REST API get to work with, and in which shapes does it answer?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias, TypeVar

import orjson
from fastapi import Depends, Request
from starlette.responses import Response

from rolecall.api.rest.errors import JSON_MEDIA_TYPE
from rolecall.api.scim.replay import ScimFront
from rolecall.api.seals import Seal
from rolecall.authorization.actor import Actor
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.kernel.document import Json
from rolecall.outbound.model import OutboundRule
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.transactions import Transactions

T = TypeVar("T")

CALL_IN_SCOPE: Final = "rolecall.call"


@dataclass(slots=True, kw_only=True)
class RestCall:
    """One call, of an actor that has been admitted (of nobody, where an endpoint is open)."""

    record: Call
    actor: Actor
    transactions: Transactions
    seal: Seal
    front: ScimFront
    """By what SCIM requests are understood that somebody asks about."""
    keys: KeyRing
    """With which secrets are sealed that have to be read again."""
    rule: OutboundRule
    """Whom this installation may call."""
    form: Mapping[str, str]
    """The fields of a body that is a form; empty for every other body."""
    authorization: str
    """The header, for the one endpoint that reads it by itself."""

    async def look_up(self, ask: Callable[[ReadTx], T]) -> T:
        """Read a few rows by index."""
        return await self.transactions.look_up(self.actor, ask)

    async def read(self, ask: Callable[[ReadTx], T]) -> T:
        """Read what may need a scan."""
        return await self.transactions.read(self.actor, ask)

    async def write(self, change: Callable[[WriteTx], T]) -> T:
        """Change something; the record of the call commits with it, saying 200."""
        self.record.status = 200
        return await self.transactions.write(self.actor, change, journal=CallJournal(self.record))


async def _call_of(request: Request) -> RestCall:
    call: RestCall = request.scope[CALL_IN_SCOPE]
    return call


CurrentCall: TypeAlias = Annotated[RestCall, Depends(_call_of)]


def one(value: Json) -> Response:
    """Return one thing: `{"value": …}`."""
    return answer({"value": value})


def many(
    values: Sequence[Json], next_page_token: str | None, *, name: str = "values", has_more: bool | None = None
) -> Response:
    """Return one page of a list. Unless told otherwise, there is more exactly when there is a token."""
    more = next_page_token is not None if has_more is None else has_more
    return answer({name: values, "next_page_token": next_page_token or "", "has_more": more})


def nothing() -> Response:
    """Return that it was done, where there is nothing to show."""
    return answer({})


def answer(body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON object."""
    return Response(
        orjson.dumps(body), status_code=status, media_type=JSON_MEDIA_TYPE, headers=dict(headers) if headers else None
    )
