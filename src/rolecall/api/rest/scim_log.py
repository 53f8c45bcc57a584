"""Which calls are there on the SCIM log?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, many, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.filters import FieldType, FilterField, describe, parse_filter
from rolecall.api.rest.log_places import FeedStart, feed_start, lower_bound, number_in, place_in, place_json
from rolecall.api.rest.paging import (
    MAX_FILTER,
    MAX_PAGE_SIZE,
    Pages,
    PageSize,
    PageToken,
    describe_order,
    parse_order,
)
from rolecall.api.rest.reports import CSV_MEDIA_TYPE, NEXT_PAGE_HEADER
from rolecall.api.rest.shapes import Shown
from rolecall.authorization.actions import Action
from rolecall.connections.log import calls
from rolecall.connections.log.calls import FOLLOWED, MOST_EFFECTS
from rolecall.connections.log.model import CallSearch, LoggedCall
from rolecall.connections.log.rendering import explained_document, render_csv, to_document
from rolecall.events.search import logs
from rolecall.events.search.model import LogPage
from rolecall.kernel.document import Json
from rolecall.kernel.predicate import Path as FieldPath
from rolecall.storage.transaction import ReadTx

MORE_HEADER: Final = "X-Has-More"
MOST_CALLS: Final = 10_000
_FEED: Final = 1_000
_HOURS: Final = FOLLOWED // timedelta(hours=1)

FIELDS: Final = (
    FilterField(name="ended_at", type=FieldType.INSTANT, path=("recorded_at",)),
    FilterField(name="method", type=FieldType.TEXT, path=("method",)),
    FilterField(name="url", type=FieldType.TEXT, path=("target",)),
    FilterField(name="request", type=FieldType.TEXT, path=("request",)),
    FilterField(name="outcome", type=FieldType.TEXT, path=("outcome",)),
    FilterField(name="error_reason", type=FieldType.TEXT, path=("code",)),
    FilterField(name="subject_id", type=FieldType.TEXT, path=("subject_id",)),
    FilterField(name="request_id", type=FieldType.TEXT, path=("request_id",)),
    FilterField(name="api_key_id", type=FieldType.TEXT, path=("api_key_id",)),
    FilterField(name="ip_address", type=FieldType.TEXT, path=("address",)),
)
_BY_TIME: Final[Mapping[str, FieldPath]] = {"ended_at": ("recorded_at",)}

CallFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
CallOrder = Annotated[
    str, Query(max_length=100, description=f"{describe_order(_BY_TIME)} Left out: `ended_at desc`, the newest first.")
]
CallIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The call's id.")]
AboutUser = Annotated[
    str | None,
    Query(
        max_length=100,
        description="Only calls that were about this user (its id), changed it or what it holds, or moved it into a "
        "group or out of one. Found by index, however long the log is.",
    ),
]
AboutGroup = Annotated[
    str | None, Query(max_length=100, description="The same for a group; of both, calls that concerned both.")
]
OfConnection = Annotated[str | None, Query(max_length=100, description="Only calls of this SCIM connection (its id).")]
CallCount = Annotated[int, Query(ge=1, le=MOST_CALLS, description=f"1 to {MOST_CALLS}.")]
Form = Annotated[
    Literal["json", "csv"],
    Query(
        description=f"`csv` answers the page as {CSV_MEDIA_TYPE} with a line of headings and without bodies; the token "
        f"is then in the header `{NEXT_PAGE_HEADER}`, and `{MORE_HEADER}` says `true` or `false`."
    ),
]


class ShownScimCall(Shown):
    """What an identity provider sent, and what was done with it."""

    id: str
    ended_at: str
    request_id: str = Field(description="Also in the answer's header, in audit records and in events.")
    connection_id: str | None = Field(description="Null where nobody was admitted, or the key has been deleted since.")
    connection_name: str | None
    api_key_id: str | None
    ip_address: str | None
    user_agent: str | None
    method: str | None
    url: str | None
    request: object = Field(description="The body with secrets masked; of a large one its size and hash.")
    outcome: str | None = Field(description="`ok`, `refused` or `failed`.")
    http_status: int | None
    error_reason: str | None = Field(description="The stable code of a refusal.")
    detail: str | None
    operations: list[str] = Field(
        description="For each operation of a PATCH, in order: `applied`, `no_change` or `refused`."
    )
    subject_id: str | None = Field(description="The user, group or resource that it was about.")
    gained_count: int = Field(description="Assignments that somebody gained at once.")
    lost_count: int = Field(description="Assignments that somebody lost at once.")
    ended_count: int = Field(description="Users that were deactivated or deleted.")
    goes_on: bool = Field(description="Whether so many people are concerned that a job went on with it.")
    duration_microseconds: int | None


class ShownEffect(Shown):
    """One user gained or lost one thing."""

    kind: str = Field(
        description="`role_gained`, `role_lost`, `access_ended` (deactivated), `access_restored` or `user_deleted`."
    )
    at: str
    user_id: str
    user_name: str = Field(description="As it was then.")
    team_id: str | None
    role: str | None
    source: str | None = Field(description="What gave it, or gives it no longer: `scim-group:…`, `scim-role:…`.")
    by_job: bool = Field(description="Whether a job made it, after the answer.")


class ExplainedScimCall(ShownScimCall):
    """The same with what came of it."""

    effects: list[ShownEffect] = Field(
        description=f"In the order in which they were made; {MOST_EFFECTS} at most, and those of jobs within "
        f"{_HOURS} hours."
    )
    effects_complete: bool = Field(description="False while a job goes on with it, or when there are more.")


class OneScimCall(Shown):
    """One SCIM call."""

    value: ExplainedScimCall


class ManyScimCalls(Shown):
    """A page of SCIM calls; it may be empty although more follows."""

    values: list[ShownScimCall]
    next_page_token: str
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """Whose calls are listed: the same on every page."""

    user_id: str | None
    group_id: str | None
    connection_id: str | None


async def list_scim_calls(
    call: CurrentCall,
    filter: CallFilter = "",  # noqa: A002  # its name on the wire
    user_id: AboutUser = None,
    group_id: AboutGroup = None,
    connection_id: OfConnection = None,
    order_by: CallOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """Search SCIM calls, the newest first. Reaches as far back as audit records are kept.

    A page may be empty although more follows: only `has_more` tells. Beside a `page_token`, `user_id`, `group_id` and
    `connection_id` are those of the first page.
    """
    pages = Pages(call=call, name="scim_log")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)
    where = parse_filter(asked.filter, FIELDS)
    path, descending = parse_order(asked.order_by, _BY_TIME)
    about, place = _place_in(asked.place, _About(user_id=user_id, group_id=group_id, connection_id=connection_id))
    wanted = CallSearch(
        user_id=about.user_id,
        group_id=about.group_id,
        connection_id=about.connection_id,
        where=where,
        since=lower_bound(where, ("recorded_at",)),
        after=place_in(place),
        newest_first=descending or path is None,
        limit=page_size,
    )

    def ask(tx: ReadTx) -> LogPage[LoggedCall]:
        return calls.list_calls(tx, wanted)

    page = await call.read(ask)
    token = None
    if page.after is not None:
        kept = [about.user_id, about.group_id, about.connection_id, place_json(page.after)]
        token = pages.token(asked, kept)
    return many([to_document(each) for each in page.items], token)


async def get_scim_call(call: CurrentCall, call_id: CallIdInPath) -> Response:
    """Return one SCIM call with who gained and lost what because of it, at once and by the job that it started."""
    return one(await call.read(lambda tx: explained_document(calls.get_call(tx, call_id))))


async def export_scim_calls(
    call: CurrentCall,
    filter: FeedStart = "",  # noqa: A002  # its name on the wire
    format: Form = "json",  # noqa: A002  # its name on the wire
    page_size: CallCount = _FEED,
    page_token: PageToken = "",
) -> Response:
    """Follow SCIM calls without a gap, in the order of writing.

    There is always a `next_page_token`: keep it, and ask again with it; it stays good when the key is replaced.
    A page may be empty although more follows: only `has_more` tells.
    """
    pages = Pages(call=call, name="scim_log/export", for_anybody=True)
    asked = await pages.asked(page_token, filter_text=filter)
    since, after = feed_start(asked.filter), number_in(asked.place)
    until = await call.read(lambda tx: logs.settled(tx, logs.RECORDS))
    feed = await call.read(lambda tx: calls.follow_calls(tx, after=after, since=since, until=until, limit=page_size))
    token = pages.token(asked, feed.after)
    if format == "json":
        return many([to_document(each) for each in feed.items], token, has_more=feed.has_more)
    headers = {
        NEXT_PAGE_HEADER: token,
        MORE_HEADER: "true" if feed.has_more else "false",
        "Content-Disposition": 'attachment; filename="scim-log.csv"',
    }
    return Response(render_csv(feed.items), media_type=CSV_MEDIA_TYPE, headers=headers)


def _place_in(place: Json, given: _About) -> tuple[_About, Json]:
    """Return whose calls are listed, and the place to read on from."""
    if not isinstance(place, list):
        return given, None
    user_id, group_id, connection_id = (None if each is None else str(each) for each in place[:3])
    return _About(user_id=user_id, group_id=group_id, connection_id=connection_id), place[3]


_CALL: Final[Mapping[str, Any]] = {
    "id": "1042",
    "ended_at": "2026-11-24T10:00:00.000Z",
    "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "connection_id": "00000000-0000-7000-8000-000000000002",
    "connection_name": "Default",
    "api_key_id": "ie5hac8o3E6n",
    "ip_address": "192.0.2.7",
    "user_agent": "Okta SCIM Client 1.0.0",
    "method": "PATCH",
    "url": "/scim/v2/Groups/019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
    "request": {"Operations": [{"op": "remove", "path": 'members[value eq "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b"]'}]},
    "outcome": "ok",
    "http_status": 204,
    "error_reason": None,
    "detail": None,
    "operations": ["applied"],
    "subject_id": "019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
    "gained_count": 0,
    "lost_count": 1,
    "ended_count": 0,
    "goes_on": False,
    "duration_microseconds": 1830,
}
_EFFECT: Final = {
    "kind": "role_lost",
    "at": "2026-11-24T10:00:00.000Z",
    "user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "user_name": "ada@example.com",
    "team_id": "00000000-0000-7000-8000-000000000001",
    "role": "operator",
    "source": "scim-group:019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
    "by_job": False,
}
_PAGE: Final = {"values": [_CALL], "next_page_token": "", "has_more": False}

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/api/v1/scim_log",
        needs=Action.AUDIT_READ,
        run=list_scim_calls,
        answers=ManyScimCalls,
        example=_PAGE,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/scim_log/export",
        needs=Action.AUDIT_READ,
        run=export_scim_calls,
        answers=ManyScimCalls,
        example=_PAGE | {"next_page_token": "pQ3…"},
        also=CSV_MEDIA_TYPE,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/scim_log/{id:opaque}",
        needs=Action.AUDIT_READ,
        run=get_scim_call,
        answers=OneScimCall,
        example={"value": {**_CALL, "effects": [_EFFECT], "effects_complete": True}},
        refusals=(404,),
    ),
)
