"""Which calls are there on the audit log and the event log?"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final, TypeVar

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, many
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import FAILURE, TOLD, bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe, parse_filter
from rolecall.api.rest.log_places import (
    FeedStart,
    feed_start,
    log_search,
    lower_bound,
    number_in,
    token_behind,
)
from rolecall.api.rest.paging import (
    MAX_FILTER,
    MAX_PAGE_SIZE,
    Asked,
    Pages,
    PageSize,
    PageToken,
    describe_order,
    parse_order,
)
from rolecall.api.rest.shapes import Shown, instant
from rolecall.authorization.actions import Action
from rolecall.events import catalog
from rolecall.events.model import AuditRecord, CallOutcome, LoggedEvent
from rolecall.events.search import logs
from rolecall.events.search.model import Feed, LogPage
from rolecall.kernel.document import Json
from rolecall.kernel.predicate import Path
from rolecall.storage.transaction import ReadTx

T = TypeVar("T", AuditRecord, LoggedEvent)

AUDIT_DAYS: Final = 90
"""How far back the audit log can be searched; the export has no such limit."""
MOST_RECORDS: Final = 10_000
_FEED: Final = 1_000

RECORD_FIELDS: Final = (
    FilterField(name="ended_at", type=FieldType.INSTANT, path=("recorded_at",)),
    FilterField(name="method", type=FieldType.TEXT, path=("method",)),
    FilterField(name="url", type=FieldType.TEXT, path=("target",)),
    FilterField(name="user_id", type=FieldType.TEXT, path=("user_id",)),
    FilterField(name="api_key_id", type=FieldType.TEXT, path=("api_key_id",)),
    FilterField(name="request_id", type=FieldType.TEXT, path=("request_id",)),
    FilterField(name="ip_address", type=FieldType.TEXT, path=("address",)),
    FilterField(name="subject_id", type=FieldType.TEXT, path=("subject_id",)),
    FilterField(name="outcome", type=FieldType.TEXT, path=("outcome",)),
    FilterField(name="phase", type=FieldType.TEXT, path=("phase",)),
    FilterField(name="error_reason", type=FieldType.TEXT, path=("code",)),
)
EVENT_FIELDS: Final = (
    FilterField(name="timestamp", type=FieldType.INSTANT, path=("happened_at",)),
    FilterField(name="category", type=FieldType.TEXT, path=("category",)),
    FilterField(name="severity", type=FieldType.TEXT, path=("severity",)),
    FilterField(name="event_type", type=FieldType.TEXT, path=("type",)),
    FilterField(name="entity_id", type=FieldType.TEXT, path=("subject_id",)),
    FilterField(name="actor_user_id", type=FieldType.TEXT, path=("actor_user_id",)),
    FilterField(name="request_id", type=FieldType.TEXT, path=("request_id",)),
)
_BY_RECORD_TIME: Final[Mapping[str, Path]] = {"ended_at": ("recorded_at",)}
_BY_EVENT_TIME: Final[Mapping[str, Path]] = {"timestamp": ("happened_at",)}

_STATUS_CODES: Final[Mapping[int, str]] = dict(TOLD.values()) | dict([FAILURE, (405, "Unimplemented")])

RecordFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(RECORD_FIELDS))]
RecordOrder = Annotated[str, Query(max_length=100, description=describe_order(_BY_RECORD_TIME))]
EventFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(EVENT_FIELDS))]
EventOrder = Annotated[str, Query(max_length=100, description=describe_order(_BY_EVENT_TIME))]
RecordCount = Annotated[int, Query(ge=1, le=MOST_RECORDS, description=f"Required: 1 to {MOST_RECORDS}.")]
FeedCount = Annotated[int, Query(ge=1, le=MOST_RECORDS, description=f"1 to {MOST_RECORDS}.")]


class ShownClient(Shown):
    """Where a call came from."""

    ip_address: str | None
    user_agent: str | None


class ShownIntent(Shown):
    """Who asked for what."""

    trace_id: str = Field(description="The request id: also in the answer's header, in events and in the log.")
    kind: str | None = Field(description="By what way: `api_key`, `command_line`, `system`, `nobody`.")
    user_id: str | None
    user_name: str | None
    api_key_id: str | None
    method: str | None
    url: str | None
    client: ShownClient
    request: object = Field(description="The body with secrets masked; of a large one its size and hash.")


class ShownResult(Shown):
    """What became of it."""

    outcome: str = Field(description="`ok`, `refused` or `failed`.")
    code: str = Field(description="`OK`, or the code of a refusal.")
    http_status: int | None
    error_reason: str | None = Field(description="The stable code of a refusal.")
    detail: str | None
    operations: list[str]
    subject_id: str | None = Field(description="What it was about.")
    repeated_count: int | None = Field(description="For calls that were only counted.")
    duration_microseconds: int | None


class ShownRecord(Shown):
    """One record: the intent of a write, or the result of any call."""

    id: str = Field(description="Its sequence number.")
    timestamp: str
    phase: str = Field(description="`intent` or `result`. An intent without a result was not applied.")
    intent: ShownIntent
    result: ShownResult | None


class ManyRecords(Shown):
    """A page of audit records; it may be empty although more follows."""

    values: list[ShownRecord]
    next_page_token: str
    has_more: bool


class ShownEvent(Shown):
    """Something that has happened."""

    id: str
    timestamp: str
    category: str
    severity: str
    event_type: str
    name: str
    message: str
    entity_id: str | None
    actor_kind: str
    actor_user_id: str | None
    request_id: str | None
    metadata: dict[str, object]


class ManyEvents(Shown):
    """A page of events; it may be empty although more follows."""

    events: list[ShownEvent]
    next_page_token: str
    has_more: bool


async def list_audit_records(
    call: CurrentCall,
    page_size: RecordCount,
    filter: RecordFilter = "",  # noqa: A002  # its name on the wire
    order_by: RecordOrder = "",
    page_token: PageToken = "",
) -> Response:
    """Search the audit log by the time at which calls ended.

    The filter must have a condition `ended_at ge "…"` of the last 90 days; for all that there is, see the export.
    A page may be empty although more follows: only `has_more` tells.
    """
    pages = Pages(call=call, name="audit")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)
    where = parse_filter(asked.filter, RECORD_FIELDS)
    _by, newest_first = parse_order(asked.order_by, _BY_RECORD_TIME)

    def ask(tx: ReadTx) -> LogPage[AuditRecord]:
        since = lower_bound(where, ("recorded_at",))
        # A page token that was good at its first page must not die of old age while it is followed.
        earliest = tx.now - timedelta(days=AUDIT_DAYS + (1 if asked.place else 0))
        if since is None or since < earliest:
            raise bad_field("filter", f'needs a condition `ended_at ge "…"` of the last {AUDIT_DAYS} days.')
        return logs.search(
            tx, logs.RECORDS, log_search(where, since, asked.place, page_size, newest_first=newest_first)
        )

    page = await call.read(ask)
    return many([_record_json(each) for each in page.items], token_behind(page.after, pages, asked))


async def export_audit_records(
    call: CurrentCall,
    filter: FeedStart = "",  # noqa: A002  # its name on the wire
    page_size: FeedCount = _FEED,
    page_token: PageToken = "",
) -> Response:
    """Follow the audit log without a gap, in the order of writing.

    There is always a `next_page_token`: keep it, and ask again with it; it stays good when the key is replaced.
    """
    pages = Pages(call=call, name="audit/export", for_anybody=True)
    feed, token = await _follow(pages, logs.RECORDS, await pages.asked(page_token, filter_text=filter), page_size)
    return many([_record_json(each) for each in feed.items], token, has_more=feed.has_more)


async def list_events(
    call: CurrentCall,
    filter: EventFilter = "",  # noqa: A002  # its name on the wire
    order_by: EventOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """Search the event log by the time at which things happened.

    A page may be empty although more follows: only `has_more` tells.
    """
    pages = Pages(call=call, name="events")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)
    where = parse_filter(asked.filter, EVENT_FIELDS)
    _by, newest_first = parse_order(asked.order_by, _BY_EVENT_TIME)
    wanted = log_search(where, lower_bound(where, ("happened_at",)), asked.place, page_size, newest_first=newest_first)
    page = await call.read(lambda tx: logs.search(tx, logs.EVENTS, wanted))
    return many(_events_json(page.items), token_behind(page.after, pages, asked), name="events")


async def export_events(
    call: CurrentCall,
    filter: FeedStart = "",  # noqa: A002  # its name on the wire
    page_size: FeedCount = _FEED,
    page_token: PageToken = "",
) -> Response:
    """Follow the event log without a gap, in the order of writing.

    There is always a `next_page_token`: keep it, and ask again with it; it stays good when the key is replaced.
    """
    pages = Pages(call=call, name="events/export", for_anybody=True)
    feed, token = await _follow(pages, logs.EVENTS, await pages.asked(page_token, filter_text=filter), page_size)
    return many(_events_json(feed.items), token, name="events", has_more=feed.has_more)


async def _follow(pages: Pages, log: logs.Log[T], asked: Asked, limit: int) -> tuple[Feed[T], str]:
    """Return the next entries, and the token to go on with."""
    since, after = feed_start(asked.filter), number_in(asked.place)
    until = await pages.call.read(lambda tx: logs.settled(tx, log))
    feed = await pages.call.read(lambda tx: logs.follow(tx, log, after=after, since=since, until=until, limit=limit))
    return feed, pages.token(asked, feed.after)


def _record_json(record: AuditRecord) -> Json:
    return {
        "id": str(record.sequence),
        "timestamp": instant(record.recorded_at),
        "phase": record.phase.value,
        "intent": {
            "trace_id": record.request_id,
            "kind": record.actor_kind,
            "user_id": record.user_id,
            "user_name": record.user_name,
            "api_key_id": record.api_key_id,
            "method": record.method,
            "url": record.target,
            "client": {"ip_address": record.address, "user_agent": record.user_agent},
            "request": record.request,
        },
        "result": None if record.outcome is None else _result_json(record, record.outcome),
    }


def _result_json(record: AuditRecord, outcome: CallOutcome) -> Json:
    code = "OK" if outcome is CallOutcome.OK else _STATUS_CODES.get(record.status or 0, "Unknown")
    return {
        "outcome": outcome.value,
        "code": code,
        "http_status": record.status,
        "error_reason": record.code,
        "detail": record.detail,
        "operations": list(record.operations),
        "subject_id": record.subject_id,
        "repeated_count": record.repeated_count,
        "duration_microseconds": record.duration_microseconds,
    }


def _events_json(events: Sequence[LoggedEvent]) -> list[Json]:
    meanings = catalog.meanings()
    return [
        {
            "id": event.id,
            "timestamp": instant(event.happened_at),
            "category": event.category,
            "severity": event.severity,
            "event_type": event.type,
            "name": catalog.name_of(event.type),
            # Of a type that a later version no longer knows only the name is left.
            "message": meanings.get(event.type, ""),
            "entity_id": event.subject_id,
            "actor_kind": event.actor_kind,
            "actor_user_id": event.actor_user_id,
            "request_id": event.request_id,
            "metadata": event.data,
        }
        for event in events
    ]


_RECORD: Final = {
    "id": "1042",
    "timestamp": "2026-11-24T10:00:00.000Z",
    "phase": "result",
    "intent": {
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "kind": "api_key",
        "user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
        "user_name": "okta",
        "api_key_id": "ie5hac8o3E6n",
        "method": "POST",
        "url": "/scim/v2/Users",
        "client": {"ip_address": "192.0.2.7", "user_agent": "Okta SCIM Client 1.0.0"},
        "request": {"userName": "ada@example.com", "password": "[masked]"},
    },
    "result": {
        "outcome": "refused",
        "code": "AlreadyExists",
        "http_status": 409,
        "error_reason": "user_name_taken",
        "detail": "The userName 'ada@example.com' is in use by another user.",
        "operations": [],
        "subject_id": None,
        "repeated_count": None,
        "duration_microseconds": 1830,
    },
}
_EVENT: Final = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "timestamp": "2026-11-24T10:00:00.000Z",
    "category": "SYSTEM",
    "severity": "INFO",
    "event_type": "directory.user.deactivated",
    "name": "User deactivated",
    "message": "A user's access ended; its history and assignments stay.",
    "entity_id": "019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b",
    "actor_kind": "api_key",
    "actor_user_id": "019ab3c4-1111-7f80-9a1b-2c3d4e5f6a7b",
    "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "metadata": {"user_name": "ada@example.com", "reason": "left the company"},
}
_RECORDS_PAGE: Final = {"values": [_RECORD], "next_page_token": "", "has_more": False}
_EVENTS_PAGE: Final = {"events": [_EVENT], "next_page_token": "", "has_more": False}

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/api/preview/system/audit",
        needs=Action.AUDIT_READ,
        run=list_audit_records,
        answers=ManyRecords,
        example=_RECORDS_PAGE,
    ),
    Endpoint(
        method="GET",
        path="/api/preview/system/audit/export",
        needs=Action.AUDIT_READ,
        run=export_audit_records,
        answers=ManyRecords,
        example=_RECORDS_PAGE | {"next_page_token": "pQ3…"},
    ),
    Endpoint(
        method="GET",
        path="/api/preview/events",
        needs=Action.EVENT_READ,
        run=list_events,
        answers=ManyEvents,
        example=_EVENTS_PAGE,
    ),
    Endpoint(
        method="GET",
        path="/api/preview/events/export",
        needs=Action.EVENT_READ,
        run=export_events,
        answers=ManyEvents,
        example=_EVENTS_PAGE | {"next_page_token": "pQ3…"},
    ),
)
