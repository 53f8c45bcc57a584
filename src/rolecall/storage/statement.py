"""How does a Core statement run, fast, on either database?

SQLAlchemy Core is the language; the text is compiled once per dialect and run on the driver's own
connection (ADR 0004 has the measurement).
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from sqlalchemy import bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite

from rolecall.storage.errors import UniqueViolation

if TYPE_CHECKING:
    from sqlalchemy import Column, Table
    from sqlalchemy.sql.base import Executable

    from rolecall.storage.transaction import ReadTx

Row = tuple[Any, ...]

_DIALECTS: Final[Mapping[str, Any]] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]  # SQLAlchemy's gap
}


class Cursor(Protocol):
    """What a driver returns for a statement that ran."""

    @property
    def rowcount(self) -> int:
        """Rows changed."""

    def fetchone(self) -> Any:
        """Return the next row or None."""

    def fetchall(self) -> list[Any]:
        """Return all further rows."""

    def fetchmany(self, size: int = ..., /) -> list[Any]:
        """Return at most `size` further rows."""


class Statement:
    """A Core statement, compiled once for each database. Parameters are given by name."""

    __slots__ = ("_compiled", "_core")

    def __init__(self, core: "Executable") -> None:
        self._core = core
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def run(self, tx: "ReadTx", **parameters: Any) -> Cursor:
        """Run it and return the driver's cursor.

        Raises: UniqueViolation. Other errors of the driver pass: they are not the caller's fault.
        """
        text, fixed = self.compiled(tx.dialect)
        if fixed:
            parameters = fixed | parameters
        try:
            cursor: Cursor = tx.connection.execute(text, parameters)
        except Exception as error:
            violation = _unique_violation(error)
            if violation is None:
                raise
            raise violation from error
        return cursor

    def rows(self, tx: "ReadTx", **parameters: Any) -> list[Row]:
        """Run it and return every row."""
        return self.run(tx, **parameters).fetchall()

    def row(self, tx: "ReadTx", **parameters: Any) -> Row | None:
        """Run it and return the first row, or None."""
        row: Row | None = self.run(tx, **parameters).fetchone()
        return row

    def value(self, tx: "ReadTx", **parameters: Any) -> Any:
        """Run it and return the first column of the first row, or None."""
        row = self.run(tx, **parameters).fetchone()
        return None if row is None else row[0]

    def many(self, tx: "ReadTx", parameters: list[dict[str, Any]]) -> None:
        """Run it once for each set of parameters; each must name them all."""
        self.write_many(tx.connection, tx.dialect, parameters)

    def write_many(self, connection: Any, dialect: str, parameters: list[dict[str, Any]]) -> None:
        """Do the same without a transaction of ours, at the end of one."""
        text, fixed = self.compiled(dialect)
        connection.cursor().executemany(text, [fixed | each for each in parameters] if fixed else parameters)

    def compiled(self, dialect: str) -> tuple[str, dict[str, Any]]:
        """Return the text for that database, and the values that are part of the statement itself."""
        known = self._compiled.get(dialect)
        if known is None:
            compiled = self._core.compile(  # type: ignore[attr-defined]  # every Executable we build is a ClauseElement
                dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
            )
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            known = self._compiled[dialect] = (str(compiled), fixed)
        return known


class Insertion(Statement):
    """A statement that inserts rows with all of these columns, of one table; `unless_there` passes over a known key."""

    __slots__ = ("_recordset",)

    def __init__(self, table: "Table", columns: "Iterable[Column[Any]]", *, unless_there: bool = False) -> None:
        names = [column.name for column in columns]
        values: dict[str, Any] = {name: bindparam(name) for name in names}
        # SQLAlchemy's insert for PostgreSQL is written the same way for SQLite.
        known = postgresql.insert(table).values(values).on_conflict_do_nothing()
        super().__init__(known if unless_there else insert(table).values(values))
        listed = ", ".join(f'"{name}"' for name in names)
        self._recordset = (
            f'INSERT INTO "{table.name}" ({listed})'  # noqa: S608  # names of our own tables; the rows are a parameter
            f' SELECT {listed} FROM json_populate_recordset(NULL::"{table.name}", %(rows)s::json)'
            + (" ON CONFLICT DO NOTHING" if unless_there else "")
        )

    def write_many(self, connection: Any, dialect: str, parameters: list[dict[str, Any]]) -> None:
        """Insert the rows in their order; on PostgreSQL by one message for all."""
        if dialect == "postgresql":
            connection.execute(self._recordset, {"rows": orjson.dumps(parameters).decode()})
        else:
            super().write_many(connection, dialect, parameters)


def _unique_violation(error: Exception) -> UniqueViolation | None:
    if isinstance(error, sqlite3.IntegrityError):
        is_unique = error.sqlite_errorcode in {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
        return UniqueViolation(str(error)) if is_unique else None
    if getattr(error, "sqlstate", None) == "23505":  # psycopg.errors.UniqueViolation, without importing psycopg
        return UniqueViolation(str(error.diag.constraint_name))  # type: ignore[attr-defined]  # psycopg's own
    return None
