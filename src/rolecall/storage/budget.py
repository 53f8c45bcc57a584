"""How long may the database think about one question?"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rolecall.storage.errors import OutOfTime
from rolecall.storage.transaction import ReadTx

_SQLITE_STEPS: Final = 10_000
"""Instructions of SQLite's machine between two looks at the clock: well below a millisecond."""
_QUERY_CANCELED: Final = "57014"


@contextmanager
def time_budget(tx: ReadTx, seconds: float) -> Iterator[None]:
    """End what the block asks the database when it takes too long: on SQLite all of it, on PostgreSQL each statement.

    Not to be nested. On PostgreSQL it needs a transaction: a look-up has none, and no budget there.

    Raises: OutOfTime; the unit of work can then only end.
    """
    bounded = _bounded_on_sqlite if tx.dialect == "sqlite" else _bounded_on_postgresql
    with bounded(tx, seconds):
        yield


@contextmanager
def _bounded_on_sqlite(tx: ReadTx, seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    tx.connection.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise OutOfTime from error
        raise
    finally:
        tx.connection.set_progress_handler(None, 0)


@contextmanager
def _bounded_on_postgresql(tx: ReadTx, seconds: float) -> Iterator[None]:
    # 0 would mean without end.
    tx.connection.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}")
    started = time.monotonic()
    try:
        yield
    except Exception as error:
        # An administrator can cancel a statement too; that is not the caller's doing.
        if getattr(error, "sqlstate", None) == _QUERY_CANCELED and time.monotonic() - started >= seconds:
            raise OutOfTime from error
        raise
    tx.connection.execute("SET LOCAL statement_timeout = DEFAULT")
