"""What does a cursor say (RFC 9865), and how is a page answered that has them?

A cursor is a position, nothing that is kept here: however many are handed out, they cost nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from rolecall.directory.model import Position, Seek
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.scim.errors import InvalidValue, ScimError
from rolecall.scim.lists import whole_number
from rolecall.scim.messages import LIST_RESPONSE

CURSOR_TIMEOUT_SECONDS: Final = 600
"""For how long after its page a cursor is taken."""


class InvalidCursor(ScimError):
    """The cursor was not given to this caller for this query (RFC 9865 §2.1)."""

    code = "invalid_cursor"
    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """The cursor was given too long ago; begin again with an empty one (RFC 9865 §2.1)."""

    code = "expired_cursor"
    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """The count is no page size, or not the one that the walk began with (RFC 9865 §2.1)."""

    code = "invalid_count"
    scim_type = "invalidCount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page begins: in the list with that number among those that are asked for at once."""

    number: int
    seek: Seek
    count: int
    expires_at: datetime


def parse_cursor_count(text: str | None, *, maximum: int, default: int) -> int:
    """Return how many resources each page of a walk shall have; less than none is none.

    Raises: InvalidCount.
    """
    try:
        count = whole_number("count", text, default)
    except InvalidValue as error:
        raise InvalidCount(error.detail, attribute="count") from error
    if count > maximum:
        raise InvalidCount(f"count can be at most {maximum} with a cursor.", attribute="count")
    return max(count, 0)


def check_cursor(cursor: Cursor, *, count: int, now: datetime) -> None:
    """Refuse a cursor that is too old, or another count than the walk began with.

    Raises: ExpiredCursor, InvalidCount.
    """
    if now > cursor.expires_at:
        raise ExpiredCursor("The cursor has expired. Begin again with an empty one.", attribute="cursor")
    if count != cursor.count:
        raise InvalidCount(f"count was {cursor.count} when this list was begun and must stay so.", attribute="count")


def encode_cursor(cursor: Cursor) -> bytes:
    """Return what `decode_cursor` reads. Not sealed: whoever gets it could read and change it."""
    start = cursor.seek.start
    place = None if start is None else [start.key, start.id]
    return orjson.dumps([cursor.number, cursor.seek.backwards, place, cursor.count, to_microseconds(cursor.expires_at)])


def decode_cursor(encoded: bytes) -> Cursor:
    """Return the cursor that `encode_cursor` wrote."""
    number, backwards, place, count, expires_at = orjson.loads(encoded)
    return Cursor(
        number=number,
        seek=Seek(start=None if place is None else Position(key=place[0], id=place[1]), backwards=backwards),
        count=count,
        expires_at=from_microseconds(expires_at),
    )


def render_cursor_page(resources: Sequence[bytes], total: int, cursors: Mapping[str, str]) -> bytes:
    """Return the ListResponse around resources that are JSON already; `cursors` by their names on the wire."""
    head = {
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "itemsPerPage": len(resources),
        **cursors,
    }
    return b'%b,"Resources":[%b]}' % (orjson.dumps(head)[:-1], b",".join(resources))
