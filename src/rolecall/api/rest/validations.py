"""Which calls are there on validations of SCIM connections?"""

from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, many, one
from rolecall.api.rest.connections import ConnectionIdInPath
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.shapes import Body, Shown
from rolecall.authorization.actions import Action
from rolecall.connections.validation import validations
from rolecall.connections.validation.model import Way
from rolecall.connections.validation.rendering import to_document
from rolecall.kernel.document import Json
from rolecall.storage.transaction import ReadTx, WriteTx

ValidationIdInPath = Annotated[str, Path(alias="validation_id", max_length=100, description="The validation's id.")]


class ValidationBody(Body):
    """How a connection is validated."""

    address: Literal["PUBLIC", "LISTENING"] = Field(
        default="PUBLIC",
        description="Where Rolecall calls itself: `PUBLIC`, the public URL, through the reverse proxy as the provider "
        "does; `LISTENING`, the address that the server listens on.",
    )


class ShownStep(Shown):
    """One step of a validation that was made."""

    name: str
    title: str
    passed: bool
    method: str | None = Field(description="Null: this step is no call.")
    path: str | None = Field(description="Behind the base URL.")
    request: object = Field(description="The body that was sent.")
    status: int | None = Field(description="Null: no answer came, or this step is no call.")
    answer: object = Field(description="The body that was answered; without one, why.")
    means: str
    advice: str | None = Field(description="What to do, where it failed.")
    duration_ms: int


class ShownValidation(Shown):
    """One run through the life of a user and a group."""

    id: str
    connection_id: str
    address: str
    state: str = Field(description="`WAITING`, `RUNNING`, `PASSED`, `FAILED` or `BROKEN_OFF`.")
    step_count: int = Field(description="So many steps there are in all.")
    steps: list[ShownStep] = Field(description="Those that were made; none follows one that failed.")
    created_at: str
    finished_at: str | None


class OneValidation(Shown):
    """One validation."""

    value: ShownValidation


class ManyValidations(Shown):
    """The last validations of a connection."""

    values: list[ShownValidation]
    next_page_token: str
    has_more: bool


async def validate_connection(call: CurrentCall, connection_id: ConnectionIdInPath, body: ValidationBody) -> Response:
    """Have a SCIM connection validated, by calls of Rolecall to itself with a user and a group of its own.

    A job makes them; read the validation to see how far it is. Nothing of them is left afterwards.
    """
    call.record.subject_id = connection_id

    def begin(tx: WriteTx) -> Json:
        return to_document(validations.begin_validation(tx, connection_id, way=Way(body.address)))

    return one(await call.write(begin))


async def list_connection_validations(call: CurrentCall, connection_id: ConnectionIdInPath) -> Response:
    """List the last ten validations of a SCIM connection, the newest first."""

    def ask(tx: ReadTx) -> list[Json]:
        return [to_document(each) for each in validations.list_validations(tx, connection_id)]

    return many(await call.read(ask), None)


async def get_connection_validation(
    call: CurrentCall, connection_id: ConnectionIdInPath, validation_id: ValidationIdInPath
) -> Response:
    """Return one validation of a SCIM connection, with what was sent and answered in each step."""
    return one(await call.look_up(lambda tx: to_document(validations.get_validation(tx, connection_id, validation_id))))


_EXAMPLE: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7d",
    "connection_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "address": "PUBLIC",
    "state": "RUNNING",
    "step_count": 15,
    "steps": [
        {
            "name": "reach",
            "title": "Reach the SCIM endpoint",
            "passed": True,
            "method": "GET",
            "path": "/ServiceProviderConfig",
            "request": None,
            "status": 200,
            "answer": {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]},
            "means": "The address, its certificate and the credential are good.",
            "advice": None,
            "duration_ms": 12,
        }
    ],
    "created_at": "2026-11-24T10:00:00.000Z",
    "finished_at": None,
}
_PATH: Final = "/api/v1/scim_connections/{id:opaque}"

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path=f"{_PATH}:validate",
        needs=Action.CONNECTION_CHANGE,
        run=validate_connection,
        answers=OneValidation,
        example={"value": _EXAMPLE | {"state": "WAITING", "steps": []}},
        refusals=(409,),
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/validations",
        needs=Action.CONNECTION_LIST,
        run=list_connection_validations,
        answers=ManyValidations,
        example={"values": [_EXAMPLE], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/validations/{{validation_id:opaque}}",
        needs=Action.CONNECTION_LIST,
        run=get_connection_validation,
        answers=OneValidation,
        example={"value": _EXAMPLE},
    ),
)
