"""How does a connection to PostgreSQL wait, when nobody else shall have to?

Imports psycopg, which is an extra: only what needs PostgreSQL imports this.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Cursor
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from rolecall.storage.turns import give_way, takes_turns

T = TypeVar("T")

MOST_CONNECTIONS: Final = 8
"""As many look-ups are under way at once; further ones wait for one of them."""
_LOCK_MILLISECONDS: Final = 5


class TurnConnection(psycopg.Connection[Any]):
    """A connection whose statements give way while the server works, when run by `taking_turns`.

    It has one cursor: what a statement found must be fetched before the next one runs.
    """

    _only_cursor: Cursor[Any] | None = None

    def wait(self, gen: PQGen[T], *arguments: Any, **named: Any) -> T:
        """Do what psycopg does in between two messages, without holding up the thread."""
        if not takes_turns():
            return super().wait(gen, *arguments, **named)
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(give_way(_readiness(self.pgconn.socket, wanted)))
        except StopIteration as done:
            result: T = done.value
            return result
        except asyncio.CancelledError:
            # Whoever asked is gone, and the answer to come would be taken for that of the next statement.
            self.close()
            raise

    def execute(self, query: Any, params: Any = None, **named: Any) -> Cursor[Any]:
        """Run one statement and return the cursor."""
        if self._only_cursor is None:
            self._only_cursor = self.cursor()
        return self._only_cursor.execute(query, params, **named)


async def _readiness(socket: int, wanted: Wait) -> Ready:
    """Return what the socket is ready for."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Ready] = loop.create_future()
    if wanted & Wait.R:
        loop.add_reader(socket, _note, ready, Ready.R)
    if wanted & Wait.W:
        loop.add_writer(socket, _note, ready, Ready.W)
    try:
        return await ready
    finally:
        if wanted & Wait.R:
            loop.remove_reader(socket)
        if wanted & Wait.W:
            loop.remove_writer(socket)


def _note(ready: asyncio.Future[Ready], what: Ready) -> None:
    if not ready.done():
        ready.set_result(what)


def _close_all(connections: list[TurnConnection]) -> None:
    while connections:
        connections.pop().close()


class TurnConnections:
    """Lends connections to look-ups that take turns. Lost ones are replaced before anybody notices."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._idle: list[TurnConnection] = []
        self._lent = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def connect(self) -> TurnConnection:
        """Return a new connection; the thread is not held up by it."""
        if not takes_turns():
            return self._connect()
        opened: list[TurnConnection] = []
        called_off = threading.Event()

        def connect() -> None:
            opened.append(self._connect())
            if called_off.is_set():
                _close_all(opened)

        try:
            give_way(asyncio.get_running_loop().run_in_executor(None, connect))
        except asyncio.CancelledError:
            called_off.set()
            _close_all(opened)
            raise
        return opened.pop()

    def look_up(self, ask: Callable[[Any], T]) -> T:
        """Return what `ask`, which only reads and may run more than once, finds. To be run by `taking_turns`."""
        while self._lent >= MOST_CONNECTIONS:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            give_way(turn)
        self._lent += 1
        try:
            return self._ask(ask)
        finally:
            self._lent -= 1
            self._wake_one()

    def close(self) -> None:
        """Close what is idle."""
        _close_all(self._idle)

    def _ask(self, ask: Callable[[Any], T]) -> T:
        """Ask by an idle connection; by the next, when the server has ended that one; at last by a new one."""
        while self._idle:
            try:
                return self._ask_by(self._idle.pop(), ask)
            except psycopg.OperationalError:
                continue
        return self._ask_by(self.connect(), ask)

    def _ask_by(self, connection: TurnConnection, ask: Callable[[Any], T]) -> T:
        try:
            return ask(connection)
        except psycopg.OperationalError:
            connection.close()
            raise
        finally:
            if not connection.closed:
                self._idle.append(connection)

    def _wake_one(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _connect(self) -> TurnConnection:
        connection = TurnConnection.connect(self._conninfo, autocommit=True)
        # Prepared while a table is small, a statement would go on reading the whole of it when it has grown.
        connection.execute("SET enable_seqscan = off")
        # Many changes share one transaction here, in any order: to wait for locks would be to deadlock, and all wait.
        connection.execute(f"SET lock_timeout = {_LOCK_MILLISECONDS}")
        return connection
