"""Which fixtures do the tests of the HTTP API's own parts share?"""

from collections.abc import Iterator

import pytest

from tests.make.databases import Database
from tests.make.transactions import Installed, copy_of, installed_on, migrated_sqlite


@pytest.fixture(scope="session")
def migrated() -> Iterator[Database]:
    """A migrated SQLite file, to be copied."""
    with migrated_sqlite() as database:
        yield database


@pytest.fixture
def installed(migrated: Database) -> Iterator[Installed]:
    """A migrated SQLite database in which nothing has happened."""
    with copy_of(migrated) as database, installed_on(database) as installed:
        yield installed
