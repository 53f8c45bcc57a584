"""Is an SQLite file intact, and kept as Rolecall keeps it?"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteFile:
    """What an examination of the file found."""

    damage: str | None
    """The first damage in SQLite's words; then the rest was not looked at."""
    journal_mode: str = "wal"
    dangling_rows: int = 0
    """Rows that refer to others which do not exist."""


def examine(path: Path) -> SqliteFile:
    """Read the whole file, also while Rolecall serves, and change nothing in it."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return SqliteFile(damage=str(found))
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return SqliteFile(damage=str(error))
    return SqliteFile(damage=None, journal_mode=str(mode), dangling_rows=len(dangling))
