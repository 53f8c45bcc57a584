"""Is Rolecall alive, is it ready, and what are its figures?"""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rolecall.api.admission import Admission
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import NOBODY
from rolecall.authorization.check import require
from rolecall.directory.installation import get_installation
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.metrics import CONTENT_TYPE, Metrics

_LOOPBACK = ("127.", "::1")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def routes(transactions: Transactions, admission: Admission, metrics: Metrics) -> list[BaseRoute]:
    """Return the routes: `/healthz` and `/readyz` are open; `/metrics` is for loopback or `metrics:read`."""

    async def is_alive(_request: Request) -> Response:
        return _answer(200, status="alive")

    async def is_ready(_request: Request) -> Response:
        try:
            await transactions.look_up(NOBODY, get_installation)
        except DomainError as error:
            return _answer(503, status="not ready", detail=error.detail)
        return _answer(200, status="ready")

    async def show_metrics(request: Request) -> Response:
        # A proxy on this machine that nobody declared as trusted makes everybody look like loopback.
        forwarded = any(name in request.headers for name in _FORWARDED)
        address = request.scope["state"]["client_address"]
        if forwarded or not address.startswith(_LOOPBACK):
            try:
                actor, _installation = await admission.admit(request.headers.get("authorization", ""), address=address)
                require(actor, Action.METRICS_READ)
            except DomainError as error:
                status = 401 if error.kind is ErrorKind.UNAUTHENTICATED else 403
                return _answer(status, status="refused", detail=error.detail)
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return [
        Route("/healthz", is_alive, methods=["GET"]),
        Route("/readyz", is_ready, methods=["GET"]),
        Route("/metrics", show_metrics, methods=["GET"]),
    ]


def _answer(code: int, **body: str) -> Response:
    return Response(orjson.dumps(body), status_code=code, media_type="application/json")
