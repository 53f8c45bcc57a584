"""How is whoever waits for something told that it was committed?

On PostgreSQL the server tells every process that listens. On SQLite only this process is told; whoever waits for
what another process may do looks now and then as well.
"""

import threading
import time
from contextlib import suppress
from typing import Any, Final

from rolecall.kernel.errors import Unavailable
from rolecall.storage.engine import Database
from rolecall.storage.transaction import WriteTx

_SLICE_SECONDS: Final = 0.5


class Notices:
    """Waits for `WriteTx.notify` on one channel. One thread waits; any may wake it."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._woken = threading.Event()
        self._connection: Any = None

    def pass_on(self, tx: WriteTx) -> None:
        """Tell whoever waits in this process. A step before the commit, for SQLite.

        Whoever is woken writes through the same writer, so behind this change.
        """
        if self._channel in tx.noticed and tx.dialect == "sqlite":
            self._woken.set()

    def wake(self) -> None:
        """End the present wait, or the next one."""
        self._woken.set()

    def wait(self, seconds: float) -> bool:
        """Return True as soon as something was told (perhaps for nothing), False after so many seconds."""
        if self._database.dialect == "sqlite":
            told = self._woken.wait(seconds)
        else:
            told = self._wait_for_server(time.monotonic() + seconds)
        self._woken.clear()
        return told

    def close(self) -> None:
        """Stop listening. For the thread that waits."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait_for_server(self, deadline: float) -> bool:
        import psycopg  # noqa: PLC0415  # an extra: only where it is used

        while (left := deadline - time.monotonic()) > 0:
            if self._woken.is_set():
                return True
            try:
                if self._connection is None:
                    self._connection = self._database.connect(read_only=False)
                    self._connection.execute(f"LISTEN {self._channel}")
                    # What was told before this has been missed: look at once.
                    return True
                for _notice in self._connection.notifies(timeout=min(left, _SLICE_SECONDS), stop_after=1):
                    return True
            except (Unavailable, psycopg.OperationalError):
                with suppress(psycopg.OperationalError):
                    self.close()
                self._connection = None
                self._woken.wait(min(left, _SLICE_SECONDS))
        return False
