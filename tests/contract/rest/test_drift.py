"""How is an export compared, and what differs from it repaired, over the REST API?"""

import csv
import io

import pytest

from rolecall.directory.model import DEFAULT_CONNECTION
from tests.make.directory import administrator, group_profile, pushed_group, pushed_user, user_profile
from tests.make.rest import reason_of, refused

COMPARE = f"/api/v1/scim_connections/{DEFAULT_CONNECTION}/export:compare"
DRIFT = "/api/v1/drift"
OURS = {"connection_id": DEFAULT_CONNECTION}


@pytest.fixture
def drifted(api, installed):
    """Ada, whom the provider knows with a title and as the one engineer, and Bob, who is neither."""
    ada, bob = pushed_user(installed, "ada"), pushed_user(installed, "bob")
    engineers = pushed_group(installed, "Engineers", bob)
    export = {
        "users": [user_profile("ada", title="Countess"), user_profile("bob")],
        "groups": [group_profile("Engineers") | {"members": [{"value": ada}]}],
    }
    return ada, bob, engineers, api.post(COMPARE, export)["value"]


def test_an_export_is_compared_and_its_differences_are_listed(api, drifted):
    ada, bob, engineers, compared = drifted
    counts = {"USER_DIFFERENT": 1, "MEMBER_MISSING": 1, "MEMBER_EXTRA": 1}
    assert compared == {
        "user_count": 2,
        "group_count": 1,
        "unknown_member_count": 0,
        "difference_count": 3,
        "counts": dict.fromkeys(compared["counts"], 0) | counts,
    }
    shown = api.walk(DRIFT, page_size=1)
    assert [each["kind"] for each in shown] == list(counts)
    assert shown[0] == {
        "id": shown[0]["id"],
        "connection_id": DEFAULT_CONNECTION,
        "kind": "USER_DIFFERENT",
        "name": "ada",
        "resource_id": ada,
        "member_id": None,
        "member_name": None,
        "attributes": ["title"],
        "said": {"title": "Countess"},
        "found_at": "2026-11-24T10:00:00.000Z",
        "cause_type": "directory.user.created",
        "cause_at": "2026-11-24T10:00:00.000Z",
        "cause_actor_kind": "api_key",
        "cause_user_id": None,
        "cause_request_id": "request-of-provider",
    }
    assert api.get(f"{DRIFT}/{shown[0]['id']}")["value"] == shown[0]
    assert [each["member_name"] for each in api.walk(DRIFT, about=engineers)] == ["ada", "bob"]
    assert [each["kind"] for each in api.walk(DRIFT, about=bob, kind="MEMBER_EXTRA", **OURS)] == ["MEMBER_EXTRA"]
    assert api.walk(DRIFT, connection_id="none") == []


def test_differences_can_be_fetched_as_a_table(api, drifted):
    first = api.ask("GET", DRIFT, params={"format": "csv", "page_size": 2})
    rows = list(csv.DictReader(io.StringIO(first.text)))
    assert first.headers["content-type"].startswith("text/csv")
    assert [(each["kind"], each["attributes"]) for each in rows] == [
        ("USER_DIFFERENT", "title"),
        ("MEMBER_MISSING", ""),
    ]
    token = first.headers["x-next-page-token"]
    last = api.ask("GET", DRIFT, params={"format": "csv", "page_token": token})
    assert [each["kind"] for each in csv.DictReader(io.StringIO(last.text))] == ["MEMBER_EXTRA"]
    assert "x-next-page-token" not in last.headers


def test_one_and_then_all_are_repaired_after_a_preview(api, drifted):
    ada = drifted[0]
    shown = api.walk(DRIFT)
    preview = api.post(f"{DRIFT}:repair", {**OURS, "preview": True})["value"]
    radius = preview.pop("radius")
    assert preview == {"is_preview": True, "repaired_count": 3, "remaining_count": 0, "job_id": None}
    assert [(each["user_name"], each["change"]) for each in radius["users"]] == [("ada", "changed")]
    assert [(each["added_count"], each["removed_count"]) for each in radius["groups"]] == [(1, 1)]
    assert (radius["gained_count"], radius["lost_count"]) == (0, 0)
    assert api.walk(DRIFT) == shown
    path = f"{DRIFT}/{shown[0]['id']}:repair"
    assert api.post(path, {"preview": True})["value"]["is_preview"]
    done = api.post(path, {})["value"]
    assert done == {"is_preview": False, "repaired_count": 1, "remaining_count": 2, "radius": None, "job_id": None}
    refused(api.ask("POST", path, json={}), 404)
    extra = api.post(f"{DRIFT}:repair", {**OURS, "kind": "MEMBER_EXTRA"})["value"]
    assert (extra["repaired_count"], extra["remaining_count"]) == (1, 0)
    rest = api.post(f"{DRIFT}:repair", {**OURS, "about": ada, "limit": 1})["value"]
    assert (rest["repaired_count"], rest["remaining_count"]) == (1, 0)
    assert api.walk(DRIFT) == []


def test_a_preview_shows_whose_access_would_end(api, installed):
    extra = pushed_user(installed, "extra")
    api.post(COMPARE, {"users": []})
    preview = api.post(f"{DRIFT}:repair", {**OURS, "preview": True})["value"]
    assert preview["radius"]["users"] == [{"user_id": extra, "user_name": "extra", "change": "deactivated"}]


def test_what_is_no_whole_export_is_refused_and_the_differences_before_stay(api, drifted):
    part = {"users": {"totalResults": 5, "Resources": []}}
    assert reason_of(refused(api.ask("POST", COMPARE, json=part), 400, "users")) == "bad_export"
    refused(api.ask("POST", COMPARE, json={}), 400, "users")
    refused(api.ask("POST", COMPARE, json={"groups": [{"displayName": 1}]}), 400, "groups[0]")
    refused(api.ask("POST", "/api/v1/scim_connections/none/export:compare", json={"users": []}), 404)
    refused(api.ask("GET", f"{DRIFT}/none"), 404)
    refused(api.ask("POST", f"{DRIFT}/none:repair", json={}), 404)
    refused(api.ask("POST", f"{DRIFT}:repair", json={}), 400, "connection_id")
    assert len(api.walk(DRIFT)) == 3


def test_a_job_repairs_however_many_there_are(api, drifted):
    begun = api.post(f"{DRIFT}:repair", {**OURS, "as_job": True})["value"]
    assert (begun["is_preview"], begun["repaired_count"], begun["remaining_count"]) == (False, 0, 3)
    assert api.get(f"/api/v1/jobs/{begun['job_id']}")["value"]["kind"] == "connections.repair-drift"
    refused(api.ask("POST", f"{DRIFT}:repair", json={**OURS, "as_job": True, "preview": True}), 400, "as_job")
    refused(api.ask("POST", f"{DRIFT}:repair", json={"connection_id": "none", "as_job": True}), 404)


def test_a_repair_that_clashes_is_refused_whole(api, installed):
    administrator(installed, "taken")
    api.post(COMPARE, {"users": [user_profile("taken")]})
    assert reason_of(refused(api.ask("POST", f"{DRIFT}:repair", json=OURS), 409, "userName")) == "user_name_taken"
    assert [each["kind"] for each in api.walk(DRIFT)] == ["USER_MISSING"]
