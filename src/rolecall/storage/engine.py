"""How is a connection to SQLite or PostgreSQL opened, and with which promises?"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.storage.batch import is_busy, unavailable_for

if TYPE_CHECKING:
    from rolecall.storage.turn_connection import TurnConnections

T = TypeVar("T")

_BUSY_MILLISECONDS: Final = 10_000
_PAUSE_SECONDS: Final = 0.01
_CACHE_KIBIBYTES: Final = 8_192
"""Of pages, for each connection."""
_POOL_SIZE: Final = 16
# As many threads as connections: whoever waits here waits for a database that is away.
_POOL_WAIT_SECONDS: Final = 3.0


class BadDatabaseUrl(DomainError):
    """The database URL names no database that Rolecall can use."""

    kind = ErrorKind.INVALID
    code = "bad_database_url"


class Database(Protocol):
    """One database, of either kind."""

    dialect: str
    begin_write: str
    """The statement that begins a transaction of the writer."""

    def connect(self, *, read_only: bool) -> Any:
        """Return a new connection of the driver in autocommit mode; the caller closes it."""

    def close(self) -> None:
        """Release what is held open."""


class SqliteDatabase:
    """An SQLite file in WAL mode. Commits are on disk when they return (`synchronous=FULL`)."""

    dialect = "sqlite"
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        self.path = path

    def connect(self, *, read_only: bool) -> sqlite3.Connection:
        """Return a connection that any thread may use, one at a time."""
        try:
            connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
            _switch_to_log(connection)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA wal_autocheckpoint=0")  # see `storage.checkpoints`
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
            connection.execute("PRAGMA temp_store=MEMORY")
            if read_only:
                connection.execute("PRAGMA query_only=ON")
        except sqlite3.DatabaseError as error:
            raise unavailable_for(error) from error
        return connection

    def close(self) -> None:
        """Nothing is held open."""


def _switch_to_log(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode, where it stays; SQLite itself does not wait when two begin with that at once."""
    deadline = time.monotonic() + _BUSY_MILLISECONDS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


class PostgresqlDatabase:
    """A PostgreSQL database. Connections for requests come from `pool`, which mends itself."""

    dialect = "postgresql"
    begin_write = "BEGIN"

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._pool: Any = None
        self._turn_connections: TurnConnections | None = None
        self._opening = threading.Lock()

    @property
    def pool(self) -> Any:
        """The pool of connections in autocommit mode, opened at first use."""
        with self._opening:
            return self._open_pool()

    def _open_pool(self) -> Any:
        if self._pool is None:
            from psycopg_pool import ConnectionPool  # noqa: PLC0415  # an extra: only where it is used

            self._pool = ConnectionPool(
                self._conninfo,
                min_size=2,
                max_size=_POOL_SIZE,
                timeout=_POOL_WAIT_SECONDS,
                kwargs={"autocommit": True},
                open=True,
            )
        return self._pool

    @contextmanager
    def begun(self, begin: str) -> Iterator[Any]:
        """Lend a connection of the pool on which the statement `begin` has succeeded."""

        def run(connection: Any) -> None:
            connection.execute(begin)

        connection, _nothing = self._first_that(run)
        try:
            yield connection
        finally:
            self.pool.putconn(connection)

    def _first_that(self, use: Callable[[Any], T]) -> tuple[Any, T]:
        """Return the first connection with which `use` succeeds, and what it returned.

        Connections that the server has ended meanwhile are passed over, so nobody notices a restart.
        """
        import psycopg  # noqa: PLC0415  # an extra: only where it is used

        for attempts_left in reversed(range(_POOL_SIZE + 1)):
            connection = self.pool.getconn()
            try:
                return connection, use(connection)
            except psycopg.OperationalError:
                connection.close()
                self.pool.putconn(connection)
                if not attempts_left:
                    raise
            except BaseException:
                self.pool.putconn(connection)
                raise
        raise AssertionError  # unreachable: the last attempt returns or raises

    @property
    def turn_connections(self) -> "TurnConnections":
        """The connections for look-ups on the event loop."""
        if self._turn_connections is None:
            from rolecall.storage.turn_connection import TurnConnections  # noqa: PLC0415  # as above

            self._turn_connections = TurnConnections(self._conninfo)
        return self._turn_connections

    async def taking_turns(self, work: Callable[[], T]) -> T:
        """Run `work` on the event loop; whenever it waits for the server, others are served."""
        from rolecall.storage.turns import taking_turns  # noqa: PLC0415  # as above

        return await taking_turns(work)

    def connect_taking_turns(self) -> Any:
        """Return a connection of its own, whose statements give way while the server works."""
        return self.turn_connections.connect()

    def connect(self, *, read_only: bool) -> Any:
        """Return a connection of its own, outside the pool."""
        import psycopg  # noqa: PLC0415  # an extra: only where it is used

        try:
            connection = psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise unavailable_for(error) from error
        connection.read_only = read_only
        return connection

    def close(self) -> None:
        """Close the pool and the other connections."""
        if self._turn_connections is not None:
            self._turn_connections.close()
        if self._pool is not None:
            self._pool.close()


def open_database(url: str) -> Database:
    """Return the database that `sqlite:///path` or `postgresql://user@host/name` names.

    Raises: BadDatabaseUrl.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadDatabaseUrl("The database URL cannot be read; it may hold a port that is no number.") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database:
        return SqliteDatabase(Path(parsed.database))
    if backend == "postgresql":
        return PostgresqlDatabase(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    raise BadDatabaseUrl(
        "The database URL must begin with sqlite:/// and a path, or with postgresql:// and a server.",
    )


def migration_url(url: str) -> str:
    """Return the URL in the form that SQLAlchemy needs, with the driver named."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)
