from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.kernel.clock import from_microseconds, parse_rfc3339, system_clock, to_microseconds, to_rfc3339

INSTANTS = st.datetimes(timezones=st.just(UTC))


def test_the_system_clock_is_in_utc_and_shows_no_more_than_milliseconds():
    now = system_clock()
    assert now.utcoffset() == timedelta(0)
    assert now.microsecond % 1000 == 0
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_microseconds_count_from_1970():
    assert to_microseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert to_microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert to_microseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000


@given(INSTANTS)
def test_microseconds_lose_nothing(instant):
    assert from_microseconds(to_microseconds(instant)) == instant


@given(INSTANTS, INSTANTS)
def test_microseconds_keep_the_order(one, other):
    assert (to_microseconds(one) < to_microseconds(other)) == (one < other)


def test_an_instant_is_written_with_z_and_milliseconds():
    assert to_rfc3339(datetime(2026, 11, 24, 10, 30, tzinfo=UTC)) == "2026-11-24T10:30:00.000Z"


def test_an_instant_of_another_zone_is_written_in_utc():
    zone = timezone(timedelta(hours=2))
    assert to_rfc3339(datetime(2026, 11, 24, 1, 30, 0, 123_456, tzinfo=zone)) == "2026-11-23T23:30:00.123Z"


@given(INSTANTS)
def test_what_is_written_is_read_back_to_the_millisecond(instant):
    read = parse_rfc3339(to_rfc3339(instant))
    assert timedelta(0) <= instant - read < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text, instant",
    [
        ("2026-11-24T10:30:00Z", datetime(2026, 11, 24, 10, 30, tzinfo=UTC)),
        ("2026-11-24t10:30:00z", datetime(2026, 11, 24, 10, 30, tzinfo=UTC)),
        ("2026-11-24T10:30:00.5+02:00", datetime(2026, 11, 24, 8, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-11-24T10:30:00", datetime(2026, 11, 24, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_date_time_is_read_with_or_without_zone(text, instant):
    read = parse_rfc3339(text)
    assert read == instant
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-24",
        "2026-11-24 10:30:00Z",
        "2026-13-24T10:30:00Z",
        "Tuesday",
        "T",
        # In UTC these would lie outside the years that a datetime can have.
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_what_is_no_date_time_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_rfc3339(text)
