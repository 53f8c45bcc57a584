"""What can be done with SCIM connections over the REST API, and what do their providers notice?"""

from datetime import timedelta

import pytest

from rolecall.directory import users
from rolecall.directory.installation import get_installation
from rolecall.directory.model import DEFAULT_CONNECTION
from tests.make.directory import (
    administrator,
    group_profile,
    local_user,
    pushed_group,
    pushed_user,
    service_user,
    user_profile,
)
from tests.make.rest import key_of_role, reason_of, refused

ALL = "/api/v1/scim_connections"
SETTING = "/api/v1/sign_in_settings/scim"
USERS = "/scim/v2/Users"
FIELD = {400: ("user_id",)}


@pytest.fixture
def entra(api):
    """A second connection that is on, and its key."""
    made = api.post(ALL, {"name": "Entra ID", "state": "ON"})["value"]
    return made["id"], api.post(f"{ALL}/{made['id']}:rotate", {})["value"]["access_key"]


@pytest.fixture
def okta(api):
    """A key of the default connection, which is on."""
    api.send("PUT", SETTING, {"value": {"enabled": True}})
    return api.post(f"{ALL}/{DEFAULT_CONNECTION}:rotate", {})["value"]["access_key"]


def push(api, key, user_name, **more):
    response = api.ask("POST", USERS, key=key, json=user_profile(user_name, **more))
    assert response.status_code == 201, response.text
    return response.json()["id"]


def listed(api, key):
    return [each["userName"] for each in api.ask("GET", USERS, key=key).json()["Resources"]]


def test_connections_are_made_shown_changed_and_listed_with_the_default_one_first(api):
    made = api.post(ALL, {"name": "Entra ID", "allowed_networks": ["192.0.2.0/24"]})["value"]
    assert made == {
        "id": made["id"],
        "name": "Entra ID",
        "state": "OFF",
        "is_default": False,
        "allowed_networks": ["192.0.2.0/24"],
        "rate_limit": 0,
        "requirement_profile": None,
        "user_scope": [],
        "group_scope": [],
        "silent_after_hours": 0,
        "dialect_pinned": None,
        "dialect": None,
        "last_call_at": None,
        "calls_24h": 0,
        "errors_24h": 0,
        "error_rate": None,
        "guard_people": 50,
        "guard_percent": 10,
        "user_count": 0,
        "group_count": 0,
        "created_at": "2026-11-24T10:00:00.000Z",
        "updated_at": "2026-11-24T10:00:00.000Z",
        "version": 1,
    }
    path = f"{ALL}/{made['id']}"
    assert api.get(path)["value"] == made
    assert [each["id"] for each in api.walk(ALL, page_size=1)] == [DEFAULT_CONNECTION, made["id"]]
    body = {"name": "Entra", "state": "ON", "allowed_networks": [], "guard_percent": 5}
    changed = api.send("PATCH", f"{path}?version=1", body)["value"]
    assert changed == made | body | {"version": 2}
    masked = api.send("PATCH", f"{path}?update_mask=guard_people", {"name": "x", "guard_people": 1})["value"]
    assert (masked["name"], masked["guard_people"]) == ("Entra", 1)
    refused(api.ask("PATCH", f"{path}?version=1", json={"name": "y"}), 412)


def test_what_is_wrong_is_refused_with_its_name_and_changes_nothing(api, entra):
    refused(api.ask("POST", ALL, json={"name": "ENTRA id"}), 409, "name")
    refused(api.ask("POST", ALL, json={"name": "x", "state": "DECOMMISSIONED"}), 400, "state")
    refused(api.ask("POST", ALL, json={"name": "x", "allowed_networks": ["here"]}), 400, "allowed_networks")
    refused(api.ask("PATCH", f"{ALL}/{entra[0]}", json={"guard_percent": 101}), 400, "guard_percent")
    refused(api.ask("PATCH", f"{ALL}/{entra[0]}", json={"name": None}), 400, "name")
    refused(api.ask("PATCH", f"{ALL}/{entra[0]}", json={"rate_limit": -1}), 400, "rate_limit")
    refused(api.ask("PATCH", f"{ALL}/{entra[0]}", json={"requirement_profile": "lax"}), 400, "requirement_profile")
    refused(api.ask("PATCH", f"{ALL}/{entra[0]}", json={"name": "default"}), 409, "name")
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", ":rotate"), ("GET", "/credentials")):
        refused(api.ask(method, f"{ALL}/none{path}", **({} if method in {"GET", "DELETE"} else {"json": {}})), 404)
    assert [each["name"] for each in api.walk(ALL)] == ["Default", "Entra ID"]


def test_a_connection_that_has_used_up_its_calls_is_told_when_to_go_on_and_others_do_not_wait(api, okta, entra):
    path = f"{ALL}/{entra[0]}"
    assert api.send("PATCH", path, {"rate_limit": 2})["value"]["rate_limit"] == 2
    assert [api.ask("GET", USERS, key=entra[1]).status_code for _ in range(3)] == [200, 200, 429]
    late = api.ask("POST", USERS, key=entra[1], json=user_profile("ada"))
    assert 1 <= int(late.headers["Retry-After"]) <= 30
    assert (late.headers["Content-Type"], late.json()["status"]) == ("application/scim+json", "429")
    assert "2 calls a minute" in late.json()["detail"]
    assert [api.ask("GET", USERS, key=okta).status_code for _ in range(4)] == [200] * 4
    assert api.get(path)["value"]["user_count"] == 0
    api.send("PATCH", path, {"rate_limit": 0})
    assert listed(api, entra[1]) == []


def test_each_connection_demands_of_a_user_what_it_was_told_to(api, okta, entra):
    path = f"{ALL}/{entra[0]}"
    assert api.send("PATCH", path, {"requirement_profile": "strict"})["value"]["requirement_profile"] == "strict"
    lacking = api.ask("POST", USERS, key=entra[1], json=user_profile("ada"))
    assert (lacking.status_code, "missing" in lacking.json()["detail"]) == (400, True)
    push(api, okta, "grace")
    assert api.send("PATCH", path, {"requirement_profile": None})["value"]["requirement_profile"] is None
    push(api, entra[1], "ada")


def test_a_pinned_dialect_is_shown_in_place_of_the_one_that_was_recognised(api, entra):
    path = f"{ALL}/{entra[0]}"
    assert api.send("PATCH", path, {"dialect_pinned": "okta"})["value"]["dialect"] == "okta"
    assert api.send("PATCH", path, {"dialect_pinned": None})["value"]["dialect"] is None
    refused(api.ask("PATCH", path, json={"dialect_pinned": "other words"}), 400, "dialect_pinned")


def test_a_connection_can_be_made_with_its_limits(api):
    body = {
        "name": "x",
        "silent_after_hours": 24,
        "dialect_pinned": "entra",
        "rate_limit": 600,
        "requirement_profile": "rfc",
        "allowed_networks": ["2001:db8::/32"],
        "user_scope": ["*@example.com", "svc-*"],
        "group_scope": ["Rolecall *"],
    }
    made = api.post(ALL, body)["value"]
    assert made == made | body


def test_two_providers_do_not_see_each_other(api, okta, entra):
    ada = push(api, okta, "ada")
    grace = push(api, entra[1], "grace")
    assert (listed(api, okta), listed(api, entra[1])) == (["ada"], ["grace"])
    assert api.ask("GET", f"{USERS}/{grace}", key=okta).status_code == 404
    assert api.ask("DELETE", f"{USERS}/{ada}", key=entra[1]).status_code == 404
    clash = api.ask("POST", USERS, key=entra[1], json=user_profile("Ada"))
    assert (clash.status_code, clash.json()["scimType"]) == (409, "uniqueness")
    assert "link" in clash.json()["detail"]
    shown = api.get(f"{ALL}/{entra[0]}")["value"]
    assert (shown["user_count"], shown["group_count"]) == (1, 0)


def test_a_connection_that_is_off_is_answered_as_if_scim_were_off_and_others_go_on(api, okta, entra):
    api.send("PUT", SETTING, {"value": {"enabled": False}})
    assert api.get(SETTING) == {"value": {"enabled": False}}
    off = api.ask("GET", USERS, key=okta)
    assert (off.status_code, "switched off" in off.json()["detail"]) == (403, True)
    assert listed(api, entra[1]) == []
    api.send("PATCH", f"{ALL}/{entra[0]}", {"state": "OFF"})
    for key in (okta, entra[1], api.key):
        assert api.ask("GET", USERS, key=key).status_code == 403
    api.send("PUT", SETTING, {"value": {"enabled": True}})
    assert listed(api, okta) == listed(api, api.key) == []


def test_scim_is_on_while_any_connection_is_and_the_setting_is_of_the_default_one_alone(api, installed, entra):
    def state():
        enabled = api.get(SETTING)["value"]["enabled"]
        return installed.ask(get_installation).scim_enabled, enabled, api.get(f"{ALL}/{entra[0]}")["value"]["state"]

    assert state() == (True, False, "ON")
    for _ in range(2):
        assert api.send("PUT", SETTING, {"value": {"enabled": True}}) == {"value": {"enabled": True}}
    api.send("PATCH", f"{ALL}/{entra[0]}", {"state": "OFF"})
    assert state() == (True, True, "OFF")
    api.send("PUT", SETTING, {"value": {"enabled": False}})
    assert state() == (False, False, "OFF")
    api.send("PATCH", f"{ALL}/{entra[0]}", {"state": "ON"})
    assert state() == (True, False, "ON")
    switched = [each for each in installed.event_types() if each.startswith("directory.scim.")]
    assert switched == ["directory.scim.enabled", "directory.scim.switched-off", "directory.scim.enabled"]


def test_a_connection_is_heard_from_its_networks_alone(api, entra):
    api.send("PATCH", f"{ALL}/{entra[0]}", {"allowed_networks": ["198.51.100.0/24"]})
    assert api.ask("GET", USERS, key=entra[1]).status_code == 403
    api.send("PATCH", f"{ALL}/{entra[0]}", {"allowed_networks": ["127.0.0.0/8"]})
    assert listed(api, entra[1]) == []


def test_a_credential_is_replaced_without_a_gap(api, installed, entra):
    connection, old = entra
    installed.clock.advance(timedelta(minutes=1))
    new = api.post(f"{ALL}/{connection}:rotate", {"overlap_hours": 2})["value"]
    shown = api.get(f"{ALL}/{connection}/credentials")["values"]
    assert [each["expires_at"] for each in shown] == ["2026-11-24T12:01:00.000Z", None]
    assert {each["access_key"] for each in shown} == {""}
    assert shown[1]["id"] == new["id"]
    assert listed(api, old) == listed(api, new["access_key"]) == []
    installed.clock.advance(timedelta(hours=2))
    assert api.ask("GET", USERS, key=old).status_code == 401
    assert listed(api, new["access_key"]) == []
    at_once = api.post(f"{ALL}/{connection}:rotate", {"overlap_hours": 0})["value"]
    assert api.ask("GET", USERS, key=new["access_key"]).status_code == 401
    assert listed(api, at_once["access_key"]) == []
    usable = [each["is_usable"] for each in api.get(f"{ALL}/{connection}/credentials")["values"]]
    assert usable == [False, False, True]


def test_a_second_rotation_lets_no_credential_live_longer(api, installed, entra):
    connection = entra[0]
    installed.clock.advance(timedelta(minutes=1))
    api.post(f"{ALL}/{connection}:rotate", {"overlap_hours": 1})
    installed.clock.advance(timedelta(minutes=1))
    api.post(f"{ALL}/{connection}:rotate", {"overlap_hours": 5})
    ends = [each["expires_at"] for each in api.get(f"{ALL}/{connection}/credentials")["values"]]
    assert ends == ["2026-11-24T11:01:00.000Z", "2026-11-24T15:02:00.000Z", None]


def test_only_a_connection_with_nothing_left_is_deleted(api, entra):
    connection, key = entra
    user = push(api, key, "grace")
    for what in (DEFAULT_CONNECTION, connection):
        refused(api.ask("DELETE", f"{ALL}/{what}"), 409)
    assert api.ask("DELETE", f"{USERS}/{user}", key=key).status_code == 204
    assert reason_of(refused(api.ask("DELETE", f"{ALL}/{connection}"), 409)) == "connection_in_use"
    empty = api.post(ALL, {"name": "Empty"})["value"]["id"]
    api.send("DELETE", f"{ALL}/{empty}")
    refused(api.ask("GET", f"{ALL}/{empty}"), 404)


def test_an_administrator_links_a_local_user_and_one_of_another_connection(api, installed, entra):
    connection, key = entra
    grace = local_user(installed)
    assert api.post(f"{ALL}/{connection}:link", {"user_id": grace})["value"] == {
        "user_id": grace,
        "user_name": "grace",
        "connection_id": connection,
    }
    ada = pushed_user(installed, "ada")
    group = pushed_group(installed, "Engineers", ada)
    api.post(f"{ALL}/{connection}:link", {"user_id": ada})
    assert api.post(f"{ALL}/{connection}:link", {"user_id": ada})["value"]["user_name"] == "ada"
    assert sorted(listed(api, key)) == ["ada", "grace"]
    members = api.ask("GET", f"/scim/v2/Groups/{group}").json().get("members", [])
    assert members == []
    assert installed.event_types().count("connections.user.linked") == 2
    assert api.get(f"{ALL}/{connection}")["value"]["user_count"] == 2
    assert api.get(f"{ALL}/{DEFAULT_CONNECTION}")["value"]["user_count"] == 0


def test_the_break_glass_user_a_machine_and_nobody_are_not_linked(api, installed, entra):
    rescue = administrator(installed, "rescue")
    installed.change(users.set_break_glass, rescue)
    for user_id, status in ((rescue, 403), (service_user(installed, "robot"), 400), ("nobody", 404)):
        refused(api.ask("POST", f"{ALL}/{entra[0]}:link", json={"user_id": user_id}), status, *FIELD.get(status, ()))
    assert api.get(f"{ALL}/{entra[0]}")["value"]["user_count"] == 0


def test_who_only_pushes_does_not_see_connections(api, installed, okta):
    for key in (okta, key_of_role(installed, "viewer")):
        assert reason_of(refused(api.ask("GET", ALL, key=key), 403)) == "forbidden"
        assert reason_of(refused(api.ask("POST", ALL, key=key, json={"name": "x"}), 403)) == "forbidden"


def test_the_guide_follows_what_was_done(api, entra):
    def done():
        steps = api.get(f"{ALL}/{entra[0]}/guide")["value"]["steps"]
        return {each["name"] for each in steps if each["done"]}

    assert done() == {"connection", "key", "enable"}
    made = api.post(ALL, {"name": "Okta"})["value"]["id"]
    guide = api.get(f"{ALL}/{made}/guide", provider="okta")["value"]
    assert [each["name"] for each in guide["steps"] if each["done"]] == ["connection"]
    assert (guide["provider"], guide["document"]) == ("okta", "how-to/okta.md")
    (where,) = [each for each in guide["steps"] if each["name"] == "provider"]
    assert [each["label"] for each in where["entries"]] == ["Base URL", "OAuth Bearer Token"]
    api.ask("POST", "/scim/v2/Groups", key=entra[1], json=group_profile("Engineers"))
    assert done() == {"connection", "key", "enable", "groups"}
    refused(api.ask("GET", f"{ALL}/none/guide"), 404)
    refused(api.ask("GET", f"{ALL}/{made}/guide?provider=none"), 400, "provider")


def test_a_validation_is_asked_for_and_looked_at(api, entra):
    begun = api.post(f"{ALL}/{entra[0]}:validate", {"address": "LISTENING"})["value"]
    assert (begun["state"], begun["address"], begun["steps"], begun["step_count"]) == ("WAITING", "LISTENING", [], 15)
    assert api.get(f"{ALL}/{entra[0]}/validations/{begun['id']}")["value"] == begun
    assert api.get(f"{ALL}/{entra[0]}/validations")["values"] == [begun]
    again = refused(api.ask("POST", f"{ALL}/{entra[0]}:validate", json={}), 409)
    assert reason_of(again) == "validation_runs"
    refused(api.ask("GET", f"{ALL}/{entra[0]}/validations/none"), 404)
    refused(api.ask("POST", f"{ALL}/none:validate", json={}), 404)
    refused(
        api.ask("POST", f"{ALL}/{entra[0]}:validate", json={"address": "https://elsewhere.example"}), 400, "address"
    )


def test_the_first_calls_of_each_connection_are_its_own(api, entra):
    second = api.post(ALL, {"name": "Okta", "state": "ON"})["value"]["id"]
    okta = api.post(f"{ALL}/{second}:rotate", {})["value"]["access_key"]

    def seen(connection):
        return [each["kind"] for each in api.get(f"{ALL}/{connection}/first_calls")["value"]["sightings"]]

    push(api, entra[1], "ada")
    assert seen(entra[0]) == ["user_created"]
    assert seen(second) == []
    api.ask("POST", USERS, key=okta, json=user_profile("Ada"))
    assert seen(second) == ["refused"]
    refused(api.ask("GET", f"{ALL}/none/first_calls"), 404)
