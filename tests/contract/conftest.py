"""Which fixtures do the contract tests share?"""

from collections.abc import Iterator

import pytest

from tests.make.databases import KINDS, SQLITE, Database, PostgresqlServer
from tests.make.transactions import (
    Installed,
    MigratedPostgresql,
    copy_of,
    installed_on,
    migrated_postgresql,
    migrated_sqlite,
)


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[Database]:
    """A migrated SQLite file, to be copied."""
    with migrated_sqlite() as database:
        yield database


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgresqlServer) -> Iterator[MigratedPostgresql]:
    """A migrated PostgreSQL database, to be emptied before each use."""
    with migrated_postgresql(postgresql) as database:
        yield database


@pytest.fixture(params=KINDS)
def installed(request: pytest.FixtureRequest) -> Installed:
    """A migrated database in which nothing has happened; the test runs once on SQLite and once on PostgreSQL."""
    name = "installed_sqlite" if request.param == SQLITE else "installed_postgresql"
    return request.getfixturevalue(name)


@pytest.fixture
def installed_sqlite(sqlite_template: Database) -> Iterator[Installed]:
    """The same, on SQLite only."""
    with copy_of(sqlite_template) as database, installed_on(database) as installed:
        yield installed


@pytest.fixture
def installed_postgresql(postgresql_template: MigratedPostgresql) -> Iterator[Installed]:
    """The same, on PostgreSQL only."""
    postgresql_template.empty()
    with installed_on(postgresql_template.database) as installed:
        yield installed
