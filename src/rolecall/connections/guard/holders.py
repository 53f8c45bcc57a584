"""How many people hold something, of whom a part may lose it?"""

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.connections.guard import decide, store
from rolecall.directory import grounds
from rolecall.directory.model import ConnectionId
from rolecall.storage.transaction import ReadTx, WriteTx


def count_holders(tx: ReadTx) -> dict[ConnectionId, int]:
    """Count who holds something, for each connection with those who lost it by that within the hour.

    Else a limit would shrink while it is used. Looks at every assignment, so it is for a job, which keeps the counts
    for `keep_counts`; a change never counts.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    since = tx.now - decide.WINDOW
    losers = store.list_losers_by_connection(tx, since=since)
    return {each: grounds.count_holders(tx, also=lost) for each, lost in losers.items()}


def keep_counts(tx: WriteTx, counts: dict[ConnectionId, int]) -> None:
    """Keep what was counted, for the guard to read.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    store.save_holder_counts(tx, counts)
