"""What is put around every request and its answer: an id, protecting headers, a log line, figures?"""

import re
import time
from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rolecall.http.headers import protected
from rolecall.http.requests import Network, client_address, is_https, new_request_id, path_as_sent
from rolecall.telemetry.logging import bind_request, log_request, unbind_request
from rolecall.telemetry.metrics import Metrics

_HARMLESS_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class Envelope:
    """Middleware around the whole application; the outermost one.

    Sets `request_id`, `client_address` and `https` in `scope["state"]`.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, trusted_proxies: Sequence[Network]) -> None:
        self._app = app
        self._metrics = metrics
        self._trusted = tuple(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        identifier = state["request_id"] = new_request_id()
        https = state["https"] = is_https(scope, self._trusted)
        state["client_address"] = client_address(scope, self._trusted)
        # Of an application that fails before it answers, the server makes a 500.
        status = 500

        async def send_around(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", identifier.encode())]
                message = {**message, "headers": protected(headers, https=https)}
            await send(message)

        started = time.perf_counter()
        bound = bind_request(identifier)
        try:
            await self._app(scope, receive, send_around)
        finally:
            unbind_request(bound)
            self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_template(scope)
        self._metrics.observe_request(method=scope["method"], route=route, status=status, seconds=seconds)
        if route in _QUIET:
            return
        told: dict[str, object] = {
            "request_id": scope["state"]["request_id"],
            "method": scope["method"],
            "path": path_as_sent(scope),
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            "client": scope["state"]["client_address"],
        }
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _HARMLESS_ID.fullmatch(value):
                told["client_request_id"] = value.decode()
        log_request(told)


def route_template(scope: Scope) -> str:
    """Return the path of the route that answered, with its parameters' names; `unmatched` when none did."""
    route: BaseRoute | None = scope.get("route")
    path = getattr(route, "path", None)
    if path is None:
        return "unmatched"
    if isinstance(route, Mount):
        return str(path)
    # Inside a mount a route knows only its own part of the path.
    return str(scope.get("root_path", "").removeprefix(scope.get("app_root_path", "")) + path)
