"""When does what SQLite wrote into its log move into the database file, without anybody waiting for it?

Left to itself, SQLite does so within the commit that made the log long: one in a hundred callers then
waits ten times as long as the others. Here a thread does it beside the writers.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Final

from rolecall.kernel.errors import Unavailable

_PAUSE_SECONDS: Final = 0.25
"""At least so much lies between two checkpoints: enough for some megabytes at the rate of a fast sync."""
_LONGEST_LOG_PAGES: Final = 16_000
"""64 MiB. A log of that length is begun anew, for which the writers stand still for a moment."""


class Checkpoints:
    """A thread that makes checkpoints after commits. Writers' own connections must make none."""

    def __init__(self, connect: Callable[[], Any], *, exclusive: threading.Lock) -> None:
        self._connect = connect
        self._exclusive = exclusive
        self._committed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="rolecall-checkpoints", daemon=True)
        self._thread.start()

    def note_commit(self) -> None:
        """Note that the log has grown."""
        self._committed.set()

    def close(self) -> None:
        """Stop. Whoever closes the database's last connection moves what is left."""
        self._stopping.set()
        self._committed.set()
        self._thread.join()

    def _serve(self) -> None:
        connection: Any = None
        while self._wait():
            # What goes wrong here goes wrong in the next commit as well, which tells; or it is mended by then.
            with contextlib.suppress(sqlite3.Error, Unavailable):
                if connection is None:
                    connection = self._connect()
                self._checkpoint(connection)
        if connection is not None:
            connection.close()

    def _wait(self) -> bool:
        self._committed.wait()
        self._committed.clear()
        return not self._stopping.wait(_PAUSE_SECONDS)

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        _busy, pages, _moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages > _LONGEST_LOG_PAGES:
            # Nearly all of it has just been moved, so this is short.
            with self._exclusive:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
