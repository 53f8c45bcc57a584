"""How is everything that a database holds put into one file, and a file back into a database?

A backup is a ZIP archive: `tables/NAME.jsonl`, one JSON array a row in the order of the table's
columns, and `manifest.json`. Since every column is text or an integer, one database's backup can be
loaded into the other. API keys and links are in it as hashes only, as they are in the database; the
secret that seals cursors, which opens nothing else, is in it as it is.
"""

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy import NullPool, create_engine, inspect
from sqlalchemy.exc import OperationalError

from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.errors import DomainError, ErrorKind, Unavailable
from rolecall.storage.engine import Database, migration_url, open_database

Connection: TypeAlias = Any
"""The driver's own, `sqlite3.Connection` or `psycopg.Connection`."""

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_REVISION_TABLE: Final = "alembic_version"
_ROWS_AT_ONCE: Final = 1_000
_LARGEST_MANIFEST: Final = 1024 * 1024
_BEGIN_SNAPSHOT: Final = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


class BadBackup(DomainError):
    """The file is no backup of Rolecall, is damaged, or was made by a newer format."""

    kind = ErrorKind.INVALID
    code = "bad_backup"


class BackupExists(DomainError):
    """There is already a file where the backup was to be written; backups are never overwritten."""

    kind = ErrorKind.CONFLICT
    code = "backup_exists"


class DatabaseNotEmpty(DomainError):
    """A backup is only restored into a database in which there is nothing."""

    kind = ErrorKind.CONFLICT
    code = "database_not_empty"


class NothingToBackUp(DomainError):
    """The database has no tables of Rolecall yet."""

    kind = ErrorKind.NOT_FOUND
    code = "nothing_to_back_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTable:
    """What a backup says of one table. Tables stand in the order in which they can be loaded."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str
    """Of the uncompressed `tables/NAME.jsonl`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    revision: str
    """The migration that the tables were at."""
    created_at: str
    tables: tuple[SavedTable, ...]

    @property
    def rows(self) -> int:
        """Rows in all tables together."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One table as the database has it."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """Columns of the primary key: rows are saved in its order."""


def write_backup(url: str, path: Path, *, now: datetime) -> Manifest:
    """Write all of the database as of one instant to `path`, also while Rolecall serves.

    The file appears under its name only when it is complete and on disk. Only its owner may read it.

    Raises: BackupExists, NothingToBackUp, Unavailable.
    """
    if path.exists():
        raise BackupExists(f"{path} exists already. Choose another name, or move the file away.")
    database = open_database(url)
    with closing(database):
        tables = _describe_tables(url)
        revision = _read_revision(database) if tables else None
        if revision is None:
            raise NothingToBackUp("There is nothing to back up: this database has no tables of Rolecall.")
        with _written_whole(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            with _snapshot(database) as connection:
                saved = tuple(_save_table(archive, connection, table) for table in tables)
            manifest = Manifest(format=FORMAT, revision=revision, created_at=to_rfc3339(now), tables=saved)
            archive.writestr(_MANIFEST, orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
    return manifest


def check_backup(path: Path) -> Manifest:
    """Read a backup to its end and return its manifest.

    Raises: BadBackup unless every table is there with the rows and the hash that the manifest names.
    """
    with _opened(path) as archive:
        manifest = _read_manifest(archive)
        for table in manifest.tables:
            for _row in _read_rows(archive, table):
                pass
    return manifest


def is_empty(url: str) -> bool:
    """Return whether the database has no tables at all, or does not exist yet.

    Raises: Unavailable.
    """
    return not _table_names(url)


def load_backup(url: str, path: Path) -> Manifest:
    """Load a backup's rows, in one transaction, into a database whose tables are at the backup's revision.

    What a migration has put into the tables gives way to what the backup has. Hashes are checked
    again before the commit.

    Raises: BadBackup, Unavailable; the database is then as before.
    """
    database = open_database(url)
    with _opened(path) as archive, closing(database), closing(database.connect(read_only=False)) as connection:
        manifest = _read_manifest(archive)
        present = {table.name: table.columns for table in _describe_tables(url)}
        for table in manifest.tables:
            if set(present.get(table.name, ())) != set(table.columns):
                raise BadBackup(f"The backup's table {table.name} is not as revision {manifest.revision} has it.")
        connection.execute(database.begin_write)
        try:
            for name in reversed(present):
                connection.execute(f"DELETE FROM {_quoted(name)}")  # noqa: S608  # a name from the schema, quoted
            for table in manifest.tables:
                _load_table(connection, database.dialect, table, _read_rows(archive, table))
                _restart_counters(connection, database.dialect, table)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return manifest


def _save_table(archive: zipfile.ZipFile, connection: Connection, table: _Table) -> SavedTable:
    digest = hashlib.sha256()
    rows = 0
    listed, key = (", ".join(_quoted(column) for column in columns) for columns in (table.columns, table.key))
    select = f"SELECT {listed} FROM {_quoted(table.name)} ORDER BY {key}"  # noqa: S608  # names from the schema, quoted
    with archive.open(_member(table.name), "w", force_zip64=True) as out:
        for batch in _batches(_select(connection, select)):
            lines = b"".join(orjson.dumps(tuple(row), option=orjson.OPT_APPEND_NEWLINE) for row in batch)
            digest.update(lines)
            out.write(lines)
            rows += len(batch)
    return SavedTable(name=table.name, columns=table.columns, rows=rows, sha256=digest.hexdigest())


def _select(connection: Connection, statement: str) -> Iterator[Sequence[object]]:
    """Yield the rows without ever holding all of them."""
    if hasattr(connection, "pgconn"):
        with connection.cursor(name="rolecall_backup") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(statement)
    else:
        yield from connection.execute(statement)


def _load_table(connection: Connection, dialect: str, table: SavedTable, rows: Iterable[Sequence[object]]) -> None:
    placeholder = "?" if dialect == "sqlite" else "%s"
    columns = ", ".join(_quoted(column) for column in table.columns)
    values = ", ".join([placeholder] * len(table.columns))
    insert = f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES ({values})"  # noqa: S608  # names from the schema, quoted
    with closing(connection.cursor()) as cursor:
        for batch in _batches(rows):
            cursor.executemany(insert, batch)


def _restart_counters(connection: Connection, dialect: str, table: SavedTable) -> None:
    """Let keys that the database counts up go on after the loaded ones; SQLite does so by itself."""
    if dialect == "sqlite":
        return
    for column in table.columns:
        name = _quoted(table.name)
        (sequence,) = connection.execute("SELECT pg_get_serial_sequence(%s, %s)", (name, column)).fetchone()
        if sequence is not None:
            connection.execute(
                f"SELECT setval(%s, max({_quoted(column)})) FROM {name} HAVING count(*) > 0",  # noqa: S608  # as above
                (sequence,),
            )


def _read_rows(archive: zipfile.ZipFile, table: SavedTable) -> Iterator[list[object]]:
    """Yield the rows of one table; at the end, refuse when they were not what the manifest says."""
    damaged = BadBackup(f"The backup is damaged: the table {table.name} is not what it was when it was saved.")
    digest = hashlib.sha256()
    rows = 0
    try:
        with archive.open(_member(table.name)) as lines:
            for line in lines:
                digest.update(line)
                rows += 1
                row = orjson.loads(line)
                if len(row) != len(table.columns):
                    raise damaged
                yield row
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, orjson.JSONDecodeError) as error:
        raise damaged from error
    if rows != table.rows or digest.hexdigest() != table.sha256:
        raise damaged


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        if archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise BadBackup("This is no backup of Rolecall: its manifest is too large.")
        said = orjson.loads(archive.read(_MANIFEST))
        if said["format"] != FORMAT:
            raise BadBackup(
                f"The backup has format {said['format']}, and this Rolecall reads format {FORMAT}. "
                "Restore it with the version of Rolecall that made it."
            )
        tables = tuple(SavedTable(**{**table, "columns": tuple(table["columns"])}) for table in said["tables"])
        return Manifest(
            format=FORMAT, revision=str(said["revision"]), created_at=str(said["created_at"]), tables=tables
        )
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadBackup("This is no backup of Rolecall: it has no manifest that can be read.") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadBackup(f"{path} cannot be read as a backup of Rolecall: {error}.") from error
    with archive:
        yield archive


@contextmanager
def _snapshot(database: Database) -> Iterator[Any]:
    """Yield a connection on which every statement sees the database as of one instant."""
    with closing(database.connect(read_only=True)) as connection:
        connection.execute(_BEGIN_SNAPSHOT[database.dialect])
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def _written_whole(path: Path) -> Iterator[Any]:
    """Yield a file that takes its name `path` when it is complete and on disk, and else vanishes."""
    # mkstemp gives the file to its owner alone.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _describe_tables(url: str) -> list[_Table]:
    """Return every table, each after those that it refers to."""
    with _inspected(url) as inspector:
        names = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name and name != _REVISION_TABLE]
        return [
            _Table(
                name=name,
                columns=tuple(column["name"] for column in inspector.get_columns(name)),
                key=tuple(inspector.get_pk_constraint(name)["constrained_columns"]),
            )
            for name in names
        ]


def _table_names(url: str) -> list[str]:
    if url.startswith("sqlite") and not Path(migration_url(url).partition(":///")[2]).exists():
        return []
    with _inspected(url) as inspector:
        names: list[str] = inspector.get_table_names()
        return names


@contextmanager
def _inspected(url: str) -> Iterator[Any]:
    engine = create_engine(migration_url(url), poolclass=NullPool)
    try:
        yield inspect(engine)
    except OperationalError as error:
        raise Unavailable("The database cannot be reached. Check its address and that it runs.") from error
    finally:
        engine.dispose()


def _read_revision(database: Database) -> str | None:
    with _snapshot(database) as connection:
        row = connection.execute(f"SELECT version_num FROM {_REVISION_TABLE}").fetchone()  # noqa: S608  # a constant
    return None if row is None else str(row[0])


def _batches(rows: Iterable[Sequence[object]]) -> Iterator[list[Sequence[object]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _ROWS_AT_ONCE)):
        yield batch


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
