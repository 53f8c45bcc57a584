"""Which reports can be fetched?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, many
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.paging import Pages, PageToken
from rolecall.api.rest.shapes import Instant, Shown
from rolecall.authorization.actions import Action
from rolecall.directory.leavers import LossPage, list_losses, render_csv, to_document
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.document import Json
from rolecall.storage.transaction import ReadTx

CSV_MEDIA_TYPE: Final = "text/csv"
NEXT_PAGE_HEADER: Final = "X-Next-Page-Token"
MOST_LOSSES: Final = 10_000
_USUAL_COUNT: Final = 1_000
_USUAL_PERIOD: Final = timedelta(days=30)

Since = Annotated[Instant | None, Query(description="From this instant on; left out: 30 days ago.")]
Until = Annotated[Instant | None, Query(description="Up to, and without, this instant; left out: now.")]
LossCount = Annotated[int, Query(ge=1, le=MOST_LOSSES, description=f"1 to {MOST_LOSSES}.")]
Form = Annotated[
    Literal["json", "csv"],
    Query(
        description=f"`csv` answers the page as {CSV_MEDIA_TYPE} with a line of headings; where there is more, the "
        f"header `{NEXT_PAGE_HEADER}` has the token."
    ),
]


class ShownLoss(Shown):
    """One user lost one thing."""

    at: str
    user_id: str
    user_name: str | None = Field(description="As it was then; null where only the id is known.")
    lost: str = Field(description="`all_access`, `role` or `api_key`.")
    what: str = Field(description="The role and its team, or the key, by id; a known name follows in brackets.")
    because: str = Field(
        description="The reason that was given, or the source that no longer gives the role, with its group's name."
    )
    by_kind: str = Field(description="By what way the change came in: `api_key`, `command_line`, `system`, …")
    by_user_id: str | None
    by_user_name: str | None
    event_type: str
    event_id: str
    request_id: str | None = Field(description="Under which the audit log has the call.")


class ManyLosses(Shown):
    """A page of losses."""

    values: list[ShownLoss]
    next_page_token: str
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """What is reported on: the same on every page."""

    since: datetime
    until: datetime
    after: int = 0


async def report_leavers(
    call: CurrentCall,
    since: Since = None,
    until: Until = None,
    format: Form = "json",  # noqa: A002  # its name on the wire
    page_size: LossCount = _USUAL_COUNT,
    page_token: PageToken = "",
) -> Response:
    """Report who lost what, when, and by which change: access, roles, API keys. Oldest first.

    Reaches as far back as events are kept. Beside a `page_token`, `since` and `until` are those of the first page.
    """
    pages = Pages(call=call, name="reports/leavers")
    asked = await pages.asked(page_token)

    def ask(tx: ReadTx) -> tuple[_Period, LossPage]:
        period = _period_in(asked.place, since, until, now=tx.now)
        return period, list_losses(tx, since=period.since, until=period.until, after=period.after, limit=page_size)

    period, page = await call.read(ask)
    token = None
    if page.next_after is not None:
        token = pages.token(asked, [to_microseconds(period.since), to_microseconds(period.until), page.next_after])
    if format == "json":
        return many([to_document(loss) for loss in page.losses], token)
    headers = {"Content-Disposition": 'attachment; filename="leavers.csv"'}
    if token is not None:
        headers[NEXT_PAGE_HEADER] = token
    return Response(render_csv(page.losses), media_type=CSV_MEDIA_TYPE, headers=headers)


def _period_in(place: Json, since: datetime | None, until: datetime | None, *, now: datetime) -> _Period:
    if isinstance(place, list):
        begin, end, after = place
        return _Period(since=from_microseconds(begin), until=from_microseconds(end), after=after)
    # What happens in this very moment shall be in it.
    return _Period(since=since or now - _USUAL_PERIOD, until=until or now + timedelta(seconds=1))


_LOSS: Final[Mapping[str, Any]] = {
    "at": "2026-11-24T10:00:00.000Z",
    "user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "user_name": "ada@example.com",
    "lost": "role",
    "what": "operator in Root",
    "because": "scim-group:019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b (Sales staff)",
    "by_kind": "api_key",
    "by_user_id": "019ab3c4-1111-7f80-9a1b-2c3d4e5f6a7b",
    "by_user_name": "okta",
    "event_type": "directory.role.removed",
    "event_id": "019ab3c4-2222-7f80-9a1b-2c3d4e5f6a7b",
    "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/api/v1/reports/leavers",
        needs=Action.USER_LIST,
        run=report_leavers,
        answers=ManyLosses,
        example={"values": [_LOSS], "next_page_token": "", "has_more": False},
        also=CSV_MEDIA_TYPE,
    ),
)
