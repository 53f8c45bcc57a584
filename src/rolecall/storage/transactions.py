"""Who runs a unit of work, and on which thread?"""

import asyncio
import contextlib
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from rolecall.authorization.actor import Actor
from rolecall.kernel.clock import Clock
from rolecall.kernel.errors import DomainError, Unavailable
from rolecall.storage.engine import Database, PostgresqlDatabase
from rolecall.storage.transaction import BeforeCommit, Journal, ReadTx, WriteTx
from rolecall.storage.writer import Work, Writer, is_lost, unavailable_for, write_refusal

T = TypeVar("T")

_READER_THREADS: Final = 4
_POSTGRESQL_THREADS: Final = 16
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_ATTEMPTS: Final = 5
_PAUSE_SECONDS: Final = 0.02
_REPEATABLE: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock: nothing was done, try again


class Transactions:
    """Runs units of work. The only place that begins and ends a transaction.

    SQLite: one writer thread with group commit; indexed look-ups on the caller's thread; whatever may
    scan in threads of its own. PostgreSQL: threads with pooled connections.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        before_commit: tuple[BeforeCommit, ...] = (),
        observe_batch: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._before_commit = before_commit
        self._writer = Writer(
            lambda: database.connect(read_only=False),
            dialect=database.dialect,
            begin=database.begin_write,
            clock=clock,
            before_commit=before_commit,
            observe_batch=observe_batch,
        )
        self._pooled = isinstance(database, PostgresqlDatabase)
        self._threads = ThreadPoolExecutor(
            _POSTGRESQL_THREADS if self._pooled else _READER_THREADS, thread_name_prefix="rolecall-database"
        )
        self._readers: queue.LifoQueue[Any] = queue.LifoQueue()
        self._own_reader: Any = None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._database.dialect

    async def look_up(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Run `ask`, which reads a few rows by index.

        On SQLite it runs at once, on the caller's thread, in one snapshot; on PostgreSQL in a thread,
        where each of its statements sees its own instant, and again if the connection was lost.
        """
        if self._pooled:
            return await self._in_thread(lambda: self._look_up_pooled(actor, ask))
        if self._own_reader is None:
            self._own_reader = self._database.connect(read_only=True)
        return self._ask(self._own_reader, actor, ask)

    async def read(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Run `ask`, which may scan, in a thread and in one snapshot."""
        if self._pooled:
            return await self._in_thread(lambda: self._ask_pooled(actor, ask))
        return await self._in_thread(lambda: self._ask_own(actor, ask))

    async def write(self, actor: Actor, change: Callable[[WriteTx], T], *, journal: Journal | None = None) -> T:
        """Run `change` on the writer; commit when it returns, roll back when it raises.

        Many changes share one commit; each sees its own instant and savepoint. When this
        returns, the change is on disk. On PostgreSQL `change` may run more than once, when the
        database asks to repeat it, and the journal's intent is on disk before it is tried.
        """
        if self._pooled:
            return await self._write_pooled(actor, change, journal)
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.submit(Work(actor, change, journal, waiting))
        return await waiting

    def write_behind(self, actor: Actor, change: Callable[[WriteTx], None]) -> None:
        """Hand `change` to the writer and do not wait: for records whose loss in a crash is documented."""
        self._writer.submit(Work(actor, change, None, None))

    def run_read(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Run `ask` in one snapshot and wait: for the command line and for threads."""
        if self._pooled:
            return self._ask_pooled(actor, ask)
        return self._ask_own(actor, ask)

    def run_write(self, actor: Actor, change: Callable[[WriteTx], T], *, journal: Journal | None = None) -> T:
        """Run `change` in a commit of its own and wait: for the command line and for threads."""
        return asyncio.run(self.write(actor, change, journal=journal))

    def close(self) -> None:
        """Finish what was handed over and release every connection."""
        self._writer.close()
        self._threads.shutdown()
        while not self._readers.empty():
            self._readers.get_nowait().close()
        if self._own_reader is not None:
            self._own_reader.close()
        self._database.close()

    async def _write_pooled(self, actor: Actor, change: Callable[[WriteTx], T], journal: Journal | None) -> T:
        if journal is None:
            return await self._in_thread(lambda: self._change_pooled(actor, change, journal))
        # First the intent, on disk: so a record of it always precedes that of the result, as on SQLite.
        intended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer.submit(Work(actor, journal.intend, None, intended))
        await intended
        return await self._in_thread(lambda: self._change_pooled(actor, change, journal))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _ask(self, connection: Any, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        with _telling_apart():
            connection.execute("BEGIN")
            try:
                return ask(ReadTx(actor, self._clock(), self.dialect, connection))
            finally:
                connection.execute("ROLLBACK")

    def _ask_own(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._database.connect(read_only=True)
        try:
            return self._ask(connection, actor, ask)
        finally:
            self._readers.put(connection)

    def _ask_pooled(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        with _telling_apart(), self._pooled_database.begun(_SNAPSHOT) as connection:
            try:
                return ask(ReadTx(actor, self._clock(), self.dialect, connection))
            finally:
                _roll_back(connection)

    def _look_up_pooled(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        def look_up(connection: Any) -> T:
            return ask(ReadTx(actor, self._clock(), self.dialect, connection))

        with _telling_apart():
            return self._pooled_database.look_up(look_up)

    def _change_pooled(self, actor: Actor, change: Callable[[WriteTx], T], journal: Journal | None) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with _telling_apart(), self._pooled_database.begun("BEGIN") as connection:
                    return self._change_once(connection, actor, change, journal)
            except Exception as error:
                if getattr(error, "sqlstate", None) not in _REPEATABLE or attempt == _ATTEMPTS:
                    raise
                # Whoever won needs a moment to finish; at once, both would only meet again.
                time.sleep(_PAUSE_SECONDS * attempt)
        raise AssertionError  # unreachable: the last attempt returns or raises

    def _change_once(self, connection: Any, actor: Actor, change: Callable[[WriteTx], T], journal: Journal | None) -> T:
        tx = WriteTx(actor, self._clock(), self.dialect, connection)
        try:
            value = change(tx)
            for step in self._before_commit:
                step(tx)
            if journal is not None:
                journal.applied(tx)
        except DomainError as error:
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
            write_refusal(tx, error, journal, self._before_commit)
            connection.execute("COMMIT")
            raise
        except BaseException:
            _roll_back(connection)
            raise
        _commit(connection)
        return value

    @property
    def _pooled_database(self) -> PostgresqlDatabase:
        assert isinstance(self._database, PostgresqlDatabase)  # noqa: S101  # only called when pooled
        return self._database


def _commit(connection: Any) -> None:
    try:
        connection.execute("COMMIT")
    except Exception as error:
        if is_lost(error):
            # The server may have committed before it could say so.
            raise Unavailable(
                "The database was lost just as it was to keep the change. Read it again to see whether it was made."
            ) from error
        raise


def _roll_back(connection: Any) -> None:
    if not connection.closed:
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def _telling_apart() -> Iterator[None]:
    """Raise `Unavailable` where the database failed, and everything else as it is."""
    try:
        yield
    except DomainError:
        raise
    except Exception as error:
        if is_lost(error):
            raise unavailable_for(error) from error
        raise
