"""Which fixtures can any test ask for?

`pytest_plugins = ["tests.make.fixtures"]` in `tests/conftest.py` makes them known.
"""

from collections.abc import Iterator

import pytest

from tests.make.databases import KINDS, Database, PostgresqlServer, fresh_database, postgresql_server
from tests.make.served import Served, serve


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One PostgreSQL server for the whole run (with pytest-xdist: for each worker)."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database; the test runs once on SQLite and once on PostgreSQL."""
    with fresh_database(request.param, lambda: _postgresql(request)) as fresh:
        yield fresh


@pytest.fixture(scope="session", params=KINDS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The product, served on loopback and set up for SCIM; shared by every test that can live with the others."""
    with fresh_database(request.param, lambda: _postgresql(request)) as fresh, serve(fresh) as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def served_alone(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The same, but shared only by the tests of one module; a module that needs it overrides `served` with it."""
    with fresh_database(request.param, lambda: _postgresql(request)) as fresh, serve(fresh) as running:
        yield running


def _postgresql(request: pytest.FixtureRequest) -> PostgresqlServer:
    server = request.getfixturevalue("postgresql")
    assert isinstance(server, PostgresqlServer)
    return server
