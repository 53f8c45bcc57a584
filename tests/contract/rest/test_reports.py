"""Which reports does the REST API have, and in which forms?"""

import csv
import io
from datetime import timedelta

import pytest

from rolecall.directory import users
from tests.make.directory import service_user
from tests.make.rest import refused

LEAVERS = "/api/v1/reports/leavers"


@pytest.fixture
def leavers(installed):
    """The ids of three users who lost all access, one a day, beginning today; the clock stands a day later."""
    ids = []
    for number in range(3):
        ids.append(service_user(installed, f"=robot {number}"))
        installed.change(users.deactivate_user, ids[-1], reason="left the company")
        installed.clock.advance(timedelta(days=1))
    return ids


def test_who_lost_what_is_reported_oldest_first(api, leavers):
    losses = api.walk(LEAVERS)
    assert [(loss["user_id"], loss["lost"], loss["because"]) for loss in losses] == [
        (user_id, "all_access", "left the company") for user_id in leavers
    ]
    assert losses[0]["at"] == "2026-11-24T10:00:00.000Z"
    assert api.walk(LEAVERS, page_size=1) == losses


def test_a_report_is_limited_to_a_period(api, installed, leavers):
    within = api.walk(LEAVERS, since="2026-11-25T10:00:00Z", until="2026-11-26T10:00:00Z")
    assert [loss["user_id"] for loss in within] == leavers[1:2]
    installed.clock.advance(timedelta(days=28))
    assert [loss["user_id"] for loss in api.walk(LEAVERS)] == leavers[1:]
    for name in ("since", "until"):
        refused(api.ask("GET", LEAVERS, params={name: "yesterday"}), 400, name)


def test_the_period_stays_that_of_the_first_page(api, installed, leavers):
    first = api.get(LEAVERS, page_size=2)
    installed.clock.advance(timedelta(days=1))
    installed.change(users.deactivate_user, service_user(installed, "later"), reason="x")
    installed.clock.advance(timedelta(days=60))
    second = api.get(LEAVERS, page_size=2, page_token=first["next_page_token"], since="2026-12-20T00:00:00Z")
    assert [loss["user_id"] for loss in second["values"]] == leavers[2:]


def test_a_report_comes_as_csv_page_after_page(api, leavers):
    rows, token = [], ""
    while True:
        response = api.ask("GET", LEAVERS, params={"format": "csv", "page_size": 2, "page_token": token})
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        rows += csv.DictReader(io.StringIO(response.text))
        token = response.headers.get("x-next-page-token", "")
        if not token:
            break
    assert [row["user_id"] for row in rows] == leavers
    assert [row["user_name"] for row in rows] == [f"'=robot {number}" for number in range(3)]
    refused(api.ask("GET", LEAVERS, params={"format": "pdf"}), 400, "format")
