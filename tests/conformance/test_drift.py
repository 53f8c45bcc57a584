"""Does the served product find an administrator's stray changes and a lost push, and repair them as documented?"""

import json

import httpx2
import pytest

from tests.conformance.scim_client import GROUP, USER, ScimClient, accepted, fresh


@pytest.fixture(scope="module")
def rest(served):
    """The REST API, asked by an administrator."""
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("drift"), "--role", "admin", "--create-user", "--json"
    )
    headers = {"Authorization": f"Bearer {answer['api_key']}"}
    with httpx2.Client(base_url=served.url, headers=headers, trust_env=False, timeout=30) as http:
        yield http


@pytest.fixture
def okta(served, rest):
    """A connection of this test's own, with a client that pushes by it; its id."""
    made = asked(rest.post("/api/v1/scim_connections", json={"name": fresh("Okta"), "state": "ON"}))
    key = asked(rest.post(f"/api/v1/scim_connections/{made['id']}:rotate", json={}))["access_key"]
    with served.client(key) as http:
        yield ScimClient(http), made["id"]


def asked(response):
    assert response.status_code == 200, response.text
    return response.json()["value"]


def user(name):
    return {"schemas": [USER], "userName": name, "externalId": f"x-{name}", "displayName": name, "active": True}


def test_stray_changes_and_a_lost_push_are_found_previewed_and_repaired(served, rest, okta, tmp_path):
    client, connection = okta
    ada, bob, eve = (fresh(name) for name in ("ada", "bob", "eve"))
    team = fresh("Engineers")
    ids = {name: accepted(client.send("POST", "/Users", user(name)), 201)["id"] for name in (ada, bob)}
    group = {"schemas": [GROUP], "displayName": team, "externalId": f"x-{team}"}
    accepted(client.send("POST", "/Groups", {**group, "members": [{"value": ids[bob]}]}), 201)
    # What the provider has: Eve's creation never arrived.
    export = {
        "users": [user(name) for name in (ada, bob, eve)],
        "groups": [{**group, "members": [{"value": f"x-{name}"} for name in (bob, eve)]}],
    }
    compare = f"/api/v1/scim_connections/{connection}/export:compare"
    asked(rest.post(f"/api/v1/users/{ids[ada]}:deactivate", json={"reason": "by mistake"}))

    assert asked(rest.post(compare, json=export))["difference_count"] == 2
    shown = rest.get("/api/v1/drift", params={"connection_id": connection}).json()["values"]
    assert [(each["kind"], each["name"], each["cause_type"]) for each in shown] == [
        ("USER_MISSING", eve, None),
        ("USER_DIFFERENT", ada, "directory.user.deactivated"),
    ]
    preview = asked(rest.post("/api/v1/drift:repair", json={"connection_id": connection, "preview": True}))
    assert [(each["change"], each["user_name"]) for each in preview["radius"]["users"]] == [
        ("reactivated", ada),
        ("created", eve),
    ]
    assert client.read(f"/Users/{ids[ada]}")["active"] is False
    repaired = asked(rest.post("/api/v1/drift:repair", json={"connection_id": connection}))
    assert (repaired["repaired_count"], repaired["remaining_count"]) == (2, 0)
    assert client.read(f"/Users/{ids[ada]}")["active"] is True

    # Now that Eve is there, the command line finds that she is no member, and makes her one.
    file = tmp_path / "export.json"
    file.write_text(json.dumps(export))
    again = served.run_json("admin", "drift", "compare", str(file), "--connection", connection, "--json")
    assert {kind: count for kind, count in again["counts"].items() if count} == {"MEMBER_MISSING": 1}
    served.run_json("admin", "drift", "repair", "--all", "--connection", connection, "--json")
    assert asked(rest.post(compare, json=export))["difference_count"] == 0
    (found,) = client.search("/Users", f'userName eq "{eve}"')
    assert [each["display"] for each in found["groups"]] == [team]
