"""Up to which number of a counted table is nothing still under way?

Numbers are given before the commit. On PostgreSQL a row with a lower number can therefore appear after one
with a higher, and whoever reads by number would miss it (ADR 0025).
"""

import time
from typing import Final

from rolecall.kernel.errors import Unavailable
from rolecall.storage.transaction import ReadTx

EVERY_NUMBER: Final = 2**63 - 1
_PATIENCE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.01
_LAST_NUMBER: Final = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, 'sequence')::regclass), 0)"
# An INSERT locks its table before it takes a number, and is seen by everybody before it gives the lock back.
_WRITING: Final = """
    SELECT DISTINCT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IS DISTINCT FROM pg_backend_pid()
"""


def settled_number(tx: ReadTx, table: str) -> int:
    """Return a number up to which every row that will ever be is there, for a transaction that begins after this.

    Waits a moment for what is under way. On SQLite, where one writer follows the other, there is nothing to wait for.

    Raises: Unavailable when something is under way for longer.
    """
    if tx.dialect == "sqlite":
        return EVERY_NUMBER
    deadline = time.monotonic() + _PATIENCE_SECONDS
    (last,) = tx.connection.execute(_LAST_NUMBER, (table,)).fetchone()
    waited_for = writing = _list_writing(tx, table)
    while waited_for & writing:
        if time.monotonic() > deadline:
            raise Unavailable(f"Somebody has been writing to {table} for a while. Ask again later.")
        time.sleep(_PAUSE_SECONDS)
        writing = _list_writing(tx, table)
    return int(last)


def _list_writing(tx: ReadTx, table: str) -> set[str]:
    return {row[0] for row in tx.connection.execute(_WRITING, (table,)).fetchall()}
