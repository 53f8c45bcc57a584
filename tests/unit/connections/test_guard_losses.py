"""When does the guard of a connection ask the database for something?"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rolecall.authorization.roles import RoleId
from rolecall.connections.guard.losses import Guard
from rolecall.directory.events import RoleAssigned, RoleRemoved
from rolecall.directory.model import DEFAULT_CONNECTION, ROOT_TEAM, UserId
from rolecall.storage.transaction import WriteTx, run_checks
from tests.make.actors import PROVISIONER
from tests.make.held import KEYS

PROVIDER = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)
ABOUT = {
    "user_id": UserId("ada"),
    "user_name": "ada",
    "team_id": ROOT_TEAM,
    "role": RoleId("viewer"),
    "source": "scim-group:a",
}


def check(event, actor):
    """Make a change of which this came, where there is no database to ask."""
    tx = WriteTx(actor, datetime(2026, 11, 24, tzinfo=UTC), "sqlite", None)
    Guard(keys=KEYS).over(lambda tx: tx.record(event), lambda: pytest.fail("asked for what was sent"))(tx)
    run_checks(tx)


def test_a_change_that_takes_nothing_asks_for_nothing():
    check(RoleAssigned(**ABOUT), PROVIDER)


def test_nobody_who_comes_by_no_connection_is_looked_at():
    check(RoleRemoved(**ABOUT), PROVISIONER)


def test_a_change_that_takes_something_is_looked_into():
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'execute'"):
        check(RoleRemoved(**ABOUT), PROVIDER)
