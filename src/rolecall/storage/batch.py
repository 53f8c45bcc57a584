"""How do many small changes share one transaction, without one that fails hurting the others?"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from rolecall.authorization.actor import Actor
from rolecall.kernel.clock import Clock
from rolecall.kernel.errors import DomainError, Unavailable
from rolecall.storage.errors import Remembered
from rolecall.storage.totals import add_to_totals
from rolecall.storage.transaction import BeforeCommit, Journal, LateRows, WriteTx
from rolecall.telemetry.logging import get_logger

_log = get_logger(__name__)

LARGEST_BATCH: Final = 128
ATTEMPTS: Final = 5
"""How often a change is tried that the database asks to repeat."""


class LockMet(Exception):
    """A change met a lock of another transaction, where it may not wait for long; nothing of it was kept."""


@dataclass(slots=True, eq=False)
class Work:
    """One change that waits for a writer, and who waits for it (None: nobody)."""

    actor: Actor
    change: Callable[[WriteTx], Any]
    journal: Journal | None
    waiting: asyncio.Future[Any] | None
    value: Any = None
    error: BaseException | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is the same for every change: the kind of database, the clock, what happens before a commit."""

    dialect: str
    begin: str
    """The statement that begins a transaction which writes."""
    clock: Clock
    before_commit: tuple[BeforeCommit, ...] = ()


@dataclass(slots=True)
class Batch:
    """Changes in one transaction of one connection, of which each can fail alone.

    A careful batch sets a savepoint before each. One that is not goes without them until a change fails: then all are
    taken back and made again, carefully.

    Use: `begin`, `run` for each, `commit`, all of it within `whole_or_not_at_all`; then `answer`.
    """

    connection: Any
    """None until there is one, and again when it failed."""
    around: Surroundings
    careful: bool = True
    works: list[Work] = field(default_factory=list)
    repeated: list[Work] = field(default_factory=list)
    """Those that the database asks to try again, in a transaction that comes later."""
    failed: bool = False
    """Whether a change was taken back."""
    met_lock: bool = False
    """Whether one gave up what others had locked; it holds locks itself, and must not wait for theirs."""
    _late: LateRows = field(default_factory=dict)
    _differences: dict[str, int] = field(default_factory=dict)
    _in_step: bool = False

    def begin(self) -> None:
        """Begin the transaction."""
        self.connection.execute(self.around.begin)

    def run(self, work: Work) -> None:
        """Carry out one change. When it fails, it takes back only itself.

        Raises: whatever shows that the database itself failed.
        """
        self.works.append(work)
        self._try(work)

    def _try(self, work: Work) -> None:
        work.attempts += 1
        work.value = work.error = None
        tx = WriteTx(work.actor, self.around.clock(), self.around.dialect, self.connection)
        try:
            if work.journal is not None:
                work.journal.intend(tx)
        except Exception as error:  # noqa: BLE001  # whoever waits gets it; nothing has been tried
            work.error = error
            return
        intended = {statement: list(rows) for statement, rows in tx.late.items()}
        if self.careful:
            self._open_step()
        try:
            work.value = work.change(tx)
            for step in self.around.before_commit:
                step(tx)
            if work.journal is not None:
                work.journal.applied(tx)
        except Exception as error:  # noqa: BLE001  # whoever waits gets it; the batch goes on without it
            if self.careful:
                self._take_back(work, tx, error, intended)
            else:
                self._start_over(work, error)
        else:
            self._keep(tx.late)
            for name, difference in tx.differences.items():
                self._differences[name] = self._differences.get(name, 0) + difference

    def commit(self) -> None:
        """Write what was left for the end, and commit.

        Raises: whatever shows that the database failed; on PostgreSQL `Unavailable` when nobody
        knows whether it kept the changes.
        """
        write_late(self.connection, self.around.dialect, self._late, self._differences)
        commit(self.connection, self.around.dialect)

    @contextlib.contextmanager
    def whole_or_not_at_all(self, take_others: Callable[[], Iterable[Work]]) -> Iterator[None]:
        """Let nothing of the batch be kept, now or later, when what is within raises, and give up the connection.

        Whatever `take_others` returns is then refused with it: each would only wait as long, and fail as well.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001  # the writers outlive any failure of the database
            self.works.extend(take_others())
            self.repeated.clear()
            self._give_up_connection()
            refuse(self.works, error)

    def answer(self) -> None:
        """Tell everyone who waits what became of the change."""
        answer([work for work in self.works if work not in self.repeated] if self.repeated else self.works)

    def _give_up_connection(self) -> None:
        if self.connection is None:
            return
        if self.around.dialect == "sqlite":
            # Closed alone, it would keep its lock for as long as anybody holds a statement of it.
            with contextlib.suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
        self.connection.close()
        self.connection = None

    def _open_step(self) -> None:
        execute = self.connection.execute
        if not self._in_step:
            execute("SAVEPOINT step")
        elif self.around.dialect == "postgresql":
            execute("RELEASE SAVEPOINT step; SAVEPOINT step")  # one message to the server instead of two
        else:
            execute("RELEASE SAVEPOINT step")
            execute("SAVEPOINT step")
        self._in_step = True

    def _start_over(self, failed: Work, error: Exception) -> None:
        """Take everything back, and make it again with savepoints, what failed too: now it can fail alone."""
        if is_lost(error):
            raise error
        self.connection.execute("ROLLBACK")
        self.begin()
        self.careful = True
        self._late.clear()
        self._differences.clear()
        for work in self.works:
            if work is not failed or not self._put_aside(work, error):
                work.attempts -= 1
                self._try(work)

    def _take_back(self, work: Work, tx: WriteTx, error: Exception, intended: LateRows) -> None:
        if is_lost(error):
            raise error
        # What was rolled back to stays, and serves the next change.
        self.connection.execute("ROLLBACK TO SAVEPOINT step")
        if self._put_aside(work, error):
            return
        self.failed = True
        work.error = error
        after = WriteTx(tx.actor, tx.now, tx.dialect, tx.connection, late=intended)
        if isinstance(error, DomainError):
            try:
                write_refusal(after, error, work.journal, self.around.before_commit)
            except Exception as failed:
                if is_lost(failed):
                    raise
                self.connection.execute("ROLLBACK TO SAVEPOINT step")
                if self._put_aside(work, failed):
                    return
                raise
        self._keep(after.late)

    def _put_aside(self, work: Work, error: Exception) -> bool:
        """Leave for later what others stand in the way of; return whether they do."""
        if is_repeatable(error) and work.attempts < ATTEMPTS:
            self.repeated.append(work)
            self.failed = True
            return True
        if is_locked_out(error):
            work.error = LockMet()
            self.met_lock = self.failed = True
            return True
        return False

    def _keep(self, late: LateRows) -> None:
        for statement, rows in late.items():
            self._late.setdefault(statement, []).extend(rows)


def write_refusal(
    tx: WriteTx, error: DomainError, journal: Journal | None, before_commit: tuple[BeforeCommit, ...]
) -> None:
    """Write what is to stay of a refusal, its events and its record, after the rollback of the change."""
    if isinstance(error, Remembered) and error.remember is not None:
        error.remember(error, tx)
    tx.recorded.extend(error.events)
    for step in before_commit:
        step(tx)
    if journal is not None:
        journal.refused(tx, error)


def write_late(connection: Any, dialect: str, late: LateRows, differences: dict[str, int]) -> None:
    """Write what was left for the end of a transaction."""
    for statement, rows in late.items():
        statement.write_many(connection, dialect, rows)
    add_to_totals(connection, dialect, differences)


def commit(connection: Any, dialect: str) -> None:
    """Commit the connection's transaction.

    Raises: Unavailable when PostgreSQL was lost meanwhile; what shows that the database failed.
    """
    try:
        connection.execute("COMMIT")
    except Exception as error:
        if dialect == "postgresql" and is_lost(error):
            # The server may have committed before it could say so.
            raise Unavailable(
                "The database was lost just as it was to keep the change. Read it again to see whether it was made."
            ) from error
        raise


def refuse(works: list[Work], error: BaseException) -> None:
    """Note for each that it was not done, since the database failed."""
    told = unavailable_for(error)
    for work in works:
        work.error = told
        work.value = None


def answer(works: list[Work]) -> None:
    """Tell everyone who waits, from whatever thread, what became of the change."""
    loops: dict[asyncio.AbstractEventLoop, list[Work]] = {}
    for work in works:
        if work.waiting is None and work.error is not None:
            _log.error("Something that nobody waited for could not be written.", exc_info=work.error)
        if work.waiting is not None:
            loops.setdefault(work.waiting.get_loop(), []).append(work)
    for loop, theirs in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(works: list[Work]) -> None:
    for work in works:
        waiting = work.waiting
        if waiting is None or waiting.done():
            continue
        if work.error is not None:
            waiting.set_exception(work.error)
        else:
            waiting.set_result(work.value)


_DESTROYED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CALLERS_FAULTS: Final = frozenset({"DataError", "ProgrammingError"})
"""What psycopg itself refuses, without asking the server."""
_REPEATABLE: Final = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock: nothing was done, try again."""
_LOCKED_OUT: Final = frozenset({"55P03", "57014"})
"""No lock in time; and cancelled, which is what PostgreSQL says when that time ends just as the statement does."""


def is_repeatable(error: BaseException) -> bool:
    """Return whether the database asks to try the change again."""
    return getattr(error, "sqlstate", None) in _REPEATABLE


def is_locked_out(error: BaseException) -> bool:
    """Return whether the change met a lock of another transaction, where it may not wait for long."""
    return getattr(error, "sqlstate", None) in _LOCKED_OUT


def is_busy(error: BaseException) -> bool:
    """Return whether another process holds SQLite's write lock."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return isinstance(error, sqlite3.OperationalError) and code & 0xFF == sqlite3.SQLITE_BUSY


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
