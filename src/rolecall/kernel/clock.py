"""What time is it, and how is an instant written down?"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the current instant, aware and in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def system_clock() -> datetime:
    """Return the machine's current instant in UTC, cut to the millisecond.

    The wire shows milliseconds; an instant that is kept finer could not be found by what was shown.
    """
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def to_microseconds(instant: datetime) -> int:
    """Return microseconds since 1970-01-01T00:00:00Z; exact."""
    return (instant - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the instant that many microseconds after 1970-01-01T00:00:00Z."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_rfc3339(instant: datetime) -> str:
    """Return the instant as RFC 3339 in UTC with `Z` and milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> datetime:
    """Return the instant that an RFC 3339 date-time (or an xsd:dateTime without zone, read as UTC) names.

    Raises: ValueError when it names none.
    """
    text = text.upper()
    if "T" not in text:
        raise ValueError(text)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:  # before year 1 or after 9999 in UTC
        raise ValueError(text) from error
