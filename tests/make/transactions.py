"""How does a test run use cases on a real, migrated database, without a server before them?"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from rolecall import reactions
from rolecall.authorization.actor import Actor
from rolecall.events import log
from rolecall.events.model import LoggedEvent
from rolecall.migrations.migrate import upgrade
from rolecall.migrations.tables import METADATA
from rolecall.notifications.deliveries import Dispatcher
from rolecall.storage import engine
from rolecall.storage.transaction import Journal, run_checks
from rolecall.storage.transactions import Transactions
from tests.make.actors import ADMINISTRATOR
from tests.make.databases import Database, PostgresqlServer, fresh_postgresql, fresh_sqlite

T = TypeVar("T")


@dataclass(slots=True)
class SetClock:
    """A clock that stands still until a test moves it."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 24, 10, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A migrated database, with units of work wired as `main` wires them, on a clock that the test moves."""

    database: Database
    clock: SetClock
    transactions: Transactions

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.database.kind

    def change(
        self,
        use_case: Callable[..., T],
        *arguments: Any,
        actor: Actor = ADMINISTRATOR,
        journal: Journal | None = None,
        **named: Any,
    ) -> T:
        """Run one use case that writes, in a commit of its own."""
        return self.transactions.run_write(actor, lambda tx: use_case(tx, *arguments, **named), journal=journal)

    def ask(self, use_case: Callable[..., T], *arguments: Any, actor: Actor = ADMINISTRATOR, **named: Any) -> T:
        """Run one use case that reads, in one snapshot."""
        return self.transactions.run_read(actor, lambda tx: use_case(tx, *arguments, **named))

    def events(self) -> list[LoggedEvent]:
        """Return everything that is in the event log, oldest first."""
        return list(reversed(self.ask(log.list_events, limit=1_000)))

    def event_types(self) -> list[str]:
        """Return the types of everything that is in the event log, oldest first."""
        return [event.type for event in self.events()]

    def count_rows(self, table: str) -> int:
        """Return how many rows a table has, as another connection sees it."""
        (count,) = self.ask(lambda tx: tx.connection.execute(f"SELECT count(*) FROM {table}").fetchone())
        return int(count)


@contextmanager
def installed_on(database: Database, opened: engine.Database | None = None) -> Iterator[Installed]:
    """Open a migrated database, unless it is `opened` already; close it at the end."""
    clock = SetClock()
    transactions = Transactions(
        opened or engine.open_database(database.url),
        clock=clock,
        before_commit=(reactions.react, run_checks, Dispatcher().enqueue_deliveries, log.append_recorded),
    )
    try:
        yield Installed(database=database, clock=clock, transactions=transactions)
    finally:
        transactions.close()


@contextmanager
def migrated_sqlite() -> Iterator[Database]:
    """Offer a migrated SQLite file that `copy_of` copies."""
    with fresh_sqlite() as database:
        upgrade(database.url)
        yield database


@contextmanager
def copy_of(migrated: Database) -> Iterator[Database]:
    """Offer a copy of a migrated SQLite file: quicker than to migrate again."""
    with fresh_sqlite() as database:
        assert migrated.directory is not None
        assert database.directory is not None
        for file in migrated.directory.iterdir():
            shutil.copy(file, database.directory / file.name)
        yield database


@dataclass(frozen=True, slots=True, kw_only=True)
class MigratedPostgresql:
    """A PostgreSQL database that tests use one after the other, and the rows that its migration made."""

    database: Database
    first_rows: dict[str, list[tuple[Any, ...]]]

    def empty(self) -> None:
        """Bring its rows to what they were after the migration."""
        with psycopg.connect(self.database.plain_url) as connection:
            for table in reversed(METADATA.sorted_tables):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
            for name, rows in self.first_rows.items():
                for row in rows:
                    values = sql.SQL(", ").join(sql.Placeholder() * len(row))
                    connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(name), values), row)


@contextmanager
def migrated_postgresql(server: PostgresqlServer) -> Iterator[MigratedPostgresql]:
    """Offer a migrated PostgreSQL database."""
    with fresh_postgresql(server) as database:
        upgrade(database.url)
        with psycopg.connect(database.plain_url) as connection:
            names = [table.name for table in METADATA.sorted_tables]
            rows = {name: connection.execute(_everything_in(name)).fetchall() for name in names}
        yield MigratedPostgresql(database=database, first_rows=rows)


def _everything_in(name: str) -> sql.Composed:
    return sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
