"""Which calls were made below one path, and what happened because of them?"""

from collections.abc import Collection, Sequence
from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events.model import AuditRecord, LoggedEvent
from rolecall.events.search import store
from rolecall.events.search.logs import first_number
from rolecall.events.search.model import CallNarrowing, Feed, LogPlace
from rolecall.storage.transaction import ReadTx


def find_result(tx: ReadTx, sequence: int, narrowed: CallNarrowing) -> AuditRecord | None:
    """Return the result with this sequence number, or None where it is of another kind.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    row = store.find_result(tx, sequence, narrowed)
    return None if row is None else store.record_from(row)


def follow_results(
    tx: ReadTx, narrowed: CallNarrowing, *, after: int | None, since: datetime | None, until: int, limit: int
) -> Feed[AuditRecord]:
    """Return the next results in the order of writing, as `logs.follow`; there may be none and yet more.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    start = first_number(tx, store.RECORDS, after, since, until)
    end, goes_on = store.end_of_stretch(tx, store.RECORDS, after=start, until=until)
    rows = store.follow(tx, store.RECORDS, after=start, until=end, limit=limit + 1, narrowed=narrowed)
    records = tuple(store.record_from(row) for row in rows[:limit])
    if len(rows) > limit:
        return Feed(items=records, after=records[-1].sequence, has_more=True)
    return Feed(items=records, after=end, has_more=goes_on)


def list_events_of_calls(
    tx: ReadTx, records: Sequence[AuditRecord], types: Collection[str]
) -> dict[str, tuple[LoggedEvent, ...]]:
    """Return, by request id, events of these types that were committed together with these results, in order.

    Found by their instant: an event, and the result of the call that it was recorded in, have one.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    found: dict[str, list[LoggedEvent]] = {record.request_id: [] for record in records}
    instants = {record.request_id: record.recorded_at for record in records}
    for row in store.list_events_beside(tx, set(instants.values()), types) if records else ():
        event = store.event_from(row)
        if event.request_id in found and event.happened_at == instants[event.request_id]:
            found[event.request_id].append(event)
    return {request_id: tuple(events) for request_id, events in found.items()}


def list_events_between(
    tx: ReadTx, types: Collection[str], place: LogPlace, *, until: datetime, limit: int
) -> tuple[tuple[LoggedEvent, ...], LogPlace | None]:
    """Return events of these types behind a place up to an instant, oldest first, and where to read on, if anywhere.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    rows = store.list_events_between(tx, types, place, until=until, limit=limit)
    events = tuple(store.event_from(row) for row in rows)
    last = events[-1] if len(events) == limit else None
    return events, None if last is None else LogPlace(at=last.happened_at, sequence=last.sequence)
