"""Which events happened, in order?"""

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events import store
from rolecall.events.model import LoggedEvent
from rolecall.storage.transaction import ReadTx, WriteTx


def append_recorded(tx: WriteTx) -> None:
    """Log everything that the transaction has recorded. The last step before each commit."""
    if tx.recorded:
        store.insert_events(tx)


def list_events(tx: ReadTx, *, limit: int, before: int | None = None) -> tuple[LoggedEvent, ...]:
    """Return the newest events first, at most `limit`, from below the sequence number `before`.

    Raises: Forbidden.
    """
    require(tx.actor, Action.EVENT_READ)
    return store.list_events(tx, limit=limit, before=before)
