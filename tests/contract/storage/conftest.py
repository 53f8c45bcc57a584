"""Which table do the tests of storage write to, that no room owns?"""

from collections.abc import Iterator

import pytest

from tests.make.transactions import Installed

FIXTURES = ("installed", "installed_sqlite", "installed_postgresql")


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[None]:
    """A table of unique names, beside the tables of the rooms, wherever the test has a database."""
    name = next((name for name in FIXTURES if name in request.fixturenames), None)
    if name is None:
        yield
        return
    installed: Installed = request.getfixturevalue(name)
    execute(installed, "CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    yield
    execute(installed, "DROP TABLE note")


def execute(installed: Installed, statement: str) -> None:
    """Run one statement in a commit of its own."""
    installed.change(lambda tx: tx.connection.execute(statement) and None)
