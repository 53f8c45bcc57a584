import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rolecall.kernel.ids import new_id

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the strategy adds the zone


@given(INSTANTS)
def test_an_id_is_a_uuid_of_version_7_in_lower_case(now):
    text = new_id(now)
    read = uuid.UUID(text)
    assert str(read) == text
    assert read.version == 7
    assert read.variant == uuid.RFC_4122


@given(INSTANTS)
def test_an_id_tells_the_millisecond_in_which_it_was_made(now):
    milliseconds = uuid.UUID(new_id(now)).int >> 80
    assert abs(milliseconds - int(now.timestamp() * 1000)) <= 1


@given(INSTANTS)
def test_a_later_id_sorts_later(now):
    assert new_id(now) < new_id(now + timedelta(milliseconds=2))


def test_ids_of_one_instant_differ():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert len({new_id(now) for _ in range(1_000)}) == 1_000
