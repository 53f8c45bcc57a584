"""Which calls show how far a SCIM connection is?"""

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, one
from rolecall.api.rest.connections import ConnectionIdInPath
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.shapes import Shown
from rolecall.authorization.actions import Action
from rolecall.connections.guide import guides
from rolecall.connections.guide.model import ProviderKind
from rolecall.connections.guide.rendering import first_calls_document, guide_document

Provider = Annotated[
    Literal["okta", "entra", "other"] | None, Query(description="In whose words. Left out: its dialect decides.")
]


class ShownEntry(Shown):
    """What has to be entered at the provider."""

    label: str
    value: str


class ShownGuideStep(Shown):
    """One of six steps."""

    name: str = Field(description="`connection`, `key`, `enable`, `provider`, `groups` or `validate`.")
    title: str
    instructions: list[str]
    entries: list[ShownEntry]
    done: bool


class ShownGuide(Shown):
    """What there is to do until a provider pushes."""

    provider: str
    base_url: str
    document: str = Field(description="Which page of the documentation has more.")
    steps: list[ShownGuideStep]


class OneGuide(Shown):
    """One guide."""

    value: ShownGuide


class ShownSighting(Shown):
    """The first call of one kind."""

    kind: str = Field(
        description="`tested`, `looked_for_user`, `user_created`, `user_changed`, `group_created`, `members_changed` "
        "or `refused`."
    )
    at: str
    method: str
    path: str
    status: int | None
    means: str


class ShownFirstCalls(Shown):
    """What a provider has called first."""

    dialect: str | None
    sightings: list[ShownSighting] = Field(description="In the order in which they were seen, each kind once.")


class OneFirstCalls(Shown):
    """What one provider has called first."""

    value: ShownFirstCalls


async def get_connection_guide(
    call: CurrentCall, connection_id: ConnectionIdInPath, provider: Provider = None
) -> Response:
    """Return the steps to a provider that pushes through a SCIM connection, and which of them are done."""
    kind = None if provider is None else ProviderKind(provider)
    return one(await call.read(lambda tx: guide_document(guides.get_guide(tx, connection_id, kind))))


async def get_first_calls(call: CurrentCall, connection_id: ConnectionIdInPath) -> Response:
    """Return what the provider of a SCIM connection has called first, within its first 200 calls."""
    return one(await call.read(lambda tx: first_calls_document(guides.look_at_first_calls(tx, connection_id))))


_GUIDE: Final[dict[str, Any]] = {
    "provider": "entra",
    "base_url": "https://rolecall.example.com/scim/v2",
    "document": "how-to/entra.md",
    "steps": [
        {
            "name": "provider",
            "title": "Enter address and key at the provider",
            "instructions": ["Provisioning > Connect your application: enter what stands below."],
            "entries": [{"label": "Tenant URL", "value": "https://rolecall.example.com/scim/v2"}],
            "done": False,
        }
    ],
}
_SEEN: Final[dict[str, Any]] = {
    "dialect": "entra",
    "sightings": [
        {
            "kind": "looked_for_user",
            "at": "2026-11-24T10:00:00.000Z",
            "method": "GET",
            "path": "/scim/v2/Users?filter=userName+eq+%22ada%40example.com%22",
            "status": 200,
            "means": "It asks whether somebody is there before it creates them.",
        }
    ],
}
_PATH: Final = "/api/v1/scim_connections/{id:opaque}"

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=f"{_PATH}/guide",
        needs=Action.CONNECTION_LIST,
        run=get_connection_guide,
        answers=OneGuide,
        example={"value": _GUIDE},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/first_calls",
        needs=Action.AUDIT_READ,
        run=get_first_calls,
        answers=OneFirstCalls,
        example={"value": _SEEN},
    ),
)
