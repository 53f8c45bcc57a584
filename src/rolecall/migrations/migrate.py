"""How is a database brought to a revision?"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from rolecall.kernel.errors import Unavailable
from rolecall.storage.batch import is_lost
from rolecall.storage.engine import migration_url


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision, making it when it is not there. Each step is one transaction."""
    with _told_plainly():
        command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the database down to a revision; `base` removes every table."""
    with _told_plainly():
        command.downgrade(_config(url), revision)


def current(url: str) -> str | None:
    """Return the revision that the database is at, or None when it has none."""
    with _told_plainly():
        engine = create_engine(migration_url(url), poolclass=NullPool)
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision that this version of Rolecall needs."""
    revision = ScriptDirectory.from_config(_config("sqlite://")).get_current_head()
    assert revision is not None  # noqa: S101  # the package ships at least one
    return revision


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = migration_url(url)
    return config


class _told_plainly:  # noqa: N801  # reads as a phrase in `with`
    """Turn a database that cannot be reached into `Unavailable`."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Raise Unavailable in place of the driver's error."""
        if isinstance(error, DBAPIError) and error.orig is not None and is_lost(error.orig):
            raise Unavailable(f"The database cannot be reached: {error.orig}") from error
