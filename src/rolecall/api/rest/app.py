"""Which endpoints are there below /api, and what happens around each call?"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import orjson
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from rolecall.api.admission import Admission
from rolecall.api.calls import (
    SECRET_NAMES,
    Answer,
    Dialect,
    answered,
    parse_parameters,
    read_json,
    record_of,
    recordable,
    send_answer,
)
from rolecall.api.errors import MethodNotAllowed, UnknownEndpoint, UnsupportedMediaType
from rolecall.api.recorder import Recorder
from rolecall.api.rest import (
    connections,
    drift,
    guides,
    held_changes,
    jobs,
    keys,
    leaving,
    logs,
    mappings,
    oauth,
    previews,
    reports,
    roles,
    scim_log,
    subscriptions,
    teams,
    users,
    validations,
)
from rolecall.api.rest.calls import CALL_IN_SCOPE, RestCall
from rolecall.api.rest.endpoints import Endpoint, Need
from rolecall.api.rest.errors import (
    FORM_MEDIA_TYPE,
    JSON_MEDIA_TYPE,
    InvalidArguments,
    Violation,
    rest_dialect,
    status_of,
)
from rolecall.api.rest.openapi import render_document, told_of
from rolecall.api.scim.replay import ScimFront
from rolecall.api.seals import Seal
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import NOBODY
from rolecall.authorization.check import require
from rolecall.events.calls import Call
from rolecall.http.requests import read_body
from rolecall.kernel.clock import Clock
from rolecall.kernel.text import has_control_character
from rolecall.outbound.model import OutboundRule
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transactions import Transactions

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *users.ENDPOINTS,
    *teams.ENDPOINTS,
    *roles.ENDPOINTS,
    *mappings.ENDPOINTS,
    *connections.ENDPOINTS,
    *validations.ENDPOINTS,
    *guides.ENDPOINTS,
    *leaving.ENDPOINTS,
    *drift.ENDPOINTS,
    *held_changes.ENDPOINTS,
    *previews.ENDPOINTS,
    *keys.ENDPOINTS,
    *oauth.ENDPOINTS,
    *jobs.ENDPOINTS,
    *subscriptions.ENDPOINTS,
    *logs.ENDPOINTS,
    *reports.ENDPOINTS,
    *scim_log.ENDPOINTS,
)
DOCUMENT_PATH: Final = "/openapi.json"
_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})
_NOT_FOUND: Final = 404
_METHOD_NOT_ALLOWED: Final = 405


class _Opaque(StringConvertor):
    """An id: behind it a colon and a verb may stand."""

    regex = "[^/:]+"


register_url_convertor("opaque", _Opaque())
_PATTERNS: Final = {endpoint.path: compile_path(endpoint.path)[0] for endpoint in ENDPOINTS}


class RestApp:
    """The ASGI application below /api, and of /openapi.json. Whatever fails, the answer is of one shape."""

    def __init__(
        self,
        transactions: Transactions,
        admission: Admission,
        recorder: Recorder,
        *,
        front: ScimFront,
        keys: KeyRing,
        rule: OutboundRule,
        clock: Clock,
        max_body_bytes: int,
    ) -> None:
        self._transactions = transactions
        self._admission = admission
        self._recorder = recorder
        self._front = front
        self._secrets = SECRET_NAMES | front.registry.secrets
        self._keys = keys
        self._rule = rule
        self._dialect = rest_dialect(clock)
        self._max_body_bytes = max_body_bytes
        self._seal = Seal(transactions)
        self._routes = routes()
        self._open = {endpoint.path for endpoint in ENDPOINTS if endpoint.needs is Need.NOTHING}
        self._document: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if _path_of(scope) == DOCUMENT_PATH and scope["method"] == "GET":
            scope["route"] = SimpleNamespace(path=DOCUMENT_PATH)
            await send_answer(Answer(status=200, body=self._openapi()), send, media_type=JSON_MEDIA_TYPE)
            return
        record = record_of(scope, headers, status_of)
        answer = await answered(
            record, self._recorder, lambda: self._serve(scope, receive, headers, record), self._dialect
        )
        await send_answer(answer, send, media_type=JSON_MEDIA_TYPE)

    async def _serve(self, scope: Scope, receive: Receive, headers: Mapping[str, str], record: Call) -> Answer:
        path = _path_of(scope)
        authorization = headers.get("authorization", "")
        if path in self._open:
            actor = NOBODY
        else:
            actor, _installation = await self._admission.admit(authorization, address=scope["state"]["client_address"])
        record.actor = actor = replace(actor, request_id=record.request_id)
        if has_control_character(path):
            raise UnknownEndpoint("There is nothing at a path with a control character in it.")
        body = b""
        form: Mapping[str, str] = {}
        if scope["method"] in _WITH_BODY and _has_body(headers):
            request = Request(scope, receive)
            if path in self._open:
                form = await _read_form(request, record, limit=self._max_body_bytes, dialect=self._dialect)
            else:
                body = await self._read_json(request, record)
        scope[CALL_IN_SCOPE] = RestCall(
            record=record,
            actor=actor,
            transactions=self._transactions,
            seal=self._seal,
            front=self._front,
            keys=self._keys,
            rule=self._rule,
            form=form,
            authorization=authorization,
        )
        return await self._routed(scope, body)

    async def _read_json(self, request: Request, record: Call) -> bytes:
        value = await read_json(
            request, record, limit=self._max_body_bytes, dialect=self._dialect, secrets=self._secrets
        )
        return orjson.dumps(value)

    async def _routed(self, scope: Scope, body: bytes) -> Answer:
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            messages.append(message)  # ASGI wants a coroutine

        try:
            await self._routes(scope, receive, keep)
        finally:
            _tell_route(scope)
        start = messages[0]
        return Answer(
            status=start["status"],
            body=b"".join(message.get("body", b"") for message in messages[1:]),
            headers={
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in start["headers"]
                if name != b"content-length"
            },
        )

    def _openapi(self) -> bytes:
        if self._document is None:
            self._document = render_document(self._routes, ENDPOINTS)
        return self._document


def routes() -> FastAPI:
    """Return the routing with everything declared; it raises its refusals instead of answering them."""
    app = FastAPI(
        title="Rolecall",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        exception_handlers={HTTPException: _raise_unrouted, RequestValidationError: _raise_invalid},
    )
    for endpoint in ENDPOINTS:
        app.add_api_route(
            endpoint.path,
            endpoint.run,
            methods=[endpoint.method],
            dependencies=[Depends(_checking(endpoint.needs))],
            **told_of(endpoint),
        )
    return app


def _checking(needs: Action | Need) -> Callable[[Request], Awaitable[None]]:
    """Return what refuses, before anything else is looked at, who may not call."""

    async def check(request: Request) -> None:
        if isinstance(needs, Action):
            require(request.scope[CALL_IN_SCOPE].actor, needs)

    return check


async def _raise_unrouted(request: Request, error: Exception) -> Any:  # noqa: ANN401  # never returns
    assert isinstance(error, HTTPException)  # noqa: S101  # the only type that this is registered for
    if error.status_code == _METHOD_NOT_ALLOWED:
        allowed = _allowed_at(_path_of(request.scope))
        raise MethodNotAllowed(f"{request.method} is not possible here, only {allowed}.", allow=allowed) from error
    if error.status_code == _NOT_FOUND:
        raise UnknownEndpoint(f"There is nothing at {request.scope['path']}.") from error
    raise InvalidArguments(str(error.detail)) from error


async def _raise_invalid(_request: Request, error: Exception) -> Any:  # noqa: ANN401  # never returns
    assert isinstance(error, RequestValidationError)  # noqa: S101  # the only type that this is registered for
    violations = [_violation_of(each) for each in error.errors()]
    first = violations[0]
    raise InvalidArguments(f"{first.field}: {first.description}", violations=violations) from error


def _violation_of(fault: Mapping[str, Any]) -> Violation:
    place = [str(part) for part in fault["loc"][1:]]
    return Violation(field=".".join(place) or str(fault["loc"][0]), description=str(fault["msg"]))


def _allowed_at(path: str) -> str:
    return ", ".join(sorted({endpoint.method for endpoint in ENDPOINTS if _PATTERNS[endpoint.path].fullmatch(path)}))


def _path_of(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _tell_route(scope: MutableMapping[str, Any]) -> None:
    """Let the figures have one row for all ids."""
    route = scope.get("route")
    if route is not None:
        scope["route"] = SimpleNamespace(path=route.path_format)


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers


async def _read_form(request: Request, record: Call, *, limit: int, dialect: Dialect) -> Mapping[str, str]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM_MEDIA_TYPE:
        raise UnsupportedMediaType(f"Send a form: {FORM_MEDIA_TYPE}.")
    body = await read_body(request, limit=limit)
    record.body_bytes = len(body)
    form = parse_parameters(body, dialect)
    record.request = recordable(form, body)
    return form
