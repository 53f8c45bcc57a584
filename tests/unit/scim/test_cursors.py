import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.directory.model import Position, Seek
from rolecall.scim.cursors import (
    Cursor,
    ExpiredCursor,
    InvalidCount,
    check_cursor,
    decode_cursor,
    encode_cursor,
    parse_cursor_count,
    render_cursor_page,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEYS = st.one_of(st.none(), st.text(), st.integers(-(2**53), 2**53), st.lists(st.integers(0, 9), min_size=2))
SEEKS = st.builds(
    Seek, start=st.one_of(st.none(), st.builds(Position, key=KEYS, id=st.text(min_size=1))), backwards=st.booleans()
)


@given(SEEKS, st.integers(0, 1), st.integers(1, 200))
def test_a_cursor_is_read_as_it_was_written(seek: Seek, number: int, count: int):
    cursor = Cursor(number=number, seek=seek, count=count, expires_at=NOON)
    assert decode_cursor(encode_cursor(cursor)) == cursor


@pytest.mark.parametrize("text, count", [(None, 100), ("", 100), ("0", 0), ("-7", 0), ("200", 200), ("1", 1)])
def test_a_count_is_a_page_size(text: str | None, count: int):
    assert parse_cursor_count(text, maximum=200, default=100) == count


@pytest.mark.parametrize("text", ["201", "9" * 50, "x", "1.5"])
def test_a_count_that_no_page_has_is_invalid(text: str):
    with pytest.raises(InvalidCount):
        parse_cursor_count(text, maximum=200, default=100)


def test_a_cursor_is_taken_until_it_expires():
    cursor = Cursor(number=0, seek=Seek(), count=10, expires_at=NOON)
    check_cursor(cursor, count=10, now=NOON)
    with pytest.raises(ExpiredCursor, match="Begin again"):
        check_cursor(cursor, count=10, now=NOON + timedelta(milliseconds=1))


def test_a_walk_goes_on_with_the_count_that_it_began_with():
    cursor = Cursor(number=0, seek=Seek(), count=10, expires_at=NOON)
    with pytest.raises(InvalidCount, match="count was 10"):
        check_cursor(cursor, count=11, now=NOON)


@pytest.mark.parametrize("cursors", [{}, {"nextCursor": "n"}, {"previousCursor": "p", "nextCursor": "n"}])
@pytest.mark.parametrize("resources", [[], [b'{"id":"1"}', b'{"id":"2"}']])
def test_a_page_has_cursors_and_no_start_index(resources: list[bytes], cursors: dict[str, str]):
    assert json.loads(render_cursor_page(resources, 7, cursors)) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 7,
        "itemsPerPage": len(resources),
        **cursors,
        "Resources": [json.loads(resource) for resource in resources],
    }
