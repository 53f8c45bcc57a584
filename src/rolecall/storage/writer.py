"""How do many small changes share one commit?"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rolecall.authorization.actor import Actor
from rolecall.kernel.clock import Clock
from rolecall.kernel.errors import DomainError, Unavailable
from rolecall.storage.transaction import BeforeCommit, Journal, WriteTx
from rolecall.telemetry.logging import get_logger

_log = get_logger(__name__)

_LARGEST_BATCH: Final = 128


@dataclass(slots=True)
class Work:
    """One change that waits for the writer, and who waits for it (None: nobody)."""

    actor: Actor
    change: Callable[[WriteTx], Any]
    journal: Journal | None
    waiting: asyncio.Future[Any] | None
    value: Any = None
    error: BaseException | None = None


class Writer:
    """One thread that runs changes one after the other, each in a savepoint, many to a commit.

    Whoever waits is answered after the commit, so what was answered is on disk. A change that
    fails takes nothing with it.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        dialect: str,
        begin: str,
        clock: Clock,
        before_commit: tuple[BeforeCommit, ...],
        observe_batch: Callable[[int], None],
    ) -> None:
        self._connect = connect
        self._connection: Any = None
        self._dialect = dialect
        self._begin = begin
        self._clock = clock
        self._before_commit = before_commit
        self._observe_batch = observe_batch
        self._stopping = False
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="rolecall-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Hand over one change. Changes run in the order in which they are handed over."""
        self._queue.put(work)

    def close(self) -> None:
        """Finish what was handed over, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopping:
            batch: list[Work] = []
            try:
                self._run_batch(self._queue.get(), batch)
            except Exception as error:  # noqa: BLE001  # the writer outlives any failure of the database
                self._drain(batch)
                self._fail(batch, error)
            self._observe_batch(len(batch))
            _answer(batch)
        if self._connection is not None:
            self._connection.close()

    def _run_batch(self, item: Work | None, batch: list[Work]) -> None:
        """Run changes until none waits, then commit. Notes when it is told to stop."""
        if item is None:
            self._stopping = True
            return
        batch.append(item)
        if self._connection is None:
            self._connection = self._connect()
        execute = self._connection.execute
        execute(self._begin)
        self._run(item)
        while len(batch) < _LARGEST_BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._stopping = True
                break
            batch.append(item)
            self._run(item)
        execute("COMMIT")

    def _run(self, work: Work) -> None:
        tx = WriteTx(work.actor, self._clock(), self._dialect, self._connection)
        journal = work.journal
        if journal is None or self._attempt(work, tx, lambda: journal.intend(tx)):
            self._attempt(work, tx, lambda: self._change(work, tx))

    def _change(self, work: Work, tx: WriteTx) -> None:
        work.value = work.change(tx)
        for step in self._before_commit:
            step(tx)
        if work.journal is not None:
            work.journal.applied(tx)

    def _attempt(self, work: Work, tx: WriteTx, step: Callable[[], None]) -> bool:
        """Take one step; when it fails it takes back only itself, and whoever waits for the work is told."""
        execute = self._connection.execute
        execute("SAVEPOINT step")
        try:
            step()
        except Exception as error:  # whoever waits gets it; the batch goes on without it
            if is_lost(error):
                raise
            work.error = error
            execute("ROLLBACK TO SAVEPOINT step")
            execute("RELEASE SAVEPOINT step")
            if isinstance(error, DomainError):
                write_refusal(tx, error, work.journal, self._before_commit)
            return False
        execute("RELEASE SAVEPOINT step")
        return True

    def _drain(self, batch: list[Work]) -> None:
        """Take whatever waits into the failed batch: each would only wait as long and fail as well."""
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._queue.get_nowait()
                if item is None:
                    self._stopping = True
                else:
                    batch.append(item)

    def _fail(self, batch: list[Work], error: Exception) -> None:
        """Nothing of the batch was committed: say so to everyone, and start anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # the connection is given up either way
                connection.execute("ROLLBACK")
            connection.close()
        unavailable = unavailable_for(error)
        for work in batch:
            work.error = unavailable
            work.value = None


def write_refusal(
    tx: WriteTx, error: DomainError, journal: Journal | None, before_commit: tuple[BeforeCommit, ...]
) -> None:
    """Write the events that a refusal carries, and its record, after the rollback of the change."""
    after = WriteTx(tx.actor, tx.now, tx.dialect, tx.connection, list(error.events))
    for step in before_commit:
        step(after)
    if journal is not None:
        journal.refused(after, error)


_DESTROYED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CALLERS_FAULTS: Final = frozenset({"DataError", "ProgrammingError"})
"""What psycopg itself refuses, without asking the server."""


def is_lost(error: BaseException) -> bool:
    """Return whether the database itself failed (disk full, locked, unreachable, destroyed), not the change."""
    if isinstance(error, sqlite3.DatabaseError):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        operational = isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR
        return operational or code in _DESTROYED
    state = getattr(error, "sqlstate", "")
    if type(error).__module__.startswith("psycopg") and type(error).__name__ not in _CALLERS_FAULTS:
        # Class 08 connection, 53 resources, 57P operator intervention, 58 system error; no state: no connection.
        return not state or state[:2] in {"08", "53", "58"} or state[:3] == "57P" or state == "25006"
    return False


def unavailable_for(error: BaseException) -> BaseException:
    """Return what a waiting caller is told: `Unavailable` where the database failed, else the error itself."""
    if not is_lost(error):
        return error
    told = Unavailable("The database cannot be written to now; nothing was changed. Repeat the request later.")
    told.__cause__ = error
    return told


def _answer(batch: list[Work]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[Work]] = {}
    for work in batch:
        if work.waiting is None and work.error is not None:
            _log.error("Something that nobody waited for could not be written.", exc_info=work.error)
        if work.waiting is not None:
            loops.setdefault(work.waiting.get_loop(), []).append(work)
    for loop, works in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, works)


def _resolve(works: list[Work]) -> None:
    for work in works:
        waiting = work.waiting
        if waiting is None or waiting.done():
            continue
        if work.error is not None:
            waiting.set_exception(work.error)
        else:
            waiting.set_result(work.value)
