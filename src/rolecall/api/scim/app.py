"""Which endpoints are there below /scim/v2, and what happens around each call?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from rolecall.api.admission import Admission
from rolecall.api.recorder import Recorder
from rolecall.api.scim import bulk, discovery, search, users
from rolecall.api.scim.calls import MASK, Answer, ScimCall, answered, parse_parameters, read_json
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.scim.errors import MethodNotAllowed, ScimDisabled, UnknownEndpoint, status_of
from rolecall.api.scim.resources import Endpoint, Methods, routes_to
from rolecall.events.calls import Call
from rolecall.http.requests import path_as_sent, request_id
from rolecall.kernel.text import has_control_character
from rolecall.scim.errors import InvalidVersion
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from rolecall.storage.transactions import Transactions

MEDIA_TYPE: Final = b"application/scim+json"
_WITHOUT_LENGTH: Final = frozenset({204, 304})
SEARCH: Final = ".search"
VERSION: Final = "/v2"
"""Ends the path below which all of this lies."""
_LONGEST_TARGET: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Which endpoints there are. Each one's use case requires `provisioned:read` or `provisioned:write`."""

    root: Methods
    collections: Mapping[str, Methods]
    resources: Mapping[str, Methods]
    searches: Mapping[str, Methods]

    def methods_at(self, name: str, resource_id: str, *, deep: bool) -> Methods | None:
        """Return what can be done at a path, or None where there is nothing."""
        if not name:
            return None if deep else self.root
        if not deep:
            return self.collections.get(name)
        return (self.searches if resource_id == SEARCH else self.resources).get(name)


def all_routes(registry: Registry) -> Routes:
    """Return the endpoints for what the registry has."""
    routes = routes_to(registry)
    return Routes(
        root={"GET": partial(search.list_among, routes.listings)},
        collections={
            **routes.collections,
            "Me": {"GET": users.get_own_user},
            "Bulk": {"POST": partial(bulk.run_operations, routes)},
            "Schemas": {"GET": discovery.list_schemas},
            "ResourceTypes": {"GET": discovery.list_resource_types},
            "ServiceProviderConfig": {"GET": discovery.get_service_provider_config},
            SEARCH: {"POST": partial(search.search_among, routes.listings)},
        },
        resources={
            **routes.resources,
            "Schemas": {"GET": discovery.get_schema},
            "ResourceTypes": {"GET": discovery.get_resource_type},
        },
        searches={
            listing.resource_type.endpoint.removeprefix("/"): {"POST": partial(search.search_among, (listing,))}
            for listing in routes.listings
        },
    )


class ScimApp:
    """The ASGI application below /scim/v2. Whatever fails, the answer is a SCIM document."""

    def __init__(
        self,
        transactions: Transactions,
        admission: Admission,
        recorder: Recorder,
        *,
        registry: Registry,
        requirements: RequirementProfile,
        max_body_bytes: int,
    ) -> None:
        self._transactions = transactions
        self._admission = admission
        self._recorder = recorder
        self._registry = registry
        self._routes = all_routes(registry)
        self._requirements = requirements
        self._max_body_bytes = max_body_bytes
        self._cursor_seal = CursorSeal(transactions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        record = _record_of(scope, headers, self._registry.secrets)
        answer = await answered(record, self._recorder, lambda: self._serve(scope, receive, headers, record))
        await _send(answer, send, with_body=scope["method"] != "HEAD")

    async def _serve(self, scope: Scope, receive: Receive, headers: Mapping[str, str], record: Call) -> Answer:
        actor, installation = await self._admission.admit(headers.get("authorization", ""))
        record.actor = actor = actor.asking(record.request_id)
        if not scope["root_path"].endswith(VERSION):
            raise InvalidVersion("Version 2 of SCIM is spoken here, below /scim/v2.")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint, resource_id = _route(scope, method, self._routes)
        if not installation.scim_enabled:
            raise ScimDisabled("SCIM is switched off here. Switch it on with: rolecall admin scim-setup")
        public_url = installation.public_url or _address(scope, headers.get("host", ""))
        return await endpoint(
            ScimCall(
                method=method,
                json=lambda: read_json(
                    Request(scope, receive), record, limit=self._max_body_bytes, secrets=self._registry.secrets
                ),
                transactions=self._transactions,
                recorder=self._recorder,
                cursor_seal=self._cursor_seal,
                record=record,
                actor=actor,
                base_url=f"{public_url}/scim/v2",
                registry=self._registry,
                requirements=self._requirements,
                max_body_bytes=self._max_body_bytes,
                resource_id=resource_id,
                parameters=parse_parameters(scope["query_string"]),
                if_match=headers.get("if-match"),
                if_none_match=headers.get("if-none-match"),
            )
        )


def _address(scope: Scope, host: str) -> str:
    """Return the address under which the caller reached us, without the path of this application."""
    if not host:
        return str(Request(scope).base_url).rstrip("/").removesuffix("/scim/v2")
    return f"{scope.get('scheme', 'http')}://{host}{scope.get('app_root_path', '')}".rstrip("/")


def _record_of(scope: Scope, headers: Mapping[str, str], secrets: frozenset[str]) -> Call:
    path = path_as_sent(scope)
    query = scope["query_string"].decode("latin-1")
    lowered = query.lower()
    if any(secret in lowered for secret in secrets):
        query = MASK
    target = f"{path}?{query}" if query else path
    return Call(
        request_id=request_id(scope),
        method=scope["method"],
        target=target[:_LONGEST_TARGET],
        address=scope["state"]["client_address"],
        user_agent=headers.get("user-agent", "")[:_LONGEST_TARGET] or None,
        status_of=status_of,
    )


def _route(scope: Scope, method: str, routes: Routes) -> tuple[Endpoint, str]:
    """Return the endpoint, and what stands behind it in the path. HEAD has been made a GET.

    Raises: UnknownEndpoint, MethodNotAllowed.
    """
    path = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
    name, slash, resource_id = path.partition("/")
    methods = routes.methods_at(name, resource_id, deep=bool(slash))
    if methods is None or "/" in resource_id or has_control_character(resource_id):
        raise UnknownEndpoint(f"There is nothing at /{path.replace(chr(0), '�')} below /scim/v2.")
    # For the figures, which must not have a row for every id.
    behind = resource_id if resource_id == SEARCH else "{id}"
    scope["route"] = _named_route(f"/{name}/{behind}" if slash else f"/{name}")
    endpoint = methods.get(method)
    if endpoint is None:
        allowed = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
        raise MethodNotAllowed(f"{scope['method']} is not possible here, only {allowed}.", allow=allowed)
    return endpoint, resource_id


@cache
def _named_route(path: str) -> SimpleNamespace:
    return SimpleNamespace(path=path)


@cache
def _wire_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


async def _send(answer: Answer, send: Send, *, with_body: bool) -> None:
    headers = [(_wire_name(name), value.encode("latin-1")) for name, value in (answer.headers or {}).items()]
    if answer.body:
        headers.append((b"content-type", MEDIA_TYPE))
    if answer.status not in _WITHOUT_LENGTH:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
