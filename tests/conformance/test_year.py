"""Does everybody hold what they must on each day of a year in which three identity providers push?"""

import random

import pytest

from tests.conformance.scim_client import fresh
from tests.conformance.year.company import founded
from tests.conformance.year.happenings import somebody_changes_projects
from tests.conformance.year.wire import Answer
from tests.conformance.year.year import SPECIAL, Year

PEOPLE = 160
SEED = 20_261_125
"""Of who does what. `bench/year.py` takes others, and more people."""


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: what is pushed must be all there is."""
    return served_alone


@pytest.fixture(scope="module")
def year(served):
    """A year that a company has lived through on the served product."""
    key = served.run_json(
        "admin", "create-key", "--user-name", fresh("year"), "--role", "admin", "--create-user", "--json"
    )
    with founded(served.url, key["api_key"], served.run_text, PEOPLE, random.Random(SEED)) as company:
        year = Year(company)
        year.run()
        yield year


def unassign(provider, keys):
    for key in keys:
        provider.end(key)


@pytest.fixture
def differences(year):
    """What the last comparison found; nothing of it is left to the next test."""
    yield year.report.differences
    year.report.differences.clear()


def test_on_no_day_of_the_year_does_anybody_hold_something_else(year):
    print(year.report)
    assert year.report.differences == []
    assert year.report.days > 30
    assert year.report.compared > 30 * PEOPLE
    assert year.report.times_held > PEOPLE // 4
    meant = [happening.__name__.replace("_", " ") for happening in SPECIAL.values()]
    assert set(meant) < set(year.report.happenings)


def test_one_push_that_is_not_sent_is_noticed(year, differences):
    wire = year.company.part("hq").provider.wire
    stolen = []

    def steal(method, path, body):
        if method == "PATCH" and not stolen:
            stolen.append((method, path, body))
            return Answer(status=204, body=None)
        return None

    wire.thief = steal
    somebody_changes_projects(year.company, year.company.part("hq"))
    wire.thief = None
    year.compare(366)
    assert len(differences) == 1, differences
    assert "hq project" in differences[0]
    assert wire.ask(*stolen[0]).is_success
    differences.clear()
    year.compare(366)
    assert differences == []


def test_a_mapping_that_is_changed_behind_the_back_of_all_is_noticed(year, differences):
    company = year.company
    mapping = company.mapping_ids[company.part("harbor").group_of("department", "Crews")]
    company.administrator.ask("DELETE", f"/mappings/{mapping}")
    year.compare(367)
    crews = [each for each in company.part("harbor").staff.values() if each.department == "Crews"]
    assert len(differences) == len(crews) > 1
    assert all("lacks (('Crews', 'viewer'), ('SCIM_GROUP', 'Crews'))" in each for each in differences)


def test_a_guard_that_is_switched_off_behind_the_back_of_all_is_noticed(year):
    harbor = year.company.part("harbor")
    year.company.administrator.guard(harbor.provider, year.company.allowance)
    path = f"/scim_connections/{harbor.provider.connection_id}"
    year.company.administrator.ask("PATCH", path, {"guard_percent": 100})
    with pytest.raises(AssertionError, match="losers"):
        unassign(harbor.provider, sorted(harbor.staff))
