"""How does a test lose its database at one chosen statement of a change?"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from rolecall.storage import engine
from tests.make.databases import SQLITE, Database
from tests.make.transactions import Installed, installed_on


@dataclass(slots=True)
class Losing:
    """Counts the statements that reach a driver from now on; at one of them the connection is lost."""

    lost_at: list[str] = field(default_factory=list)
    """The statements at which that has happened."""
    _statements_left: int = 0
    _commits_left: int = 0

    def before_statement(self, number: int) -> None:
        """Let the connection be lost before it carries out this statement, counted from 1 and from now."""
        self._statements_left = number

    def after_commit(self, number: int) -> None:
        """Let the connection be lost when it has carried out this COMMIT, before it can say so."""
        self._commits_left = number

    def is_lost_before(self, text: str) -> bool:
        """Count a statement, and return whether it is the one."""
        self._statements_left -= 1
        return self._noted(text, is_it=self._statements_left == 0)

    def is_lost_after(self, text: str) -> bool:
        """Count a statement that was carried out, and return whether it was the one."""
        self._commits_left -= text == "COMMIT"
        return self._noted(text, is_it=text == "COMMIT" and self._commits_left == 0)

    def _noted(self, text: str, *, is_it: bool) -> bool:
        if is_it:
            self.lost_at.append(text)
        return is_it


class LosingConnection:
    """A connection of the driver, which ends as a lost one does: nothing that was not committed is kept."""

    def __init__(self, connection: Any, losing: Losing, lost: Callable[[], Exception]) -> None:
        self._connection = connection
        self._losing = losing
        self._lost = lost

    @property
    def closed(self) -> bool:
        """As psycopg says it."""
        return bool(self._connection.closed)

    def execute(self, text: str, *parameters: Any) -> Any:
        """Carry out a statement, unless the connection is lost before or after it."""
        if text.startswith("PRAGMA"):  # a checkpoint of another thread, at whatever moment
            return self._connection.execute(text, *parameters)
        if self._losing.is_lost_before(text):
            self._lose()
        cursor = self._connection.execute(text, *parameters)
        if self._losing.is_lost_after(text):
            self._lose()
        return cursor

    def cursor(self) -> "LosingConnection":
        """Offer `executemany`."""
        return self

    def executemany(self, text: str, rows: Iterable[dict[str, Any]]) -> None:
        """Carry it out one by one: the connection can be lost between two rows as well."""
        for row in rows:
            self.execute(text, row)

    def close(self) -> None:
        self._connection.close()

    def _lose(self) -> None:
        self._connection.close()
        raise self._lost()


class LosingSqlite(engine.SqliteDatabase):
    """An SQLite file whose disk fails when it is told to."""

    def __init__(self, path: Path, losing: Losing) -> None:
        super().__init__(path)
        self._losing = losing

    def connect(self, *, read_only: bool) -> Any:
        return LosingConnection(super().connect(read_only=read_only), self._losing, _disk_error)


class LosingPostgresql(engine.PostgresqlDatabase):
    """A PostgreSQL database whose server goes away when it is told to.

    Not at the BEGIN of a connection of the pool: there the next one is taken, and nobody notices.
    """

    def __init__(self, conninfo: str, losing: Losing) -> None:
        super().__init__(conninfo)
        self._losing = losing

    @contextmanager
    def begun(self, begin: str) -> Iterator[Any]:
        with super().begun(begin) as connection:
            yield self._watched(connection)

    def connect_taking_turns(self) -> Any:
        return self._watched(super().connect_taking_turns())

    def connect(self, *, read_only: bool) -> Any:
        return self._watched(super().connect(read_only=read_only))

    def _watched(self, connection: Any) -> LosingConnection:
        return LosingConnection(connection, self._losing, _server_away)


def _disk_error() -> Exception:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


def _server_away() -> Exception:
    return psycopg.OperationalError("server closed the connection unexpectedly")


@contextmanager
def losing_on(database: Database) -> Iterator[tuple[Installed, Losing]]:
    """Open a migrated database that can be lost at any statement; close it at the end."""
    losing = Losing()
    opened: engine.Database
    if database.kind == SQLITE:
        assert database.directory is not None
        opened = LosingSqlite(database.directory / "rolecall.sqlite3", losing)
    else:
        opened = LosingPostgresql(database.plain_url, losing)
    with installed_on(database, opened) as installed:
        yield installed, losing
