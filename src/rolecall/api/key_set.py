"""By which public keys can others check what Rolecall has signed?"""

from asyncio import to_thread
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rolecall.kernel.errors import DomainError
from rolecall.notifications.tokens import key_set
from rolecall.storage.secrets import KeyRing

PATH: Final = "/.well-known/jwks.json"
_SECONDS: Final = 300
"""So long receivers may remember them: a new key signs at once, so whoever meets an unknown one looks again."""


def routes(keys: KeyRing) -> list[BaseRoute]:
    """Return the route of the public keys, which is open."""

    async def show_keys(_request: Request) -> Response:
        try:
            shown = await to_thread(key_set, keys)
        except DomainError:
            return Response(orjson.dumps({"keys": []}), status_code=503, media_type="application/json")
        headers = {"Cache-Control": f"public, max-age={_SECONDS}"}
        return Response(orjson.dumps(shown), media_type="application/jwk-set+json", headers=headers)

    return [Route(PATH, show_keys, methods=["GET"])]
