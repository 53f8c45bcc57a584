"""Which endpoints are there below /scim/v2, and what happens around each call?"""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from rolecall.api.admission import Admission
from rolecall.api.calls import Answer, answered, parse_parameters, read_json, record_of, send_answer
from rolecall.api.errors import MethodNotAllowed, UnknownEndpoint
from rolecall.api.recorder import Recorder
from rolecall.api.scim import bulk, discovery, resources, search, users
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.scim.errors import SCIM, ScimDisabled
from rolecall.api.scim.resources import Endpoint
from rolecall.events.calls import Call
from rolecall.kernel.text import has_control_character
from rolecall.scim.users import RequirementProfile
from rolecall.storage.transactions import Transactions

SEARCH: Final = ".search"

# Who may call: each endpoint's use case requires `provisioned:read` or `provisioned:write`.
ROOT: Final[Mapping[str, Endpoint]] = {"GET": search.list_everything}
COLLECTIONS: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    **resources.COLLECTIONS,
    "Me": {"GET": users.get_own_user},
    "Bulk": {"POST": bulk.run_operations},
    "Schemas": {"GET": discovery.list_schemas},
    "ResourceTypes": {"GET": discovery.list_resource_types},
    "ServiceProviderConfig": {"GET": discovery.get_service_provider_config},
    SEARCH: {"POST": search.search_everything},
}
RESOURCES: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    **resources.RESOURCES,
    "Schemas": {"GET": discovery.get_schema},
    "ResourceTypes": {"GET": discovery.get_resource_type},
}
SEARCHES: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    "Users": {"POST": search.search_users},
    "Groups": {"POST": search.search_groups},
}


class ScimApp:
    """The ASGI application below /scim/v2. Whatever fails, the answer is a SCIM document."""

    def __init__(
        self,
        transactions: Transactions,
        admission: Admission,
        recorder: Recorder,
        *,
        requirements: RequirementProfile,
        max_body_bytes: int,
    ) -> None:
        self._transactions = transactions
        self._admission = admission
        self._recorder = recorder
        self._requirements = requirements
        self._max_body_bytes = max_body_bytes
        self._cursor_seal = CursorSeal(transactions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        record = record_of(scope, headers, SCIM.status_of)
        answer = await answered(record, self._recorder, lambda: self._serve(scope, receive, headers, record), SCIM)
        await send_answer(answer, send, media_type=SCIM.media_type)

    async def _serve(self, scope: Scope, receive: Receive, headers: Mapping[str, str], record: Call) -> Answer:
        actor, installation = await self._admission.admit(
            headers.get("authorization", ""), address=scope["state"]["client_address"]
        )
        record.actor = actor = replace(actor, request_id=record.request_id)
        endpoint, resource_id = _route(scope)
        if not installation.scim_enabled:
            raise ScimDisabled("SCIM is switched off here. Switch it on with: rolecall admin scim-setup")
        public_url = installation.public_url or str(Request(scope).base_url).rstrip("/").removesuffix("/scim/v2")
        return await endpoint(
            ScimCall(
                method=scope["method"],
                json=lambda: read_json(Request(scope, receive), record, limit=self._max_body_bytes, dialect=SCIM),
                transactions=self._transactions,
                recorder=self._recorder,
                cursor_seal=self._cursor_seal,
                record=record,
                actor=actor,
                base_url=f"{public_url}/scim/v2",
                requirements=self._requirements,
                max_body_bytes=self._max_body_bytes,
                resource_id=resource_id,
                parameters=parse_parameters(scope["query_string"], SCIM),
                if_match=headers.get("if-match"),
                if_none_match=headers.get("if-none-match"),
            )
        )


def _route(scope: Scope) -> tuple[Endpoint, str]:
    """Return the endpoint, and what stands behind it in the path.

    Raises: UnknownEndpoint, MethodNotAllowed.
    """
    path = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
    name, slash, resource_id = path.partition("/")
    methods = _methods_at(name, resource_id, deep=bool(slash))
    if methods is None or "/" in resource_id or has_control_character(resource_id):
        raise UnknownEndpoint(f"There is nothing at /{path.replace(chr(0), '�')} below /scim/v2.")
    # For the figures, which must not have a row for every id.
    behind = resource_id if resource_id == SEARCH else "{id}"
    scope["route"] = SimpleNamespace(path=f"/{name}/{behind}" if slash else f"/{name}")
    endpoint = methods.get(scope["method"])
    if endpoint is None:
        allowed = ", ".join(sorted(methods))
        raise MethodNotAllowed(f"{scope['method']} is not possible here, only {allowed}.", allow=allowed)
    return endpoint, resource_id


def _methods_at(name: str, resource_id: str, *, deep: bool) -> Mapping[str, Endpoint] | None:
    if not name:
        return None if deep else ROOT
    if not deep:
        return COLLECTIONS.get(name)
    return (SEARCHES if resource_id == SEARCH else RESOURCES).get(name)
