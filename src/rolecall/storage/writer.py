"""Who carries out the changes that wait, one batch after the other?

Two writers with one promise: whoever waits is answered after the commit, so what was answered is on disk.
`ThreadWriter` takes anything, in a thread of its own. `LoopWriter` takes changes that touch a few rows by
index, and carries them out between the event loop's other business: no thread has to be woken for them,
and none has to give up the interpreter (ADR 0024 has the measurement).
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from rolecall.storage.batch import LARGEST_BATCH, Batch, Surroundings, Work, is_busy, is_lost

_LOOK_AGAIN_SECONDS: Final = 0.02
_CAREFUL_BATCHES: Final = 100
"""So many set savepoints after a change failed. Where that is rare, most go without them."""


class ThreadWriter:
    """One thread that runs changes one after the other, many to a commit."""

    def __init__(
        self,
        connect: Callable[[], Any],
        around: Surroundings,
        *,
        ended_batch: Callable[[int], None],
        exclusive: threading.Lock,
    ) -> None:
        self._connect = connect
        self._connection: Any = None
        self._around = around
        self._ended_batch = ended_batch
        self._exclusive = exclusive
        self._stopping = False
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._awaited: queue.SimpleQueue[asyncio.Future[None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="rolecall-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Hand over one change. Changes run in the order in which they are handed over."""
        self._queue.put(work)

    async def lock_exclusively(self) -> None:
        """Return when this writer stands still, and let it do so until `exclusive` is released again."""
        loop = asyncio.get_running_loop()
        while not self._exclusive.acquire(blocking=False):
            ended = loop.create_future()
            self._awaited.put(ended)
            # It may have ended before it could know that somebody waits, and only look again then.
            await asyncio.wait({ended}, timeout=_LOOK_AGAIN_SECONDS)

    def close(self) -> None:
        """Finish what was handed over, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        # What has to be repeated may come after the order to stop, and is finished all the same.
        while not (self._stopping and self._queue.empty()):
            first = self._queue.get()
            if first is None:
                self._stopping = True
                continue
            with self._exclusive:
                self._run_batch(first)
            self._tell_who_awaits()
        if self._connection is not None:
            self._connection.close()

    def _tell_who_awaits(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                ended = self._awaited.get_nowait()
                with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    ended.get_loop().call_soon_threadsafe(_end, ended)

    def _run_batch(self, first: Work) -> None:
        """Run changes until none waits, then commit and answer."""
        batch = Batch(self._connection, self._around)
        waiting = deque([first])
        with batch.whole_or_not_at_all(lambda: self._take_all(waiting)):
            if batch.connection is None:
                batch.connection = self._connect()
            batch.begin()
            while waiting:
                batch.run(waiting.popleft())
                if len(batch.works) < LARGEST_BATCH and (work := self._next()) is not None:
                    waiting.append(work)
            batch.commit()
        self._connection = batch.connection
        self._ended_batch(len(batch.works))
        batch.answer()
        for work in batch.repeated:
            self.submit(work)

    def _next(self) -> Work | None:
        """Return what waits next, or None. Notes when it is told to stop."""
        try:
            work = self._queue.get_nowait()
        except queue.Empty:
            return None
        self._stopping = self._stopping or work is None
        return work

    def _take_all(self, waiting: deque[Work]) -> Iterator[Work]:
        yield from waiting
        while (work := self._next()) is not None:
            yield work


def _take_all(waiting: deque[Work]) -> Iterator[Work]:
    while waiting:
        yield waiting.popleft()


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


class LoopWriter:
    """Runs brief changes on the event loop, many to a commit; `carry_out` takes one batch from what waits."""

    def __init__(self, carry_out: Callable[[deque[Work]], Awaitable[None]]) -> None:
        self._carry_out = carry_out
        self._queue: deque[Work] = deque()
        self._serving: asyncio.Task[None] | None = None

    def submit(self, work: Work) -> None:
        """Hand over one change, on the running loop."""
        loop = asyncio.get_running_loop()
        self._queue.append(work)
        serving = self._serving
        if serving is None or serving.done() or serving.get_loop() is not loop:
            self._serving = loop.create_task(self._serve())

    async def _serve(self) -> None:
        while self._queue:
            await self._carry_out(self._queue)


class SqliteBatches:
    """Carries out batches on SQLite: the changes at once, the commit in a thread."""

    def __init__(
        self,
        connect: Callable[[], Any],
        around: Surroundings,
        *,
        ended_batch: Callable[[int], None],
        exclusive: threading.Lock,
        otherwise: ThreadWriter,
    ) -> None:
        self._connect = connect
        self._connection: Any = None
        self._around = around
        self._ended_batch = ended_batch
        self._exclusive = exclusive
        self._otherwise = otherwise
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="rolecall-commit")

    async def carry_out(self, waiting: deque[Work]) -> None:
        """Carry out what waits, as one batch."""
        await self._otherwise.lock_exclusively()
        try:
            await self._run_batch(waiting)
        finally:
            self._exclusive.release()

    def close(self) -> None:
        """Release the connection."""
        self._commits.shutdown()
        if self._connection is not None:
            self._connection.close()

    async def _run_batch(self, waiting: deque[Work]) -> None:
        batch = Batch(self._connection, self._around)
        with batch.whole_or_not_at_all(lambda: _take_all(waiting)):
            if batch.connection is None:
                batch.connection = self._connection = self._connect()
                batch.connection.execute("PRAGMA busy_timeout=0")
            try:
                batch.begin()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                # Another process writes. A thread can wait for it.
                for work in _take_all(waiting):
                    self._otherwise.submit(work)
                return
            while waiting and len(batch.works) < LARGEST_BATCH:
                batch.run(waiting.popleft())
            await self._committed(batch)
        self._connection = batch.connection
        self._ended_batch(len(batch.works))
        batch.answer()

    async def _committed(self, batch: Batch) -> None:
        commit = self._commits.submit(batch.commit)
        try:
            await asyncio.wrap_future(commit)
        except asyncio.CancelledError:
            # The loop ends; the commit under way does not.
            commit.exception()
            raise


class PostgresqlBatches:
    """Carries out batches on PostgreSQL, where each statement lets the loop go on while the server works.

    A savepoint is a message more there for each change, and work for the server: batches go without, as long as nothing
    fails.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        around: Surroundings,
        *,
        ended_batch: Callable[[int], None],
        taking_turns: Callable[[Callable[[], None]], Awaitable[None]],
    ) -> None:
        self._connect = connect
        self._connection: Any = None
        self._around = around
        self._ended_batch = ended_batch
        self._taking_turns = taking_turns
        self._careful_batches = 0

    async def carry_out(self, waiting: deque[Work]) -> None:
        """Carry out what waits, as one batch."""
        await self._taking_turns(lambda: self._run_batch(waiting))

    def close(self) -> None:
        """Release the connection."""
        if self._connection is not None:
            self._connection.close()

    def _run_batch(self, waiting: deque[Work]) -> None:
        batch = Batch(self._connection, self._around, careful=self._careful_batches > 0)
        self._careful_batches = max(0, self._careful_batches - 1)
        with batch.whole_or_not_at_all(lambda: _take_all(waiting)):
            self._begin(batch)
            # What must be repeated, or met a lock, may wait for whom this batch keeps waiting: so it ends here.
            while waiting and len(batch.works) < LARGEST_BATCH and not (batch.repeated or batch.met_lock):
                batch.run(waiting.popleft())
            batch.commit()
        if batch.failed:
            self._careful_batches = _CAREFUL_BATCHES
        self._connection = batch.connection
        self._ended_batch(len(batch.works))
        batch.answer()
        waiting.extend(batch.repeated)

    def _begin(self, batch: Batch) -> None:
        """Begin on the connection of last time; on a new one, when the server has ended that meanwhile."""
        if batch.connection is not None:
            try:
                batch.begin()
            except Exception as error:
                if not is_lost(error):
                    raise
                batch.connection.close()
                batch.connection = None
            else:
                return
        batch.connection = self._connect()
        batch.begin()
