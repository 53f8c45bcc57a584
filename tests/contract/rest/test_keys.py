"""What can be done with keys over the REST API?"""

from datetime import timedelta

import pytest

from rolecall.authorization.roles import SCIM_PROVISIONER, RoleId
from rolecall.directory import assignments
from rolecall.directory.model import ROOT_TEAM
from tests.make.directory import local_user, service_user
from tests.make.rest import key_of_role, reason_of, refused

KEYS, TEAM_KEYS = "/api/preview/keys", "/api/preview/teamkeys"
VIEWER = RoleId("viewer")
PROVISIONER_KEY = {"name": "Okta", "role_id": SCIM_PROVISIONER}


def ids(page):
    return [key["id"] for key in page["values"]]


def test_a_team_key_is_shown_once_with_its_secret_and_opens_what_its_role_gives(api):
    made = api.post(TEAM_KEYS, PROVISIONER_KEY)["value"]
    secret = made["access_key"]
    assert secret[4:16] == made["id"]
    assert made == {
        "id": made["id"],
        "access_key": secret,
        "name": "Okta",
        "status": "ACTIVE",
        "team_id": ROOT_TEAM,
        "team_name": "Root",
        "user_id": None,
        "user_name": None,
        "role_id": "scim_provisioner",
        "actions": None,
        "allowed_networks": [],
        "created_at": "2026-11-24T10:00:00.000Z",
        "expires_at": None,
        "revoked_at": None,
        "last_access_at": None,
    }
    (listed,) = api.get(TEAM_KEYS)["values"]
    assert listed == {**made, "access_key": ""}
    refused(api.ask("GET", "/api/v1/users", key=secret), 403)
    refused(api.ask("GET", "/api/v1/users/self", key=secret), 404)


def test_a_team_key_is_renamed_revoked_reinstated_and_deleted(api):
    made = api.post(TEAM_KEYS, PROVISIONER_KEY)["value"]
    path = f"{TEAM_KEYS}/{made['id']}"
    assert api.send("PATCH", path, {"name": "Entra"})["value"]["name"] == "Entra"
    revoked = api.post(f"{path}:revoke")["value"]
    assert (revoked["status"], revoked["revoked_at"]) == ("INACTIVE", "2026-11-24T10:00:00.000Z")
    refused(api.ask("GET", "/api/v1/users", key=made["access_key"]), 401)
    assert api.post(f"{path}:reinstate")["value"]["status"] == "ACTIVE"
    refused(api.ask("GET", "/api/v1/users", key=made["access_key"]), 403)
    assert api.send("DELETE", path) == {}
    refused(api.ask("GET", "/api/v1/users", key=made["access_key"]), 401)
    assert api.get(TEAM_KEYS)["values"] == []
    for method, verb in (("DELETE", ""), ("POST", ":revoke"), ("POST", ":reinstate")):
        refused(api.ask(method, f"{path}{verb}"), 404)


def test_a_key_is_found_only_among_its_kind_and_nothing_happens_to_the_other(api):
    own = api.post(KEYS, {"name": "mine"})["value"]
    team = api.post(TEAM_KEYS, PROVISIONER_KEY)["value"]
    for path in (f"{TEAM_KEYS}/{own['id']}", f"{KEYS}/{team['id']}"):
        refused(api.ask("PATCH", path, json={"name": "x"}), 404)
        refused(api.ask("DELETE", path), 404)
        refused(api.ask("POST", f"{path}:revoke"), 404)
    assert team["id"] not in ids(api.get(KEYS))
    assert ids(api.get(TEAM_KEYS)) == [team["id"]]
    assert api.get(TEAM_KEYS)["values"][0]["status"] == "ACTIVE"
    assert own["id"] in ids(api.get(KEYS, filter='status eq "ACTIVE"'))


def test_a_limited_key_opens_what_is_named_and_no_more(api):
    made = api.post(KEYS, {"name": "reader", "actions": ["user:list"]})["value"]
    assert made["actions"] == ["user:list"]
    assert api.ask("GET", "/api/v1/users", key=made["access_key"]).status_code == 200
    refused(api.ask("GET", "/api/preview/events", key=made["access_key"]), 403)


def test_a_key_is_bound_to_its_networks(api):
    made = api.post(KEYS, {"name": "x", "allowed_networks": ["198.51.100.0/24", "2001:db8::/32"]})["value"]
    assert made["allowed_networks"] == ["198.51.100.0/24", "2001:db8::/32"]
    body = refused(api.ask("GET", "/api/v1/users", key=made["access_key"]), 403)
    assert reason_of(body) == "address_not_allowed"
    here = api.post(KEYS, {"name": "x", "allowed_networks": ["127.0.0.0/8"]})["value"]
    assert api.ask("GET", "/api/v1/users", key=here["access_key"]).status_code == 200


def test_a_key_ends_when_it_was_told_to(api, installed):
    made = api.post(KEYS, {"name": "x", "expires_at": "2026-11-24T12:00:00+01:00"})["value"]
    assert made["expires_at"] == "2026-11-24T11:00:00.000Z"
    installed.clock.advance(timedelta(hours=1))
    refused(api.ask("GET", "/api/v1/users", key=made["access_key"]), 401)
    assert {key["id"]: key["status"] for key in api.get(KEYS)["values"]}[made["id"]] == "INACTIVE"


def test_whoever_may_keeps_own_keys_and_sees_no_others(api, installed):
    key = key_of_role(installed, VIEWER)
    made = api.post(KEYS, {"name": "mine"}, key=key)["value"]
    listed = api.ask("GET", KEYS, key=key).json()["values"]
    assert made["id"] in [each["id"] for each in listed]
    assert {each["user_id"] for each in listed} == {made["user_id"]}
    assert len(listed) == 2
    (administrators, *_) = [each for each in api.get(KEYS)["values"] if each["user_name"] == "root"]
    refused(api.ask("POST", f"{KEYS}/{administrators['id']}:revoke", key=key), 404)
    other = local_user(installed, "grace")
    refused(api.ask("POST", KEYS, key=key, json={"name": "x", "user_id": other}), 403)
    assert api.send("DELETE", f"{KEYS}/{made['id']}", key=key) == {}


def test_an_administrator_makes_keys_for_others(api, installed):
    robot = service_user(installed)
    installed.change(assignments.assign_role, robot, role=VIEWER)
    made = api.post(KEYS, {"name": "x", "user_id": robot, "role_id": "viewer"})["value"]
    assert (made["user_id"], made["user_name"], made["role_id"]) == (robot, "robot", "viewer")
    assert reason_of(
        refused(api.ask("POST", KEYS, json={"name": "x", "user_id": robot, "role_id": "admin"}), 400, "role")
    )
    refused(api.ask("POST", KEYS, json={"name": "x", "user_id": "nobody"}), 404)


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "   "}, ["name"]),
        ({"name": 7}, ["name"]),
        ({"name": "x", "actions": ["user:fly"]}, ["actions.0"]),
        ({"name": "x", "actions": []}, ["actions"]),
        ({"name": "x", "allowed_networks": ["home"]}, ["allowed_networks"]),
        ({"name": "x", "allowed_networks": ["192.0.2.7/24"]}, ["allowed_networks"]),
        ({"name": "x", "expires_at": "tomorrow"}, ["expires_at"]),
        ({"name": "x", "expires_at": 1}, ["expires_at"]),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, ["expires_at"]),
        ({"name": "x", "nmae": "y", "expiry": None}, ["nmae", "expiry"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [KEYS, TEAM_KEYS])
def test_what_is_wrong_with_a_key_is_told_and_none_is_made(api, installed, path, body, fields):
    before = installed.count_rows("api_key")
    refused(api.ask("POST", path, json=body), 400, *fields)
    assert installed.count_rows("api_key") == before


def test_keys_are_listed_page_after_page_filtered_and_sorted(api):
    for name in ("c", "a", "B"):
        api.post(TEAM_KEYS, {**PROVISIONER_KEY, "name": name})
    assert [key["name"] for key in api.walk(TEAM_KEYS, page_size=2, order_by="name")] == ["a", "B", "c"]
    assert [key["name"] for key in api.walk(TEAM_KEYS, page_size=1, order_by="name desc")] == ["c", "B", "a"]
    assert [key["name"] for key in api.walk(TEAM_KEYS, filter=f'name eq "b" and team_id eq "{ROOT_TEAM}"')] == ["B"]
    refused(api.ask("GET", TEAM_KEYS, params={"filter": 'role eq "x"'}), 400, "filter")


def test_a_page_goes_on_where_it_was_also_when_keys_go_meanwhile(api):
    made = [api.post(TEAM_KEYS, {**PROVISIONER_KEY, "name": f"k{number}"})["value"]["id"] for number in range(5)]
    page = api.get(TEAM_KEYS, page_size=2, order_by="name")
    assert ids(page) == made[:2]
    api.send("DELETE", f"{TEAM_KEYS}/{made[0]}")
    page = api.get(TEAM_KEYS, page_size=2, page_token=page["next_page_token"])
    assert ids(page) == made[2:4]
    api.send("DELETE", f"{TEAM_KEYS}/{made[3]}")
    page = api.get(TEAM_KEYS, page_size=2, page_token=page["next_page_token"])
    assert (ids(page), page["has_more"]) == (made[4:], False)
