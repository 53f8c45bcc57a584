"""What does the OpenAPI document say of the REST API?"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import FastAPI
from pydantic import BaseModel, Field

from rolecall.api.rest.endpoints import Endpoint, Need
from rolecall.api.rest.errors import FAILURE, FORM_MEDIA_TYPE, JSON_MEDIA_TYPE
from rolecall.api.rest.shapes import Shown
from rolecall.authorization.actions import Action

_MEANINGS: Final[Mapping[int, str]] = {
    400: "Something about the parameters or the body is wrong; `details` names each field.",
    401: "There is no valid credential.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    409: "Something else has that name or state.",
    412: "It has changed since the caller read it.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    500: "Something went wrong in Rolecall; its log has more under the request id.",
    503: "The database cannot be reached; repeat later.",
}
API_VERSION: Final = "1"
_ALWAYS: Final = (400, FAILURE[0], 503)
_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})
_INTRODUCTION: Final = (
    "What programs can ask of Rolecall, besides SCIM at `/scim/v2`. Send a key or an access token as"
    ' `Authorization: Bearer …`. One thing is answered as `{"value": …}`, a list as'
    ' `{"values": […], "next_page_token", "has_more"}`: read on while `has_more` is true. `/api/v1` is'
    " stable, `/api/preview` may change."
)


class Detail(BaseModel):
    """More of a refusal: `ErrorInfo` with the stable code as `reason`, or `BadRequest` with the fields at fault."""

    type: str = Field(alias="@type", examples=["type.googleapis.com/google.rpc.BadRequest"])
    reason: str | None = Field(default=None, examples=["invalid_arguments"])
    domain: str | None = Field(default=None, examples=["rolecall"])
    metadata: dict[str, str] | None = None
    field_violations: list[dict[str, str]] | None = Field(
        default=None, examples=[[{"field": "page_size", "description": "Input should be greater than or equal to 1"}]]
    )


class Refusal(Shown):
    """What every call that fails is answered with."""

    code: str = Field(examples=["InvalidArgument"], description="A name of a gRPC code.")
    message: str = Field(description="A sentence for people; may change.")
    request_id: str = Field(description="Also in the header X-Request-Id, in the audit log, in events and in the log.")
    timestamp: str = Field(json_schema_extra={"format": "date-time"})
    details: list[Detail]


class TokenRefusal(Refusal):
    """The same, with what RFC 6749 §5.2 wants where the refusal is about a client or a grant."""

    error: str | None = Field(default=None, examples=["invalid_client"])
    error_description: str | None = None


def told_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return what the routing is told for the document's sake."""
    words = inspect.getdoc(endpoint.run) or ""
    summary, _, description = words.partition("\n")
    answer: dict[str, Any] = {"description": "Done."}
    if endpoint.answers is not None:
        answer["model"] = endpoint.answers
    return {
        "response_model": None,
        "tags": [endpoint.tag],
        "operation_id": endpoint.run.__name__,
        "summary": summary.removesuffix("."),
        "description": f"{description.strip()}\n\n{_need_of(endpoint)}".strip(),
        "responses": {
            200: answer,
            **{
                status: {"model": TokenRefusal if endpoint.form else Refusal, "description": _MEANINGS[status]}
                for status in statuses_of(endpoint)
            },
        },
    }


def statuses_of(endpoint: Endpoint) -> Sequence[int]:
    """Return the statuses with which an endpoint may refuse."""
    found = {*_ALWAYS, *endpoint.refusals}
    if endpoint.needs is not Need.NOTHING:
        found.add(401)
        found.add(403)
    if "{id" in endpoint.path:
        found.add(404)
    if endpoint.method in _WITH_BODY:
        found |= {413, 415}
    return sorted(found)


def render_document(app: FastAPI, endpoints: Sequence[Endpoint]) -> bytes:
    """Return the OpenAPI document."""
    document = document_of(app, endpoints)
    return orjson.dumps(document)


def document_of(app: FastAPI, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the same, as an object."""
    document: dict[str, Any] = app.openapi()
    document["info"] = {
        "title": "Rolecall",
        "version": API_VERSION,
        "description": _INTRODUCTION,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    document["servers"] = [{"url": "/"}]
    document["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (64 characters, beginning with RLCL) or an access token.",
        }
    }
    for endpoint in endpoints:
        operation = document["paths"][endpoint.plain_path][endpoint.method.lower()]
        # Wrong parameters are answered 400 like every wrong call, not FastAPI's 422.
        operation["responses"].pop("422", None)
        operation["security"] = [] if endpoint.needs is Need.NOTHING else [{"bearer": []}]
        operation["x-rolecall-needs"] = endpoint.needs.value
        if endpoint.form:
            operation["requestBody"] = _form_of(endpoint)
        if endpoint.answers is None:
            operation["responses"]["200"]["content"] = {JSON_MEDIA_TYPE: {"schema": {"type": "object"}}}
        if endpoint.also is not None:
            operation["responses"]["200"]["content"][endpoint.also] = {"schema": {"type": "string"}}
        # Not left to FastAPI, which would leave out what is null.
        operation["responses"]["200"]["content"][JSON_MEDIA_TYPE]["example"] = endpoint.example
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def _form_of(endpoint: Endpoint) -> dict[str, Any]:
    fields = {
        name: {"type": "string", "description": words, "maxLength": 1000} for name, words in endpoint.form.items()
    }
    schema = {"type": "object", "properties": fields, "required": list(endpoint.form_required)}
    return {"required": True, "content": {FORM_MEDIA_TYPE: {"schema": schema}}}


def _need_of(endpoint: Endpoint) -> str:
    match endpoint.needs:
        case Action():
            return f"Needs the action `{endpoint.needs.value}`."
        case Need.CREDENTIAL:
            return "Needs any valid credential."
        case Need.NOTHING:
            return "Open to everybody."
