"""What would a change do, if it were made now?"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rolecall.authorization.actor import Actor
from rolecall.kernel.event import Event
from rolecall.storage.batch import Surroundings
from rolecall.storage.engine import Database
from rolecall.storage.transaction import WriteTx

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal(Generic[T]):
    """What a change returned and what would have happened; nothing of it was kept."""

    value: T
    events: tuple[Event, ...]
    """In their order, those of reactions included."""


def rehearse(database: Database, around: Surroundings, actor: Actor, change: Callable[[WriteTx], T]) -> Rehearsal[T]:
    """Run `change` and the steps before a commit, and keep nothing.

    Raises: what the change raises.
    """
    with closing(database.connect(read_only=database.dialect == "sqlite")) as own, _private(own) as connection:
        connection.execute("BEGIN")
        try:
            tx = WriteTx(actor, around.clock(), around.dialect, connection)
            value = change(tx)
            for step in around.before_commit:
                step(tx)
            return Rehearsal(value=value, events=tuple(tx.recorded))
        finally:
            # A connection that was lost has nothing to roll back, and must not hide why.
            if not getattr(connection, "closed", False):
                connection.execute("ROLLBACK")


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
