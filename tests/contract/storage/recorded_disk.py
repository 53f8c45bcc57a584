"""What would be left of an SQLite database if the power were cut at any moment?

A recorded disk lies below SQLite and keeps a trace of all that is written, synced, truncated and
deleted, and of what was promised to whom in between. A platter follows such a trace and tells what
a cut leaves: whatever was synced, and of the rest any part.
"""

import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

SECTOR_BYTES = 512
"""What a disk writes whole or not at all."""


@dataclass(frozen=True, slots=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Delete:
    file: str


@dataclass(frozen=True, slots=True)
class Sync:
    file: str


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """What was deleted so far stays so."""


@dataclass(frozen=True, slots=True)
class Promised:
    """Somebody was told that this is done."""

    what: Any


Unsynced = Write | Truncate | Delete
Step = Unsynced | Sync | SyncFolder | Promised

_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


class RecordedDisk(apsw.VFS):
    """Passes everything on to the real file system, but for syncs, and keeps the trace."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trace: list[Step] = []
        super().__init__(name, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's word
        return RecordedFile(self.trace, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  # SQLite's word
        super().xDelete(filename, False)
        self.trace.append(Delete(Path(filename).name))
        if syncdir:
            self.trace.append(SyncFolder())

    def promise(self, what: Any) -> None:
        """Note that somebody was told something."""
        self.trace.append(Promised(what))

    def connect(self, path: Path, **_options: Any) -> "Connection":
        """Open a database on this disk: takes the place of `sqlite3.connect`."""
        return Connection(path, self.name)


class RecordedFile(apsw.VFSFile):
    """A file of which every change is in the trace."""

    def __init__(self, trace: list[Step], name: Any, flags: list[int]) -> None:
        self.trace = trace
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name)
        self.name = path.name
        # With the first sync of a new journal SQLite's unix file system syncs the folder as well.
        self.folder_too = bool(flags[0] & _JOURNALS) and not path.exists()
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's word
        super().xWrite(data, offset)
        self.trace.append(Write(self.name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802  # SQLite's word
        super().xTruncate(size)
        self.trace.append(Truncate(self.name, size))

    def xSync(self, _flags: int) -> None:  # noqa: N802  # SQLite's word
        self.trace.append(Sync(self.name))
        if self.folder_too:
            self.trace.append(SyncFolder())
            self.folder_too = False


class Connection:
    """As much of `sqlite3.Connection` as Rolecall uses, over apsw's."""

    def __init__(self, path: Path, disk: str) -> None:
        with _as_sqlite3_has_it():
            self._connection = apsw.Connection(str(path), vfs=disk)

    def execute(self, statement: str, parameters: Any = ()) -> "Answer":
        with _as_sqlite3_has_it():
            rows = self._connection.execute(statement, parameters).fetchall()
            return Answer(rows, self._connection.changes())

    def cursor(self) -> "Connection":
        return self

    def executemany(self, statement: str, parameters: Iterable[Any]) -> None:
        with _as_sqlite3_has_it():
            self._connection.executemany(statement, parameters).fetchall()

    def close(self) -> None:
        self._connection.close()


class Answer:
    """As much of `sqlite3.Cursor`."""

    def __init__(self, rows: list[Any], changes: int) -> None:
        self._rows = iter(rows)
        self.rowcount = changes

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        return list(islice(self._rows, size))

    def fetchall(self) -> list[Any]:
        return list(self._rows)


@contextmanager
def _as_sqlite3_has_it() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        kind = sqlite3.IntegrityError if isinstance(error, apsw.ConstraintError) else sqlite3.OperationalError
        told = kind(str(error))
        told.sqlite_errorcode = getattr(error, "extendedresult", sqlite3.SQLITE_ERROR)
        raise told from error


class Fate(Enum):
    """What becomes of writes that were not synced when the power was cut."""

    LOST = "lost"
    KEPT = "kept"
    TORN = "torn"
    """The first of them arrived, the last of those in part."""
    SCATTERED = "scattered"
    """Any sectors of any of them arrived, in any order."""


@dataclass(slots=True)
class Platter:
    """The files as they are safely on disk, and for each what is not safe yet, oldest first."""

    files: dict[str, bytes]
    unsynced: dict[str, list[Unsynced]] = field(default_factory=dict)
    promises: list[Any] = field(default_factory=list)
    """What has been promised so far."""

    def follow(self, steps: Iterable[Step]) -> None:
        """Go on in the trace."""
        for step in steps:
            match step:
                case Promised(what=what):
                    self.promises.append(what)
                case Sync(file=file):
                    _carry_out(self.files, self.unsynced.pop(file, []))
                case SyncFolder():
                    self._keep_deletions()
                case _:
                    self.unsynced.setdefault(step.file, []).append(step)

    def _keep_deletions(self) -> None:
        for file, steps in self.unsynced.items():
            until = max((place + 1 for place, step in enumerate(steps) if isinstance(step, Delete)), default=0)
            _carry_out(self.files, steps[:until])
            self.unsynced[file] = steps[until:]

    def after_power_cut(self, fate: Fate, chance: random.Random) -> dict[str, bytes]:
        """Return the files that are there when the power is back."""
        files = dict(self.files)
        for steps in self.unsynced.values():
            _carry_out(files, _that_arrived(steps, fate, chance))
        return files


def _that_arrived(steps: list[Unsynced], fate: Fate, chance: random.Random) -> list[Unsynced]:
    match fate:
        case Fate.LOST:
            return []
        case Fate.KEPT:
            return steps
        case Fate.TORN:
            sectors = [sector for step in steps for sector in _sectors(step)]
            return sectors[: chance.randint(0, len(sectors))]
        case Fate.SCATTERED:
            sectors = [sector for step in steps for sector in _sectors(step)]
            return chance.sample(sectors, chance.randint(0, len(sectors)))


def _sectors(step: Unsynced) -> Iterator[Unsynced]:
    """Split a write where the sectors of a disk end."""
    if not isinstance(step, Write):
        yield step
        return
    start = 0
    while start < len(step.data):
        end = start + SECTOR_BYTES - (step.offset + start) % SECTOR_BYTES
        yield Write(step.file, step.offset + start, step.data[start:end])
        start = end


def _carry_out(files: dict[str, bytes], steps: list[Unsynced]) -> None:
    """Change files; what nobody wrote between two writes reads as zeros."""
    if not steps:
        return
    name = steps[0].file
    content = bytearray(files.get(name, b""))
    there = True
    for step in steps:
        match step:
            case Write(offset=offset, data=data):
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(data)] = data
                there = True
            case Truncate(size=size):
                del content[size:]
            case Delete():
                content.clear()
                there = False
    if there:
        files[name] = bytes(content)
    else:
        files.pop(name, None)
