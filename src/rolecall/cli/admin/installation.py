"""How does a command get hold of the installation that it is about?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rolecall.kernel.errors import DomainError, ErrorKind

if TYPE_CHECKING:
    from rolecall.main import Rolecall
    from rolecall.settings import Settings


class NoInstallation(DomainError):
    """There is no database of Rolecall where the command looked for one."""

    kind = ErrorKind.NOT_FOUND
    code = "no_installation"


class OtherRevision(DomainError):
    """The tables are of another version of Rolecall than the command."""

    kind = ErrorKind.CONFLICT
    code = "other_revision"


@contextmanager
def opened(data_dir: Path | None, database_url: str | None, *, create: bool = False) -> "Iterator[Rolecall]":
    """Open an installation; with `create` make its database when there is none.

    Raises: NoInstallation, OtherRevision, InvalidSetting, Unavailable.
    """
    from rolecall.main import build, close

    settings = load(data_dir, database_url)
    _require_tables(settings, create=create)
    rolecall = build(settings)
    try:
        yield rolecall
    finally:
        close(rolecall)


def load(data_dir: Path | None, database_url: str | None) -> "Settings":
    """Return the settings of the installation, with logs of warnings and worse only."""
    from rolecall.settings import load_settings
    from rolecall.telemetry.logging import configure_logging

    settings = load_settings({"data_dir": data_dir, "database_url": database_url})
    configure_logging(form=settings.log_format.value, level="warning")
    return settings


def make_data_dir(settings: "Settings") -> None:
    """Make the data directory for its owner alone, unless it is there."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def revision_of(settings: "Settings") -> str | None:
    """Return the migration that the database is at; None when it has no tables or does not exist."""
    from rolecall.migrations import migrate

    path = settings.sqlite_path
    # SQLite would make a missing file just by being asked.
    if path is not None and not path.exists():
        return None
    return migrate.current(settings.database_url)


def _require_tables(settings: "Settings", *, create: bool) -> None:
    from rolecall.migrations import migrate

    revision = revision_of(settings)
    if revision == migrate.head():
        return
    if revision is not None:
        raise OtherRevision(
            f"The database is at revision {revision}, this rolecall needs {migrate.head()}. "
            "Run `rolecall admin migrate`, or use the version of Rolecall that serves this database."
        )
    if not create:
        raise NoInstallation(
            "There is no installation of Rolecall here: the database has no tables. Name it with --data-dir "
            "or --database-url, or start it for the first time with `rolecall serve`."
        )
    make_data_dir(settings)
    migrate.upgrade(settings.database_url)
