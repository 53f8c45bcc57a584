"""Does a mapping cost the same among many groups as among few, where it names what it matches?"""

import pytest

from rolecall.directory import groups
from rolecall.mapping import mappings
from rolecall.mapping.model import MatchKind
from tests.make.actors import PROVISIONER
from tests.make.directory import group_profile
from tests.make.mapping import draft
from tests.make.transactions import copy_of, installed_on

FEW, MANY = 10, 5_000


@pytest.fixture(scope="module", params=[FEW, MANY])
def among(request, sqlite_template):
    """An installation with so many groups."""
    with copy_of(sqlite_template) as database, installed_on(database) as installed:

        def fill(tx):
            for number in range(request.param):
                groups.create_group(tx, group_profile(f"group {number}", externalId=f"external {number}"), ())

        installed.change(fill, actor=PROVISIONER)
        yield installed


def steps_of(installed, match_value, kind):
    """Return the steps of SQLite's machine that it takes to make a mapping that matches one group."""

    def change(tx):
        steps = []
        tx.connection.set_progress_handler(lambda: steps.append(1) and 0, 1)
        made = mappings.create_mapping(tx, draft(match_value, by=kind))
        tx.connection.set_progress_handler(None, 0)
        assert tx.connection.execute("SELECT count(*) FROM mapped WHERE mapping_id = ?", (made.id,)).fetchone() == (1,)
        return len(steps)

    return installed.change(change)


@pytest.mark.parametrize("kind, match_value", [(MatchKind.ID, "external 7"), (MatchKind.NAME, "Group 7")])
def test_a_mapping_by_id_or_name_reads_no_other_group(among, kind, match_value):
    assert steps_of(among, match_value, kind) < 2_000


def test_this_check_notices_a_mapping_that_reads_every_name(among):
    steps = steps_of(among, "group 7", MatchKind.PATTERN)
    assert (steps > 10_000) == (among.count_rows("directory_group") == MANY)
