"""Which endpoints are there below /scim/v2, and what happens around each call?"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rolecall.api.admission import Admission
from rolecall.api.recorder import Recorder
from rolecall.api.scim import discovery, groups, users
from rolecall.api.scim.calls import Answer, ScimCall, parse_parameters
from rolecall.api.scim.errors import (
    MethodNotAllowed,
    ScimDisabled,
    UnknownEndpoint,
    headers_of,
    render_error,
    render_refusal,
    status_of,
)
from rolecall.events.model import Call, CallOutcome
from rolecall.http.requests import request_id
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.kernel.text import has_control_character
from rolecall.scim.users import RequirementProfile
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.logging import get_logger

Endpoint: TypeAlias = Callable[[ScimCall], Awaitable[Answer]]

MEDIA_TYPE: Final = "application/scim+json"
_LONGEST_TARGET: Final = 4000
_log = get_logger(__name__)

# Who may call: each endpoint's use case requires `provisioned:read` or `provisioned:write`.
COLLECTIONS: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    "Users": {"GET": users.list_users, "POST": users.create_user},
    "Groups": {"GET": groups.list_groups, "POST": groups.create_group},
    "Me": {"GET": users.get_own_user},
    "Schemas": {"GET": discovery.list_schemas},
    "ResourceTypes": {"GET": discovery.list_resource_types},
    "ServiceProviderConfig": {"GET": discovery.get_service_provider_config},
}
RESOURCES: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    "Users": {
        "GET": users.get_user,
        "PUT": users.replace_user,
        "PATCH": users.patch_user,
        "DELETE": users.delete_user,
    },
    "Groups": {
        "GET": groups.get_group,
        "PUT": groups.replace_group,
        "PATCH": groups.patch_group,
        "DELETE": groups.delete_group,
    },
    "Schemas": {"GET": discovery.get_schema},
    "ResourceTypes": {"GET": discovery.get_resource_type},
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        record = _record_of(request)
        try:
            answer = await self._serve(request, record)
            record.status = answer.status
        except DomainError as error:
            if not record.recorded:
                record.refuse(error)
            if error.kind is ErrorKind.UNAVAILABLE:
                record.outcome = CallOutcome.FAILED
                _log.error("The database failed.", exc_info=error)
            answer = Answer(status=status_of(error), body=render_refusal(error), headers=headers_of(error))
        except Exception as error:  # noqa: BLE001  # the edge: whatever fails, a SCIM error is the answer
            _log.exception("A SCIM call failed.")
            record.outcome, record.status, record.code = CallOutcome.FAILED, 500, type(error).__name__
            detail = f"Something went wrong in Rolecall. Its log has more under the request id {record.request_id}."
            answer = Answer(status=500, body=render_error(500, detail))
        self._recorder.record(record)
        await _send(answer, scope, receive, send)

    async def _serve(self, request: Request, record: Call) -> Answer:
        endpoint, resource_id = _route(request)
        actor, installation = await self._admission.admit(request.headers.get("authorization", ""))
        record.actor = actor = replace(actor, request_id=record.request_id)
        if not installation.scim_enabled:
            raise ScimDisabled("SCIM is switched off here. Switch it on with: rolecall admin scim-setup")
        public_url = installation.public_url or str(request.base_url).rstrip("/").removesuffix("/scim/v2")
        return await endpoint(
            ScimCall(
                request=request,
                transactions=self._transactions,
                record=record,
                actor=actor,
                base_url=f"{public_url}/scim/v2",
                requirements=self._requirements,
                max_body_bytes=self._max_body_bytes,
                resource_id=resource_id,
                parameters=parse_parameters(request.scope["query_string"]),
            )
        )


def _record_of(request: Request) -> Call:
    path = request.scope["path"]
    query = request.scope["query_string"].decode("latin-1")
    target = f"{path}?{query}" if query else path
    return Call(
        request_id=request_id(request.scope),
        method=request.method,
        target=target[:_LONGEST_TARGET].replace("\x00", "�"),
        address=request.scope["state"]["client_address"],
        user_agent=request.headers.get("user-agent", "")[:_LONGEST_TARGET] or None,
        status_of=status_of,
    )


def _route(request: Request) -> tuple[Endpoint, str]:
    """Return the endpoint, and what stands behind it in the path.

    Raises: UnknownEndpoint, MethodNotAllowed.
    """
    scope = request.scope
    path = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
    name, slash, resource_id = path.partition("/")
    methods = (RESOURCES if slash else COLLECTIONS).get(name)
    if methods is None or "/" in resource_id or has_control_character(resource_id):
        raise UnknownEndpoint(f"There is nothing at /{path.replace(chr(0), '�')} below /scim/v2.")
    # For the figures, which must not have a row for every id.
    scope["route"] = SimpleNamespace(path=f"/{name}/{{id}}" if slash else f"/{name}")
    endpoint = methods.get(request.method)
    if endpoint is None:
        allowed = ", ".join(sorted(methods))
        raise MethodNotAllowed(f"{request.method} is not possible here, only {allowed}.", allow=allowed)
    return endpoint, resource_id


async def _send(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    headers = dict(answer.headers or {})
    media_type = MEDIA_TYPE if answer.body else None
    response = Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)
    await response(scope, receive, send)
