"""Does the served product foresee who loses what by one wrong click, keep nothing of it, and is it right?"""

import json
import time

import httpx2
import pytest

from tests.conformance.scim_client import PATCH_OP, USER, ScimClient, accepted, fresh

PEOPLE = 1_500
PATIENCE_SECONDS = 120.0
EMPTIED = {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "members"}]}


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: who holds what is compared for everybody."""
    return served_alone


@pytest.fixture(scope="module")
def rest(served):
    """The REST API, asked by an administrator."""
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("preview"), "--role", "admin", "--create-user", "--json"
    )
    headers = {"Authorization": f"Bearer {answer['api_key']}"}
    with httpx2.Client(base_url=served.url, headers=headers, trust_env=False, timeout=120) as http:
        yield http


def asked(response):
    assert response.status_code == 200, response.text
    return response.json()["value"]


def pushed_people(scim, names):
    """Push people by bulk requests; return their ids by name."""
    ids = {}
    for start in range(0, len(names), 500):
        some = names[start : start + 500]
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": {"schemas": [USER], "userName": name}}
            for name in some
        ]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        answer = accepted(scim.send("POST", "/Bulk", body), 200)
        ids |= {each["bulkId"]: each["location"].rpartition("/")[2] for each in answer["Operations"]}
    return ids


def finished(rest, group):
    """Wait until everything has come of the last call about a group; return the log's entry of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        (call,) = rest.get("/api/v1/scim_log", params={"group_id": group, "page_size": 1}).json()["values"]
        entry = asked(rest.get(f"/api/v1/scim_log/{call['id']}"))
        if entry["effects_complete"]:
            return entry
        assert time.monotonic() < deadline, "the job does not come to its end"
        time.sleep(0.2)


def holdings(rest, user_ids):
    """What these people hold: (user, team, role)."""
    held = set()
    for user_id in user_ids:
        user = asked(rest.get(f"/api/v1/users/{user_id}"))
        held |= {(user_id, each["team_id"], each["role_id"]) for each in user["team_roles"]}
    return held


def test_a_group_of_1500_that_would_be_emptied_takes_from_just_those_whom_the_preview_named(served, rest, tmp_path):
    everybody, few = fresh("Everybody"), fresh("Few")
    served.run_text("admin", "mappings", "create", everybody, "--gives", "Root:viewer")
    served.run_text("admin", "mappings", "create", few, "--gives", "Root:viewer")
    with served.client() as http:
        scim = ScimClient(http)
        ids = pushed_people(scim, [fresh("person") for _ in range(PEOPLE)])
        kept = list(ids.values())[:5]
        group = scim.create_group(everybody, list(ids.values()))["id"]
        scim.create_group(few, kept)
        assert finished(rest, group)["goes_on"] is True
        before = holdings(rest, ids.values())
        assert {user for user, _team, _role in before} == set(ids.values())

        request = {"method": "PATCH", "path": f"/Groups/{group}", "body": EMPTIED}
        (default, *_) = rest.get("/api/v1/scim_connections").json()["values"]
        preview = asked(rest.post(f"/api/v1/scim_connections/{default['id']}:preview", json={"requests": [request]}))
        assert [each["http_status"] for each in preview["calls"]] == [204]
        foreseen = {(each["user_id"], each["team_id"], each["role_id"]) for each in preview["total"]["lost"]}
        assert {user for user, _team, _role in foreseen} == set(ids.values()) - set(kept)
        assert preview["total"]["losing_people_count"] == PEOPLE - len(kept)
        file = tmp_path / "request.json"
        file.write_text(json.dumps(request))
        by_command = served.run_json("admin", "connections", "preview", "Default", str(file), "--json")
        assert by_command["total"] == preview["total"]
        assert holdings(rest, ids.values()) == before

        # So many at once are more than the guard lets pass, until an administrator says otherwise.
        assert scim.send("PATCH", f"/Groups/{group}", EMPTIED).status_code == 409
        assert holdings(rest, ids.values()) == before
        asked(rest.patch(f"/api/v1/scim_connections/{default['id']}", json={"guard_percent": 100}))
        assert scim.send("PATCH", f"/Groups/{group}", EMPTIED).status_code == 204
    call = finished(rest, group)
    after = holdings(rest, ids.values())
    assert (before - after, after - before) == (foreseen, set())
    assert asked(rest.post(f"/api/v1/scim_log/{call['id']}:preview"))["total"]["lost_count"] == 0
