"""Who runs a unit of work, and on which thread?"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from rolecall.authorization.actor import Actor
from rolecall.kernel.clock import Clock
from rolecall.kernel.errors import DomainError
from rolecall.storage.batch import (
    ATTEMPTS,
    LockMet,
    Surroundings,
    Work,
    commit,
    is_lost,
    is_repeatable,
    unavailable_for,
    write_late,
    write_refusal,
)
from rolecall.storage.checkpoints import Checkpoints
from rolecall.storage.engine import Database, PostgresqlDatabase
from rolecall.storage.rehearsal import Rehearsal, Rehearsing, rehearse
from rolecall.storage.shared_look_ups import SharedLookUps
from rolecall.storage.transaction import BeforeCommit, Journal, ReadTx, WriteTx
from rolecall.storage.writer import LoopWriter, PostgresqlBatches, SqliteBatches, ThreadWriter

T = TypeVar("T")

_READER_THREADS: Final = 4
_POSTGRESQL_THREADS: Final = 16
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PAUSE_SECONDS: Final = 0.02


class Transactions:
    """Runs units of work. The only place that begins and ends a transaction.

    What is brief runs on the event loop: on SQLite at once, on PostgreSQL giving way while the server
    works. Whatever may scan or change much runs in a thread.
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
        self._around = Surroundings(
            dialect=database.dialect, begin=database.begin_write, clock=clock, before_commit=before_commit
        )
        self._pooled = isinstance(database, PostgresqlDatabase)
        exclusive = threading.Lock()
        self._checkpoints = None if self._pooled else Checkpoints(self._connect_to_write, exclusive=exclusive)

        def ended_batch(changes: int) -> None:
            observe_batch(changes)
            if self._checkpoints is not None:
                self._checkpoints.note_commit()

        self._writer = ThreadWriter(self._connect_to_write, self._around, ended_batch=ended_batch, exclusive=exclusive)
        self._batches = self._make_batches(ended_batch, exclusive)
        self._loop_writer = LoopWriter(self._batches.carry_out)
        self._threads = ThreadPoolExecutor(
            _POSTGRESQL_THREADS if self._pooled else _READER_THREADS, thread_name_prefix="rolecall-database"
        )
        self._in_line = ThreadPoolExecutor(1, thread_name_prefix="rolecall-in-line")
        self._readers: queue.LifoQueue[Any] = queue.LifoQueue()
        self._own_reader: Any = None
        self._shared: SharedLookUps[Any] = SharedLookUps()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._database.dialect

    async def look_up(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Run `ask`, which reads a few rows by index, on the event loop.

        Each of its statements sees its own instant. On PostgreSQL it runs again if the connection was lost.
        """
        with _telling_apart():
            if self._pooled:
                return await self._look_up_pooled(actor, ask)
            if self._own_reader is None:
                self._own_reader = self._database.connect(read_only=True)
            return ask(ReadTx(actor, self._clock(), self.dialect, self._own_reader))

    async def look_up_shared(self, name: str, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """As `look_up`, where those who ask for one name at the same time would all find the same.

        On PostgreSQL they share an answer, read after each of them asked; on SQLite a message is not what it costs.
        """
        if not self._pooled:
            return await self.look_up(actor, ask)
        answer: T = await self._shared.ask(name, lambda: self.look_up(actor, ask))
        return answer

    async def read(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Run `ask`, which may scan, in a thread and in one snapshot."""
        if self._pooled:
            return await self._in_thread(lambda: self._ask_pooled(actor, ask))
        return await self._in_thread(lambda: self._ask_own(actor, ask))

    async def write(
        self, actor: Actor, change: Callable[[WriteTx], T], *, journal: Journal | None = None, brief: bool = False
    ) -> T:
        """Run `change`; commit when it returns, roll back when it raises. When this returns, it is on disk.

        Many changes share one commit; each sees its own instant and savepoint. A `brief` one touches
        few rows, each by index, whatever the size of what it is about: it runs on the event loop. On
        PostgreSQL `change` may run more than once, when the database asks to repeat it, or when a brief one
        meets a lock: then it waits for that in a thread, one after the other, like one that is not brief, whose
        intent is on disk before it is tried.
        """
        if self._pooled and not brief:
            return await self._write_pooled(actor, change, journal)
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        writer = self._loop_writer if brief else self._writer
        writer.submit(Work(actor, change, journal, waiting))
        try:
            return await waiting
        except LockMet:
            # One at a time: the more of them wait for locks at once, the more of them wait for each other.
            return await self._write_pooled(actor, change, journal, self._in_line)

    async def rehearse(self, actor: Actor, change: Callable[[WriteTx], T]) -> Rehearsal[T]:
        """Run `change` and what follows from it, in a thread and never on the writer, and keep nothing.

        On SQLite it works on a copy of the whole database, on PostgreSQL it holds the locks of what it
        changes until it is rolled back. Jobs that the change enqueues are not done.
        """
        return await self.rehearse_in_order(actor, lambda rehearsing: rehearsing.run(change))

    async def rehearse_in_order(self, actor: Actor, play: Callable[[Rehearsing], T]) -> Rehearsal[T]:
        """Let `play`, in a thread, run several changes of which each builds on those before it; as `rehearse`."""

        def apart() -> Rehearsal[T]:
            with _telling_apart():
                return rehearse(self._database, self._around, actor, play)

        return await self._in_thread(apart)

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
        self._batches.close()
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._threads.shutdown()
        self._in_line.shutdown()
        while not self._readers.empty():
            self._readers.get_nowait().close()
        if self._own_reader is not None:
            self._own_reader.close()
        self._database.close()

    async def _write_pooled(
        self,
        actor: Actor,
        change: Callable[[WriteTx], T],
        journal: Journal | None,
        threads: ThreadPoolExecutor | None = None,
    ) -> T:
        if journal is None:
            return await self._in_thread(lambda: self._change_pooled(actor, change, journal), threads)
        # First the intent, on disk: so a record of it always precedes that of the result, as on SQLite.
        intended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer.submit(Work(actor, journal.intend, None, intended))
        await intended
        return await self._in_thread(lambda: self._change_pooled(actor, change, journal), threads)

    async def _in_thread(self, work: Callable[[], T], threads: ThreadPoolExecutor | None = None) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads or self._threads, work)

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

    async def _look_up_pooled(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        database = self._pooled_database

        def ask_by(connection: Any) -> T:
            return ask(ReadTx(actor, self._clock(), self.dialect, connection))

        return await database.taking_turns(lambda: database.turn_connections.look_up(ask_by))

    def _change_pooled(self, actor: Actor, change: Callable[[WriteTx], T], journal: Journal | None) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with _telling_apart(), self._pooled_database.begun("BEGIN") as connection:
                    return self._change_once(connection, actor, change, journal)
            except Exception as error:
                if not is_repeatable(error) or attempt == ATTEMPTS:
                    raise
                # Whoever won needs a moment to finish; at once, both would only meet again.
                time.sleep(_PAUSE_SECONDS * attempt)
        raise AssertionError  # unreachable: the last attempt returns or raises

    def _change_once(self, connection: Any, actor: Actor, change: Callable[[WriteTx], T], journal: Journal | None) -> T:
        tx = WriteTx(actor, self._clock(), self.dialect, connection)
        try:
            value = change(tx)
            for step in self._around.before_commit:
                step(tx)
            if journal is not None:
                journal.applied(tx)
            write_late(connection, self.dialect, tx.late, tx.differences)
        except DomainError as error:
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
            after = WriteTx(actor, tx.now, self.dialect, connection)
            write_refusal(after, error, journal, self._around.before_commit)
            write_late(connection, self.dialect, after.late, after.differences)
            connection.execute("COMMIT")
            raise
        except BaseException:
            _roll_back(connection)
            raise
        commit(connection, self.dialect)
        return value

    def _make_batches(
        self, ended_batch: Callable[[int], None], exclusive: threading.Lock
    ) -> SqliteBatches | PostgresqlBatches:
        if self._pooled:
            database = self._pooled_database
            return PostgresqlBatches(
                database.connect_taking_turns,
                self._around,
                ended_batch=ended_batch,
                taking_turns=database.taking_turns,
            )
        return SqliteBatches(
            self._connect_to_write,
            self._around,
            ended_batch=ended_batch,
            exclusive=exclusive,
            otherwise=self._writer,
        )

    def _connect_to_write(self) -> Any:
        return self._database.connect(read_only=False)

    @property
    def _pooled_database(self) -> PostgresqlDatabase:
        assert isinstance(self._database, PostgresqlDatabase)  # noqa: S101  # only called when pooled
        return self._database


def _roll_back(connection: Any) -> None:
    if connection.closed:
        return
    try:
        connection.execute("ROLLBACK")
    except Exception:  # noqa: BLE001  # a time limit of the transaction can end this too; why it failed is on its way up
        connection.close()


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
