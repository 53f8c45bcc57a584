"""Which entries of a log fulfil a condition, and what has been written to it since?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events.model import AuditRecord, LoggedEvent
from rolecall.events.search import store
from rolecall.events.search.model import Feed, LogPage, LogSearch
from rolecall.storage.transaction import ReadTx

T = TypeVar("T", AuditRecord, LoggedEvent)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Log(Generic[T]):
    """One log: what has to be allowed to whoever reads it, and where it is kept."""

    needs: Action
    kept: store.Kept[T]


RECORDS: Final = Log(needs=Action.AUDIT_READ, kept=store.RECORDS)
EVENTS: Final = Log(needs=Action.EVENT_READ, kept=store.EVENTS)


def search(tx: ReadTx, log: Log[T], wanted: LogSearch) -> LogPage[T]:
    """Return entries by their time: of an audit record, when its call ended.

    Raises: Forbidden.
    """
    require(tx.actor, log.needs)
    rows, after = store.search(tx, log.kept, wanted)
    return LogPage(items=tuple(map(log.kept.entry_from, rows)), after=after)


def settled(tx: ReadTx, log: Log[T]) -> int:
    """Return up to which sequence number all entries are there, for a transaction that begins after this.

    Raises: Forbidden, Unavailable.
    """
    require(tx.actor, log.needs)
    return store.settled(tx, log.kept)


def newest(tx: ReadTx, log: Log[T]) -> int:
    """Return the sequence number of the newest entry, 0 when there is none. Lower ones may still come.

    Raises: Forbidden.
    """
    require(tx.actor, log.needs)
    return store.newest(tx, log.kept)


def follow(tx: ReadTx, log: Log[T], *, after: int | None, since: datetime | None, until: int, limit: int) -> Feed[T]:
    """Return the next entries in the order of writing: behind `after`, else from about `since` on, else all.

    None beyond `until`, which is what was `settled` in an earlier transaction: so a follower misses none.

    Raises: Forbidden.
    """
    require(tx.actor, log.needs)
    start = first_number(tx, log.kept, after, since, until)
    rows = store.follow(tx, log.kept, after=start, until=until, limit=limit + 1)
    entries = tuple(map(log.kept.entry_from, rows[:limit]))
    return Feed(items=entries, after=entries[-1].sequence if entries else start, has_more=len(rows) > limit)


def first_number(tx: ReadTx, kept: store.Kept[T], after: int | None, since: datetime | None, until: int) -> int:
    """Return the sequence number behind which a feed begins. For the feeds of this package."""
    if after is not None:
        return after
    return 0 if since is None else min(store.sequence_before(tx, kept, since), until)
