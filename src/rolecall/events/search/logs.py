"""Which audit records and events fulfil a condition, and what has been written since?"""

from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events.model import AuditRecord, LoggedEvent
from rolecall.events.search import store
from rolecall.events.search.model import Feed, LogPage, LogSearch
from rolecall.storage.transaction import ReadTx


def search_records(tx: ReadTx, wanted: LogSearch) -> LogPage[AuditRecord]:
    """Return audit records by the time at which their calls ended.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    rows, after = store.search(tx, store.RECORDS, wanted)
    return LogPage(items=tuple(store.record_from(row) for row in rows), after=after)


def settled_records(tx: ReadTx) -> int:
    """Return up to which sequence number all audit records are there, for a transaction that begins after this.

    Raises: Forbidden, Unavailable.
    """
    require(tx.actor, Action.AUDIT_READ)
    return store.settled(tx, store.RECORDS)


def follow_records(
    tx: ReadTx, *, after: int | None, since: datetime | None, until: int, limit: int
) -> Feed[AuditRecord]:
    """Return the next audit records in the order of writing: behind `after`, else from about `since` on, else all.

    None beyond `until`, which is `settled_records` of an earlier transaction: so a follower misses none.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    start = _start(tx, store.RECORDS, after, since, until)
    rows = store.follow(tx, store.RECORDS, after=start, until=until, limit=limit + 1)
    records = tuple(store.record_from(row) for row in rows[:limit])
    return Feed(items=records, after=records[-1].sequence if records else start, has_more=len(rows) > limit)


def search_events(tx: ReadTx, wanted: LogSearch) -> LogPage[LoggedEvent]:
    """Return events by the time at which they happened.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_READ)
    rows, after = store.search(tx, store.EVENTS, wanted)
    return LogPage(items=tuple(store.event_from(row) for row in rows), after=after)


def settled_events(tx: ReadTx) -> int:
    """Return up to which sequence number all events are there, for a transaction that begins after this.

    Raises: Forbidden, Unavailable.
    """
    require(tx.actor, Action.EVENT_READ)
    return store.settled(tx, store.EVENTS)


def follow_events(
    tx: ReadTx, *, after: int | None, since: datetime | None, until: int, limit: int
) -> Feed[LoggedEvent]:
    """Return the next events in the order of writing: behind `after`, else from about `since` on, else all.

    None beyond `until`, which is `settled_events` of an earlier transaction: so a follower misses none.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_READ)
    start = _start(tx, store.EVENTS, after, since, until)
    rows = store.follow(tx, store.EVENTS, after=start, until=until, limit=limit + 1)
    events = tuple(store.event_from(row) for row in rows[:limit])
    return Feed(items=events, after=events[-1].sequence if events else start, has_more=len(rows) > limit)


def _start(tx: ReadTx, log: store.Log, after: int | None, since: datetime | None, until: int) -> int:
    if after is not None:
        return after
    return 0 if since is None else min(store.sequence_before(tx, log, since), until)
