"""Which calls show what SCIM requests would do?"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, one
from rolecall.api.rest.connections import ConnectionIdInPath
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.scim_log import CallIdInPath
from rolecall.api.rest.shapes import Body, Instant, Shown
from rolecall.api.scim.previews import (
    MOST_SECONDS,
    Played,
    check_playable,
    front_for,
    preview_document,
    preview_requests,
    recorded_request,
    request_of,
    within_scope,
)
from rolecall.api.scim.replay import ScimFront
from rolecall.authorization.actions import Action
from rolecall.connections import connections
from rolecall.connections.decide import acting_within
from rolecall.connections.model import Connection
from rolecall.connections.preview.recorded import MOST_RECORDED, get_recorded, list_recorded
from rolecall.connections.preview.rendering import MOST_LISTED
from rolecall.directory.model import DEFAULT_CONNECTION
from rolecall.storage.transaction import ReadTx

_MOST_REQUESTS: Final = 1_000


class SentRequest(Body):
    """A SCIM request as it would be sent."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str = Field(
        max_length=4_000,
        description="With the query, as `/Groups/…`; whatever stands before `/scim/v2` does not matter.",
    )
    headers: dict[str, str] = Field(default={}, description="Of these, `If-Match` and those about the body matter.")
    body: dict[str, Any] | list[Any] | None = None


class RecordedTime(Body):
    """Which calls of the SCIM log."""

    since: Instant = Field(description="From this instant on.")
    until: Instant = Field(description="Up to, and without, this instant.")


class PreviewBody(Body):
    """What shall be previewed: requests, or what was recorded."""

    requests: Annotated[list[SentRequest], Field(min_length=1, max_length=_MOST_REQUESTS)] | None = Field(
        default=None, description="In their order, each building on those before."
    )
    recorded: RecordedTime | None = Field(
        default=None,
        description=f"In place of `requests`: what this connection asked to be changed in that time, the first "
        f"{MOST_RECORDED} calls. Needs `audit:read` as well.",
    )


class ShownTouchedUser(Shown):
    """One user that something became of."""

    user_id: str
    user_name: str
    change: str = Field(description="`created`, `changed`, `deactivated`, `reactivated` or `deleted`, in the end.")


class ShownTouchedGroup(Shown):
    """One group that something became of."""

    group_id: str
    display_name: str
    change: str = Field(description="`created`, `changed` or `deleted`, in the end.")
    added_count: int = Field(description="Direct members that came.")
    removed_count: int = Field(description="Direct members that went.")
    member_count: int = Field(description="Direct members afterwards.")


class ShownAccessChange(Shown):
    """One user gains or loses one role in one team, whatever its sources."""

    user_id: str
    user_name: str
    team_id: str
    team_name: str
    role_id: str
    role_name: str


class ShownRadius(Shown):
    """The blast radius: what would differ. What comes and goes again is in none of the lists."""

    user_counts: dict[str, int] = Field(description="By what became of them.")
    group_counts: dict[str, int] = Field(description="By what became of them.")
    gained_count: int
    lost_count: int
    losing_people_count: int = Field(description="People who lose an assignment, each once.")
    users: list[ShownTouchedUser]
    groups: list[ShownTouchedGroup]
    gained: list[ShownAccessChange] = Field(description="Who is reactivated gains what it holds.")
    lost: list[ShownAccessChange] = Field(description="Who is deactivated or deleted loses what it holds.")
    is_complete: bool = Field(
        description=f"False where lists were cut, at {MOST_LISTED} entries; the counts are whole."
    )


class ShownOperation(Shown):
    """One call of a bulk request."""

    method: str
    path: str
    http_status: int | None
    error_reason: str | None
    detail: str | None


class ShownForeseenCall(Shown):
    """What one request would be answered, and what it would do."""

    method: str
    path: str
    scim_log_id: str | None = Field(description="Where it comes from the SCIM log.")
    not_played_because: str | None = Field(description="Null: it was played.")
    http_status: int | None = Field(description="Null for what only reads, and for what was not played.")
    error_reason: str | None = Field(description="The stable code of a refusal.")
    detail: str | None
    operations: list[ShownOperation] = Field(description="Of a bulk request.")
    radius: ShownRadius


class ShownScimPreview(Shown):
    """What requests would do that were made one after the other. Nothing of it was kept."""

    calls: list[ShownForeseenCall]
    total: ShownRadius
    is_complete: bool = Field(
        description=f"False where there are more recorded calls, or some were left after {MOST_SECONDS:.0f} seconds."
    )


class OneScimPreview(Shown):
    """One preview."""

    value: ShownScimPreview


async def preview_connection(call: CurrentCall, connection_id: ConnectionIdInPath, body: PreviewBody) -> Response:
    """Show what SCIM requests of a connection would do if they were made now, and keep nothing of it.

    Each is answered as it would be, and has its own blast radius; what a job would go on with is counted in. Recorded
    calls have a radius in numbers only; those whose record is not whole are not played, and say why.
    """
    call.record.subject_id = connection_id
    connection = await call.look_up(lambda tx: connections.get_connection(tx, connection_id))
    if (body.requests is None) is (body.recorded is None):
        raise bad_field("requests", "give either requests or recorded.")
    front = front_for(call.front, connection)
    if body.recorded is None:
        actor = acting_within(call.actor, connection.id)
        played = [
            Played(request=request_of(each.method, each.path, each.headers, each.body), actor=actor)
            for each in body.requests or ()
        ]
        return await _previewed(call, within_scope(played, connection), front)
    since, until = body.recorded.since, body.recorded.until
    if since >= until:
        raise bad_field("recorded.until", "must be later than recorded.since.")
    recording = await call.read(lambda tx: list_recorded(tx, connection_id, since=since, until=until))
    played = within_scope([recorded_request(each) for each in recording.calls], connection)
    return await _previewed(call, played, front, is_complete=recording.is_complete, most=0)


async def preview_scim_call(call: CurrentCall, call_id: CallIdInPath) -> Response:
    """Show what a request of the SCIM log would do if it were made now, and keep nothing of it.

    It is made within the limits of the key that it came with, and without its `If-Match`.
    """

    def ask(tx: ReadTx) -> tuple[Played, Connection | None]:
        played = recorded_request(get_recorded(tx, call_id))
        owner = None if played.actor is None else played.actor.connection_id
        return played, connections.find_connection_of(tx, owner or DEFAULT_CONNECTION)

    played, connection = await call.read(ask)
    check_playable(played)
    front = call.front if connection is None else front_for(call.front, connection)
    return await _previewed(call, [played] if connection is None else within_scope([played], connection), front)


async def _previewed(
    call: RestCall, played: Sequence[Played], front: ScimFront, *, is_complete: bool = True, most: int = MOST_LISTED
) -> Response:
    rehearsal = await call.transactions.rehearse_in_order(
        call.actor, lambda rehearsing: preview_requests(rehearsing, played, front)
    )
    return one(preview_document(rehearsal.value, is_complete=is_complete, most=most))


_LOST: Final[dict[str, Any]] = {
    "user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "user_name": "ada@example.com",
    "team_id": "00000000-0000-7000-8000-000000000001",
    "team_name": "Root",
    "role_id": "operator",
    "role_name": "Operator",
}
RADIUS_EXAMPLE: Final[dict[str, Any]] = {
    "user_counts": {"created": 0, "changed": 0, "deactivated": 0, "reactivated": 0, "deleted": 0},
    "group_counts": {"created": 0, "changed": 1, "deleted": 0},
    "gained_count": 0,
    "lost_count": 1,
    "losing_people_count": 1,
    "users": [],
    "groups": [
        {
            "group_id": "019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
            "display_name": "Engineers",
            "change": "changed",
            "added_count": 0,
            "removed_count": 1,
            "member_count": 41,
        }
    ],
    "gained": [],
    "lost": [_LOST],
    "is_complete": True,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "calls": [
        {
            "method": "PATCH",
            "path": "/scim/v2/Groups/019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
            "scim_log_id": "1042",
            "not_played_because": None,
            "http_status": 204,
            "error_reason": None,
            "detail": None,
            "operations": [],
            "radius": RADIUS_EXAMPLE,
        }
    ],
    "total": RADIUS_EXAMPLE,
    "is_complete": True,
}

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/api/v1/scim_connections/{id:opaque}:preview",
        needs=Action.CONNECTION_CHANGE,
        run=preview_connection,
        answers=OneScimPreview,
        example={"value": _EXAMPLE},
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/scim_log/{id:opaque}:preview",
        needs=Action.AUDIT_READ,
        run=preview_scim_call,
        answers=OneScimPreview,
        example={"value": _EXAMPLE},
        refusals=(404, 409),
    ),
)
