"""How does a list of a log say where it begins, and where it goes on?"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import Query

from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, parse_filter
from rolecall.api.rest.paging import Asked, Pages
from rolecall.events.search.model import LogPlace, LogSearch
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.document import Json
from rolecall.kernel.predicate import And, Compare, Operator, Path, Predicate

_PERSISTED: Final = (FilterField(name="persisted_at", type=FieldType.INSTANT, path=("persisted_at",)),)

FeedStart = Annotated[
    str,
    Query(
        max_length=200,
        description='Where to begin: `persisted_at ge "…"`. Ignored beside a page_token, so that it may stay there.',
    ),
]


def log_search(
    where: Predicate | None, since: datetime | None, place: Json, limit: int, *, newest_first: bool
) -> LogSearch:
    """Return what is asked of a log, from the place in a page token on."""
    return LogSearch(where=where, since=since, after=place_in(place), newest_first=newest_first, limit=limit)


def place_in(place: Json) -> LogPlace | None:
    """Return the place in a page token."""
    if not isinstance(place, list):
        return None
    at, sequence = place
    return LogPlace(at=from_microseconds(int(str(at))), sequence=int(str(sequence)))


def place_json(after: LogPlace) -> Json:
    """Return a place as it stands in a page token."""
    return [to_microseconds(after.at), after.sequence]


def token_behind(after: LogPlace | None, pages: Pages, asked: Asked) -> str | None:
    """Return the token with which a list is read on, if there is more."""
    return None if after is None else pages.token(asked, place_json(after))


def lower_bound(where: Predicate | None, path: Path) -> datetime | None:
    """Return the instant before which the condition selects nothing, when it says so in plain words."""
    parts = where.parts if isinstance(where, And) else (where,)
    bounds = [
        part.value
        for part in parts
        if isinstance(part, Compare)
        and part.path == path
        and part.operator in {Operator.EQ, Operator.GE, Operator.GT}
        and isinstance(part.value, datetime)
    ]
    return max(bounds, default=None)


def feed_start(filter_text: str) -> datetime | None:
    """Return where a feed is to begin; None: with all there is.

    Raises: InvalidArguments.
    """
    where = parse_filter(filter_text, _PERSISTED)
    if where is None:
        return None
    if isinstance(where, Compare) and where.operator is Operator.GE and isinstance(where.value, datetime):
        return where.value
    raise bad_field("filter", 'has one condition, `persisted_at ge "…"`.')


def number_in(place: Json) -> int | None:
    """Return the sequence number in a feed's page token."""
    return place if isinstance(place, int) else None
