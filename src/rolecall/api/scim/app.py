"""Which endpoints are there below /scim/v2, and what happens around each call?"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from rolecall.api.admission import Admission
from rolecall.api.calls import (
    SECRET_NAMES,
    Answer,
    answered,
    check_body_headers,
    json_in,
    parse_parameters,
    record_of,
    send_answer,
)
from rolecall.api.errors import MethodNotAllowed, UnknownEndpoint
from rolecall.api.rates import CallRates
from rolecall.api.recorder import Recorder
from rolecall.api.scim import bulk, discovery, search, users
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.scim.errors import SCIM, ScimDisabled
from rolecall.api.scim.resources import Endpoint, Methods, routes_to
from rolecall.connections.guard.losses import Guard
from rolecall.connections.model import Connection
from rolecall.events.calls import Call
from rolecall.http.requests import read_body
from rolecall.kernel.document import Json
from rolecall.kernel.text import has_control_character
from rolecall.scim.errors import InvalidVersion
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transactions import Transactions

SEARCH: Final = ".search"
VERSION: Final = "/v2"
"""Ends the path below which all of this lies."""


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
        keys: KeyRing,
        registry: Registry,
        requirements: RequirementProfile,
        max_body_bytes: int,
    ) -> None:
        self._transactions = transactions
        self._admission = admission
        self._recorder = recorder
        self._registry = registry
        self._routes = all_routes(registry)
        self._secrets = SECRET_NAMES | registry.secrets
        self._requirements = requirements
        self._max_body_bytes = max_body_bytes
        self._cursor_seal = CursorSeal(transactions)
        self._rates = CallRates()
        self._guard = Guard(keys=keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        record = record_of(scope, headers, SCIM.status_of, secrets=self._secrets)
        answer = await answered(record, self._recorder, lambda: self._serve(scope, receive, headers, record), SCIM)
        await send_answer(answer, send, media_type=SCIM.media_type, with_body=scope["method"] != "HEAD")

    async def _serve(self, scope: Scope, receive: Receive, headers: Mapping[str, str], record: Call) -> Answer:
        actor, installation, connection = await self._admission.admit_pusher(
            headers.get("authorization", ""), address=scope["state"]["client_address"]
        )
        record.actor = actor = actor.asking(record.request_id)
        if connection is not None and connection.draft.rate_limit:
            self._rates.spend(connection.id, connection.draft.rate_limit)
        if not scope["root_path"].endswith(VERSION):
            raise InvalidVersion("Version 2 of SCIM is spoken here, below /scim/v2.")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint, resource_id = route_of(scope, method, self._routes)
        if not installation.scim_enabled:
            raise ScimDisabled("SCIM is switched off here. Switch it on with: rolecall admin scim-setup")
        body = _Body(Request(scope, receive), record, limit=self._max_body_bytes, secrets=self._secrets)
        public_url = installation.public_url or _address(scope, headers.get("host", ""))
        return await endpoint(
            ScimCall(
                method=method,
                json=body.json,
                transactions=self._transactions,
                recorder=self._recorder,
                cursor_seal=self._cursor_seal,
                record=record,
                actor=actor,
                base_url=f"{public_url}/scim/v2",
                registry=self._registry,
                secrets=self._secrets,
                requirements=self._requirements_of(connection),
                max_body_bytes=self._max_body_bytes,
                resource_id=resource_id,
                parameters=parse_parameters(scope["query_string"], SCIM),
                if_match=headers.get("if-match"),
                if_none_match=headers.get("if-none-match"),
                content_type=headers.get("content-type"),
                raw_body=lambda: body.raw,
                guard=None if connection is None else self._guard,
            )
        )

    def _requirements_of(self, connection: Connection | None) -> RequirementProfile:
        own = None if connection is None else connection.draft.requirement_profile
        return self._requirements if own is None else RequirementProfile(own.value)


@dataclass(slots=True)
class _Body:
    """The body of one request, once somebody wants it."""

    request: Request
    record: Call
    limit: int
    secrets: frozenset[str]
    raw: bytes = b""

    async def json(self) -> Json:
        """Return what it says, and keep it in the record."""
        check_body_headers(self.request.headers, SCIM)
        self.raw = await read_body(self.request, limit=self.limit)
        return json_in(self.raw, self.record, dialect=SCIM, secrets=self.secrets)


def _address(scope: Scope, host: str) -> str:
    """Return the address under which the caller reached us, without the path of this application."""
    if not host:
        return str(Request(scope).base_url).rstrip("/").removesuffix("/scim/v2")
    return f"{scope.get('scheme', 'http')}://{host}{scope.get('app_root_path', '')}".rstrip("/")


def route_of(scope: MutableMapping[str, Any], method: str, routes: Routes) -> tuple[Endpoint, str]:
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
