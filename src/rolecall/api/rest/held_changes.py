"""Which calls are there on changes that a guard held?"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, many, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.paging import MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order, parse_order
from rolecall.api.rest.previews import RADIUS_EXAMPLE, ShownRadius
from rolecall.api.rest.shapes import Body, Shown
from rolecall.api.scim.held import find_releasable
from rolecall.authorization.actions import Action
from rolecall.connections.held import changes
from rolecall.connections.held.changes import ReleaseJournal
from rolecall.connections.held.model import HeldChange, HeldSearch, HeldState
from rolecall.connections.held.rendering import to_document
from rolecall.connections.preview.rendering import radius_document
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError

MOST_AT_ONCE: Final = 1_000
_ORDERS: Final = {"held_at": ("held_at",)}

HeldChangeIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The held change's id.")]
OfConnection = Annotated[str | None, Query(max_length=100, description="Only of this SCIM connection (its id).")]
InState = Annotated[Literal["HELD", "RELEASED", "DROPPED"] | None, Query(description="Only in this state.")]
HeldOrder = Annotated[
    str, Query(max_length=100, description=f"{describe_order(_ORDERS)} Left out: `held_at desc`, the newest first.")
]


class ChosenChanges(Body):
    """Which held changes: either single ones, or all of a connection."""

    ids: list[Annotated[str, Field(max_length=100)]] | None = Field(
        default=None, max_length=MOST_AT_ONCE, description="These, in this order."
    )
    connection_id: str | None = Field(
        default=None, max_length=100, description="All that are held of this SCIM connection, in the order of sending."
    )
    limit: int = Field(default=MOST_AT_ONCE, ge=1, le=MOST_AT_ONCE, description="So many at most, the first ones.")


class ShownHeldChange(Shown):
    """A change that a SCIM connection sent and that would take something from too many people."""

    id: str
    connection_id: str
    connection_name: str
    state: str = Field(description="`HELD` (nobody has decided), `RELEASED` (it was made) or `DROPPED`.")
    method: str
    url: str
    request_id: str | None = Field(description="Under which the SCIM log has the call, with its body.")
    losing_people_count: int = Field(description="So many people would have lost an assignment by it when it came.")
    lost_in_hour_count: int = Field(description="So many within the hour, with those before.")
    limit_count: int = Field(description="So many could.")
    try_count: int = Field(description="How often it was sent.")
    held_at: str
    last_tried_at: str
    decided_at: str | None
    decided_by_id: str | None
    decided_by_name: str | None = Field(description="Null: the command line, or a key of no user.")
    result_status: int | None = Field(description="What the provider would have been answered when it was released.")
    refusal: str | None = Field(description="Why it could not be released when somebody last tried.")


class ExplainedHeldChange(ShownHeldChange):
    """The same, with what it would do now."""

    http_status: int | None = Field(description="What would be answered if it were released now; null: it is decided.")
    error_reason: str | None = Field(description="The stable code, where it would be refused.")
    detail: str | None
    radius: ShownRadius | None = Field(description="Who would gain and lose what now; null: it is decided.")


class OneHeldChange(Shown):
    """One held change."""

    value: ShownHeldChange


class OneExplainedHeldChange(Shown):
    """One held change, with what it would do."""

    value: ExplainedHeldChange


class ManyHeldChanges(Shown):
    """A page of held changes."""

    values: list[ShownHeldChange]
    next_page_token: str
    has_more: bool


class ShownRefusal(Shown):
    """One that could not be decided."""

    id: str
    error_reason: str
    detail: str


class ShownDecisions(Shown):
    """What became of those that were chosen."""

    decided_count: int
    refused: list[ShownRefusal] = Field(description="They are as they were.")
    remaining_count: int | None = Field(description="Still held of the connection, where one was named.")


class ManyDecisions(Shown):
    """What became of those that were chosen."""

    value: ShownDecisions


async def list_held_changes(
    call: CurrentCall,
    connection_id: OfConnection = None,
    state: InState = None,
    order_by: HeldOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List changes that a guard held, the newest first. Those that were decided stay as long as audit records.

    Beside a `page_token`, `connection_id` and `state` have to be those of the first page.
    """
    pages = Pages(call=call, name=f"held_changes:{connection_id}:{state}")
    asked = await pages.asked(page_token, order_by=order_by)
    path, descending = parse_order(asked.order_by, _ORDERS)
    wanted = HeldSearch(
        connection_id=connection_id,
        state=None if state is None else HeldState(state),
        after=_place_in(asked.place),
        newest_first=path is None or descending,
        limit=page_size + 1,
    )
    found = await call.read(lambda tx: changes.list_held_changes(tx, wanted))
    page, token = found[:page_size], None
    if len(found) > page_size:
        token = pages.token(asked, [to_microseconds(page[-1].held_at), page[-1].id])
    return many([to_document(each) for each in page], token)


async def get_held_change(call: CurrentCall, held_id: HeldChangeIdInPath) -> Response:
    """Return one held change, with what it would do if it were released now: who would gain and lose what.

    That is worked out on a private copy or rolled back; nothing of it is kept.
    """
    held = await call.look_up(lambda tx: changes.get_held_change(tx, held_id))
    shown = {**to_document(held), "http_status": None, "error_reason": None, "detail": None, "radius": None}
    if held.state is HeldState.HELD:
        releasable = await call.read(lambda tx: find_releasable(tx, call.keys, held_id, call.front))
        rehearsal = await call.transactions.rehearse_in_order(call.actor, releasable.foresee(call.actor))
        foreseen = rehearsal.value
        shown |= {
            "http_status": foreseen.status,
            "error_reason": foreseen.code,
            "detail": foreseen.detail,
            "radius": radius_document(foreseen.radius),
        }
    return one(shown)


async def release_held_change(call: CurrentCall, held_id: HeldChangeIdInPath) -> Response:
    """Make a held change, whatever its connection may take away.

    What it would be refused with now, as for a group that is gone, is the answer here; then it stays held. What people
    lose by it does not count against the hour of its connection.
    """
    return one(to_document(await _release(call, held_id)))


async def drop_held_change(call: CurrentCall, held_id: HeldChangeIdInPath) -> Response:
    """Decide that a held change will not be made. If it is sent again, the guard looks at it anew."""
    return one(to_document(await _drop(call, held_id)))


async def release_held_changes(call: CurrentCall, body: ChosenChanges) -> Response:
    """Make held changes one after the other, each by itself, as if each was released alone."""
    return await _decide(call, body, "release", _release)


async def drop_held_changes(call: CurrentCall, body: ChosenChanges) -> Response:
    """Drop held changes one after the other, each by itself."""
    return await _decide(call, body, "drop", _drop)


def _place_in(place: Json) -> tuple[datetime, str] | None:
    return (from_microseconds(int(str(place[0]))), str(place[1])) if isinstance(place, list) else None


async def _release(call: RestCall, held_id: str) -> HeldChange:
    call.record.subject_id, call.record.status = held_id, 200
    releasable = await call.read(lambda tx: find_releasable(tx, call.keys, held_id, call.front))
    actor = changes.as_connection(call.actor, releasable.held)
    journal = ReleaseJournal(CallJournal(call.record), held_id)
    return await call.transactions.write(actor, releasable.release, journal=journal)


async def _drop(call: RestCall, held_id: str) -> HeldChange:
    call.record.subject_id = held_id
    return await call.write(lambda tx: changes.drop_held_change(tx, held_id))


async def _decide(
    call: RestCall, chosen: ChosenChanges, verb: str, decide: Callable[[RestCall, str], Awaitable[HeldChange]]
) -> Response:
    if (chosen.ids is None) is (chosen.connection_id is None):
        raise bad_field("ids", "give either ids or connection_id.")
    call.record.subject_id = owner = chosen.connection_id
    ids: list[str] = list(chosen.ids or ())
    if owner is not None:
        wanted = HeldSearch(connection_id=owner, state=HeldState.HELD, newest_first=False, limit=chosen.limit)
        ids = [each.id for each in await call.read(lambda tx: changes.list_held_changes(tx, wanted))]
    refused = []
    for number, held_id in enumerate(ids, 1):
        try:
            await decide(_part_of(call, number, f"/{held_id}:{verb}"), held_id)
        except DomainError as error:
            refused.append({"id": held_id, "error_reason": error.code, "detail": error.detail})
    remaining = None if owner is None else await call.read(lambda tx: changes.count_held(tx, owner))
    return one({"decided_count": len(ids) - len(refused), "refused": refused, "remaining_count": remaining})


def _part_of(call: RestCall, number: int, path: str) -> RestCall:
    """Return one of the calls that a call for many stands for, with a record of its own."""
    whole = call.record
    request_id = f"{whole.request_id}.{number}"
    actor = call.actor.asking(request_id)
    record = Call(
        request_id=request_id,
        method=whole.method,
        target=f"{_LIST}{path}",
        address=whole.address,
        user_agent=whole.user_agent,
        actor=actor,
        status_of=whole.status_of,
    )
    return replace(call, record=record, actor=actor)


_HELD: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7e",
    "connection_id": "00000000-0000-7000-8000-000000000002",
    "connection_name": "Default",
    "state": "HELD",
    "method": "PATCH",
    "url": "/scim/v2/Groups/019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
    "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "losing_people_count": 1,
    "lost_in_hour_count": 51,
    "limit_count": 50,
    "try_count": 3,
    "held_at": "2026-11-24T10:00:00.000Z",
    "last_tried_at": "2026-11-24T10:40:00.000Z",
    "decided_at": None,
    "decided_by_id": None,
    "decided_by_name": None,
    "result_status": None,
    "refusal": None,
}
_DECIDED: Final = {
    "decided_at": "2026-11-24T11:00:00.000Z",
    "decided_by_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7c",
    "decided_by_name": "root@example.com",
}
_RELEASED: Final = _HELD | _DECIDED | {"state": "RELEASED", "result_status": 204}
_DROPPED: Final = _HELD | _DECIDED | {"state": "DROPPED"}
_EXPLAINED: Final = _HELD | {"http_status": 204, "error_reason": None, "detail": None, "radius": RADIUS_EXAMPLE}
_DECISIONS: Final = {"decided_count": 150, "refused": [], "remaining_count": 0}
_LIST: Final = "/api/v1/held_changes"
_PATH: Final = f"{_LIST}/{{id:opaque}}"

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=_LIST,
        needs=Action.HELD_CHANGE_LIST,
        run=list_held_changes,
        answers=ManyHeldChanges,
        example={"values": [_HELD], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="POST",
        path=f"{_LIST}:release",
        needs=Action.HELD_CHANGE_DECIDE,
        run=release_held_changes,
        answers=ManyDecisions,
        example={"value": _DECISIONS},
    ),
    Endpoint(
        method="POST",
        path=f"{_LIST}:drop",
        needs=Action.HELD_CHANGE_DECIDE,
        run=drop_held_changes,
        answers=ManyDecisions,
        example={"value": _DECISIONS},
    ),
    Endpoint(
        method="GET",
        path=_PATH,
        needs=Action.HELD_CHANGE_LIST,
        run=get_held_change,
        answers=OneExplainedHeldChange,
        example={"value": _EXPLAINED},
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}:release",
        needs=Action.HELD_CHANGE_DECIDE,
        run=release_held_change,
        answers=OneHeldChange,
        example={"value": _RELEASED},
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}:drop",
        needs=Action.HELD_CHANGE_DECIDE,
        run=drop_held_change,
        answers=OneHeldChange,
        example={"value": _DROPPED},
        refusals=(404, 409),
    ),
)
