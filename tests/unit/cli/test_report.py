import csv
import io

import pytest


@pytest.fixture
def grace(rolecall, ada):
    rolecall("admin", "create-key", "--user-name", "grace", "--create-user", "--role", "scim_provisioner")
    rolecall("admin", "users", "deactivate", "grace", "--reason", "left the company")


def test_leavers_are_reported_in_each_form(rolecall, grace):
    losses = rolecall("admin", "report", "leavers", "--format", "json").json["losses"]
    assert [(loss["user_name"], loss["lost"]) for loss in losses] == [("grace", "all_access"), ("grace", "api_key")]
    assert losses[0]["because"] == "left the company"
    rows = list(csv.DictReader(io.StringIO(rolecall("admin", "report", "leavers", "--format", "csv").out)))
    assert [(row["lost"], row["request_id"]) for row in rows] == [(loss["lost"], loss["request_id"]) for loss in losses]
    assert "left the company" in rolecall("admin", "report", "leavers").out


def test_a_report_is_limited_to_a_time(rolecall, grace):
    report = ("admin", "report", "leavers", "--format", "json")
    assert rolecall(*report, "--since", "2999-01-01").json == {"losses": []}
    assert rolecall(*report, "--until", "2020-01-01T00:00:00Z").json == {"losses": []}
    assert len(rolecall(*report, "--since", "2020-01-01", "--until", "2999-01-01").json["losses"]) == 2


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_day_that_is_none_is_refused(rolecall, ada, option):
    ended = rolecall("admin", "report", "leavers", option, "yesterday")
    assert (ended.code, ended.out) == (2, "")
    assert f"{option}: must be a day" in ended.err
