"""Which calls are there on SCIM connections that leave?"""

from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, one
from rolecall.api.rest.connections import ConnectionIdInPath
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.previews import ShownRadius
from rolecall.api.rest.shapes import Body, Shown
from rolecall.authorization.actions import Action
from rolecall.connections.leaving import decommissioning, preview
from rolecall.connections.leaving.decide import MOST_HOURS
from rolecall.connections.leaving.model import AssignmentsChoice, Plan, UsersChoice
from rolecall.connections.leaving.rendering import preview_document, report_document
from rolecall.directory.model import ConnectionId
from rolecall.kernel.document import Json
from rolecall.storage.rehearsal import Rehearsing
from rolecall.storage.transaction import WriteTx


class Decommissioning(Body):
    """What becomes of all that a connection owns."""

    users: Literal["KEEP_AS_LOCAL", "DEACTIVATE", "HAND_OVER"] = Field(description="What becomes of its users.")
    assignments: Literal["KEEP", "REMOVE"] = Field(
        description="What becomes of what they hold by its groups and by values of `roles`. Others always stay."
    )
    to_connection_id: str | None = Field(
        default=None, max_length=100, description="Which connection takes over; for `HAND_OVER`, and only then."
    )
    undo_within_hours: int = Field(
        default=72, ge=0, le=MOST_HOURS, description="So long `:recommission` brings everything back."
    )
    preview: bool = Field(default=False, description="Only show who would gain and lose what.")


class ShownKeptBack(Shown):
    """A user or a group that did not become what was chosen."""

    kind: str = Field(description="`USER` or `GROUP`.")
    id: str
    name: str
    because: str = Field(description="`BREAK_GLASS`, `LAST_ADMINISTRATOR` or `EXTERNAL_ID_TAKEN`.")


class ShownLeaving(Shown):
    """How far a connection has come with leaving, or with coming back."""

    connection_id: str
    is_preview: bool
    phase: str = Field(
        description="`LEAVING`, `LEFT`, `RETURNING`, or `SETTLED`: the time to undo is over. One that is back is 404."
    )
    users: str
    assignments: str
    to_connection_id: str | None
    done_count: int = Field(description="Users, groups and declared resources that are done.")
    total_count: int
    started_at: str
    finished_at: str | None
    undo_until: str
    kept_back: list[ShownKeptBack] = Field(
        description=f"Who and what did not become what was chosen; the first {decommissioning.MOST_KEPT_BACK:,}."
    )
    radius: ShownRadius | None = Field(description="Only in a preview; afterwards the events tell.")


class OneLeaving(Shown):
    """One connection's leaving."""

    value: ShownLeaving


async def decommission_connection(
    call: CurrentCall, connection_id: ConnectionIdInPath, body: Decommissioning
) -> Response:
    """Let a SCIM connection be heard no more, at once, and what it owns become what is chosen, by a job.

    `GET …/{id}/leaving` says how far it is. The break-glass user and the last administrator stay, as local users.
    """
    to = None if body.to_connection_id is None else ConnectionId(body.to_connection_id)
    plan = Plan(users=UsersChoice(body.users), assignments=AssignmentsChoice(body.assignments), to_connection_id=to)
    within = timedelta(hours=body.undo_within_hours)
    call.record.subject_id = connection_id
    if body.preview:

        def play(rehearsing: Rehearsing) -> Json:
            return preview_document(preview.play(rehearsing, connection_id, plan, undo_within=within))

        return one((await call.transactions.rehearse_in_order(call.actor, play)).value)

    def decommission(tx: WriteTx) -> Json:
        return report_document(decommissioning.decommission_connection(tx, connection_id, plan, undo_within=within))

    return one(await call.write(decommission))


async def recommission_connection(call: CurrentCall, connection_id: ConnectionIdInPath) -> Response:
    """Have everything that a decommissioned connection owned brought back as it was; then it is heard again.

    Whatever somebody has decided otherwise meanwhile stays so.
    """
    call.record.subject_id = connection_id
    return one(await call.write(lambda tx: report_document(decommissioning.recommission_connection(tx, connection_id))))


async def get_connection_leaving(call: CurrentCall, connection_id: ConnectionIdInPath) -> Response:
    """Return how far a SCIM connection has come with leaving or coming back."""
    return one(await call.read(lambda tx: report_document(decommissioning.get_report(tx, connection_id))))


_LEAVING: Final[dict[str, Any]] = {
    "connection_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "is_preview": False,
    "phase": "LEFT",
    "users": "KEEP_AS_LOCAL",
    "assignments": "KEEP",
    "to_connection_id": None,
    "done_count": 1245,
    "total_count": 1245,
    "started_at": "2026-11-24T10:00:00.000Z",
    "finished_at": "2026-11-24T10:00:04.000Z",
    "undo_until": "2026-11-27T10:00:00.000Z",
    "kept_back": [
        {
            "kind": "USER",
            "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7c",
            "name": "ada@example.com",
            "because": "BREAK_GLASS",
        }
    ],
    "radius": None,
}
_EXAMPLE: Final = {"value": _LEAVING}
_BEGINNING: Final[dict[str, Any]] = {"done_count": 0, "finished_at": None, "kept_back": []}
_PATH: Final = "/api/v1/scim_connections/{id:opaque}"

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path=f"{_PATH}:decommission",
        needs=Action.CONNECTION_CHANGE,
        run=decommission_connection,
        answers=OneLeaving,
        example={"value": _LEAVING | _BEGINNING | {"phase": "LEAVING"}},
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}:recommission",
        needs=Action.CONNECTION_CHANGE,
        run=recommission_connection,
        answers=OneLeaving,
        example={"value": _LEAVING | _BEGINNING | {"phase": "RETURNING"}},
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/leaving",
        needs=Action.CONNECTION_LIST,
        run=get_connection_leaving,
        answers=OneLeaving,
        example=_EXAMPLE,
        refusals=(404,),
    ),
)
