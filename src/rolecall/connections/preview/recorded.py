"""Which recorded SCIM calls can be asked about again, and who made them?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rolecall.authentication.connection_keys import find_limits_of
from rolecall.authorization.actor import Actor
from rolecall.connections.decide import acting_within
from rolecall.connections.log.calls import get_record, list_calls
from rolecall.connections.log.model import CallSearch
from rolecall.events.model import AuditRecord
from rolecall.events.search.model import LogPlace
from rolecall.kernel.predicate import And, Compare, Operator
from rolecall.storage.transaction import ReadTx

MOST_RECORDED: Final = 5_000
"""So many recorded calls are played at once at most."""
_AT_ONCE: Final = 500
_WRITES: Final = tuple(Compare(path=("method",), operator=Operator.NE, value=each) for each in ("GET", "HEAD"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One call of the log that asked for a change, and who would make it again."""

    record: AuditRecord
    actor: Actor | None
    """Whoever asks now, within the limits of the key that it was made with; None: that key is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Calls in the order in which they ended."""

    calls: tuple[RecordedCall, ...]
    is_complete: bool
    """Whether these are all of that time."""


def get_recorded(tx: ReadTx, call_id: str) -> RecordedCall:
    """Return one call of the SCIM log.

    Raises: Forbidden, NotFound.
    """
    return _told(tx, (get_record(tx, call_id),))[0]


def list_recorded(
    tx: ReadTx, connection_id: str, *, since: datetime, until: datetime, limit: int = MOST_RECORDED
) -> Recording:
    """Return what a connection asked to be changed from `since` to before `until`, the first ones.

    A bulk request is there as its operations, each of which is a call of its own in the log.

    Raises: Forbidden, NotFound.
    """
    before = Compare(path=("recorded_at",), operator=Operator.LT, value=until)
    where = And(parts=(before, *_WRITES))
    found: list[AuditRecord] = []
    place: LogPlace | None = None
    while True:
        wanted = CallSearch(
            connection_id=connection_id, where=where, since=since, after=place, newest_first=False, limit=_AT_ONCE
        )
        page = list_calls(tx, wanted)
        found += (each.record for each in page.items if not _is_bulk(each.record))
        place = page.after
        if place is None or len(found) > limit:
            return Recording(calls=_told(tx, found[:limit]), is_complete=len(found) <= limit)


def _is_bulk(record: AuditRecord) -> bool:
    return (record.target or "").partition("?")[0].rstrip("/").endswith("/Bulk")


def _told(tx: ReadTx, records: Iterable[AuditRecord]) -> tuple[RecordedCall, ...]:
    kept = tuple(records)
    limits = find_limits_of(tx, {each.api_key_id for each in kept if each.api_key_id is not None})
    return tuple(
        RecordedCall(
            record=each,
            actor=acting_within(tx.actor, limits[each.api_key_id]) if each.api_key_id in limits else None,
        )
        for each in kept
    )
