"""What would changes do, if they were made now?"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from rolecall.authorization.actor import Actor
from rolecall.kernel.event import Event
from rolecall.storage.batch import Surroundings, write_late
from rolecall.storage.engine import Database
from rolecall.storage.transaction import WriteTx

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal(Generic[T]):
    """What a change returned and what would have happened; nothing of it was kept."""

    value: T
    events: tuple[Event, ...]
    """In their order, those of reactions included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsing:
    """One rehearsal under way. Each change builds on what those before it have done."""

    actor: Actor
    around: Surroundings
    connection: Any
    happened: list[Event] = field(default_factory=list)
    """In their order, those of reactions included."""

    def acting(self, actor: Actor) -> "Rehearsing":
        """Return the same rehearsal, whose next changes this actor makes."""
        return replace(self, actor=actor)

    def run(self, change: Callable[[WriteTx], T]) -> T:
        """Run `change` and the steps before a commit as if it had been made alone. When it fails, only it is undone.

        Raises: what the change raises.
        """
        execute = self.connection.execute
        tx = WriteTx(self.actor, self.around.clock(), self.around.dialect, self.connection)
        execute("SAVEPOINT rehearsed")
        try:
            value = change(tx)
            for step in self.around.before_commit:
                step(tx)
            # What comes after must find it as after a commit.
            write_late(self.connection, self.around.dialect, tx.late, tx.differences)
        except BaseException:
            _undo(self.connection, "ROLLBACK TO SAVEPOINT rehearsed", "RELEASE SAVEPOINT rehearsed")
            raise
        execute("RELEASE SAVEPOINT rehearsed")
        self.happened.extend(tx.recorded)
        return value


def rehearse(database: Database, around: Surroundings, actor: Actor, play: Callable[[Rehearsing], T]) -> Rehearsal[T]:
    """Let `play` run changes one after the other, and keep nothing.

    Raises: what `play` raises.
    """
    with closing(database.connect(read_only=database.dialect == "sqlite")) as own, _private(own) as connection:
        connection.execute("BEGIN")
        rehearsing = Rehearsing(actor=actor, around=around, connection=connection)
        try:
            return Rehearsal(value=play(rehearsing), events=tuple(rehearsing.happened))
        finally:
            _undo(connection, "ROLLBACK")


def _undo(connection: Any, *statements: str) -> None:
    """Roll back; where that fails, what failed before says why, and closing the connection undoes everything."""
    with contextlib.suppress(Exception):
        for statement in statements:
            connection.execute(statement)


@contextmanager
def _private(connection: Any) -> Iterator[Any]:
    """Lend what a rehearsal may write to: on SQLite a copy, since a second writer would hold up the first."""
    if not isinstance(connection, sqlite3.Connection):
        yield connection
        return
    # Without a name, SQLite spills to a file of its own that is gone when the connection is closed.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as copy:
        connection.backup(copy)
        copy.execute("PRAGMA foreign_keys=ON")
        yield copy
