"""Which events happened, in order?"""

from collections.abc import Collection
from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events import store
from rolecall.events.model import LoggedEvent
from rolecall.storage.transaction import ReadTx, WriteTx


def append_recorded(tx: WriteTx) -> None:
    """Log everything that the transaction has recorded. The last step before each commit."""
    if tx.recorded:
        store.insert_events(tx)


def list_events(
    tx: ReadTx, *, limit: int, before: int | None = None, warnings: bool = False
) -> tuple[LoggedEvent, ...]:
    """Return the newest events first, at most `limit`, with sequence numbers below `before`.

    With `warnings` only those that are more than information.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_READ)
    return store.list_events(tx, limit=limit, before=before, warnings=warnings)


def list_events_of(
    tx: ReadTx, types: Collection[str], *, since: datetime, until: datetime, limit: int, after: int = 0
) -> tuple[LoggedEvent, ...]:
    """Return events of these types from `since` to before `until`, oldest first, with sequence numbers above `after`.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_READ)
    return store.list_events_of(tx, types, since=since, until=until, after=after, limit=limit)


def delete_events(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Forget events that happened before an instant, oldest first, at most `limit`; return how many.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_DELETE)
    return store.delete_events(tx, before=before, limit=limit)


def index_mentions(tx: WriteTx, *, limit: int) -> int:
    """Put away mentions of the last minutes where they are found by index; return how many, at most `limit`.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_DELETE)
    return store.index_mentions(tx, limit=limit)
