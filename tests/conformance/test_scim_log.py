"""Does the SCIM log of the served product say who gained and lost what by what Okta and Entra send?"""

import time

import httpx2
import pytest

from tests.conformance.scim_client import GROUP, PATCH_OP, USER, ScimClient, accepted, fresh

LOG = "/api/v1/scim_log"
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: a setting is changed here that others rely on."""
    return served_alone


@pytest.fixture(scope="module")
def rest(served):
    """The REST API, asked by an administrator."""
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("log"), "--role", "admin", "--create-user", "--json"
    )
    headers = {"Authorization": f"Bearer {answer['api_key']}"}
    with httpx2.Client(base_url=served.url, headers=headers, trust_env=False, timeout=30) as http:
        yield http


@pytest.fixture(scope="module")
def entra(served, rest):
    """A second connection, with a client that pushes by it; its id."""
    made = asked(rest.post("/api/v1/scim_connections", json={"name": fresh("Entra"), "state": "ON"}))
    key = asked(rest.post(f"/api/v1/scim_connections/{made['id']}:rotate", json={}))["access_key"]
    with served.client(key) as http:
        yield ScimClient(http), made["id"]


@pytest.fixture
def okta(served):
    with served.client() as http:
        yield ScimClient(http)


def asked(response):
    assert response.status_code == 200, response.text
    return response.json()["value"]


def log(rest, **wanted):
    """Return all calls that a search finds, the newest first."""
    values = []
    while True:
        page = rest.get(LOG, params=wanted)
        assert page.status_code == 200, page.text
        values += page.json()["values"]
        if not page.json()["has_more"]:
            return values
        wanted["page_token"] = page.json()["next_page_token"]


def found(rest, response, **wanted):
    """Return the log's entry of one call, with its effects; reads and their like come a moment later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for each in log(rest, **wanted):
            if each["request_id"] == response.headers["X-Request-Id"]:
                return asked(rest.get(f"{LOG}/{each['id']}"))
        time.sleep(0.1)
    raise AssertionError(f"The log does not have {response.headers['X-Request-Id']}.")


def effects(entry):
    return sorted((each["user_name"], each["kind"], each["role"]) for each in entry["effects"])


def mapped(served, role):
    """Return the name of a group that gives a role in Root as soon as it is pushed."""
    name = fresh("Mapped")
    served.run_text("admin", "mappings", "create", name, "--gives", f"Root:{role}")
    return name


def test_an_okta_conversation_tells_who_gained_and_lost_what(served, rest, okta):
    name, ada, grace = mapped(served, "viewer"), fresh("ada@okta.example"), fresh("grace@okta.example")
    looked = okta.get(f'/Users?filter=userName%20eq%20"{ada}"&startIndex=1&count=100')
    people = {each: okta.create_user(each, externalId=fresh("00u"), active=True)["id"] for each in (ada, grace)}
    group = accepted(okta.send("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": []}), 201)["id"]
    path = f"/Groups/{group}"
    both = [{"value": people[each], "display": each} for each in (ada, grace)]
    added = okta.patch(path, {"op": "add", "path": "members", "value": both})
    removed = okta.patch(path, {"op": "remove", "path": f'members[value eq "{people[ada]}"]'})
    renamed = okta.patch(path, {"op": "replace", "value": {"id": group, "displayName": name}})
    off = okta.patch(f"/Users/{people[grace]}", {"op": "replace", "value": {"active": False}})
    taken = okta.send("POST", "/Users", {"schemas": [USER], "userName": grace})

    entry = found(rest, added)
    assert (entry["method"], entry["operations"], entry["gained_count"]) == ("PATCH", ["applied"], 2)
    assert effects(entry) == [(ada, "role_gained", "viewer"), (grace, "role_gained", "viewer")]
    assert entry["request"] == {
        "schemas": [PATCH_OP],
        "Operations": [{"op": "add", "path": "members", "value": both}],
    }
    assert effects(found(rest, removed)) == [(ada, "role_lost", "viewer")]
    assert (found(rest, renamed)["operations"], effects(found(rest, renamed))) == (["no_change"], [])
    assert effects(found(rest, off)) == [(grace, "access_ended", None)]
    refusal = found(rest, taken, filter='outcome eq "refused"')
    assert (refusal["http_status"], refusal["error_reason"]) == (409, "user_name_taken")
    assert found(rest, looked, filter=f'url co "{ada.split("@")[0]}"')["outcome"] == "ok"
    about_ada = [each["request_id"] for each in log(rest, user_id=people[ada])]
    assert about_ada[:2] == [each.headers["X-Request-Id"] for each in (removed, added)]
    assert len(about_ada) == 3


def test_an_entra_conversation_tells_who_gained_and_lost_what_also_by_its_job(served, rest, entra):
    scim, connection = entra
    name = mapped(served, "operator")
    names = [fresh("entra@contoso.example") for _ in range(4)]
    ids = [scim.create_user(each, externalId=fresh("guid"), active=True)["id"] for each in names]
    body = {"schemas": [GROUP], "displayName": name, "externalId": fresh("guid")}
    group = accepted(scim.send("POST", "/Groups", body), 201)["id"]
    path = f"/Groups/{group}"
    added = [scim.patch(path, {"op": "Add", "path": "members", "value": [{"value": each}]}) for each in ids[:1]]
    off = scim.patch(f"/Users/{ids[0]}", {"op": "Replace", "path": "active", "value": "False"})
    on = scim.patch(f"/Users/{ids[0]}", {"op": "Replace", "path": "active", "value": "True"})
    removed = scim.patch(path, {"op": "Remove", "path": "members", "value": [{"value": ids[0]}]})
    assert effects(found(rest, added[0])) == [(names[0], "role_gained", "operator")]
    assert effects(found(rest, off)) == [(names[0], "access_ended", None)]
    assert effects(found(rest, on)) == [(names[0], "access_restored", None)]
    assert effects(found(rest, removed)) == [(names[0], "role_lost", "operator")]

    served.run_text("admin", "mappings", "choose", "--users-at-once", "2")
    many = scim.patch(path, {"op": "Add", "path": "members", "value": [{"value": each} for each in ids[1:]]})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (entry := found(rest, many))["effects_complete"]:
        assert time.monotonic() < deadline, "the job does not come to its end"
        time.sleep(0.1)
    assert effects(entry) == sorted((each, "role_gained", "operator") for each in names[1:])
    assert {each["by_job"] for each in entry["effects"]} == {True}
    assert entry["goes_on"] is True
    assert log(rest, user_id=ids[3])[0]["request_id"] == entry["request_id"]
    assert {each["connection_id"] for each in log(rest, group_id=group)} == {connection}
    assert all(each["connection_id"] == connection for each in log(rest, connection_id=connection))


def test_the_command_line_and_the_export_tell_the_same(served, rest, okta):
    name, ada = mapped(served, "viewer"), fresh("ada@okta.example")
    user = okta.create_user(ada)["id"]
    okta.create_group(name, [user])
    out = okta.send("DELETE", f"/Users/{user}")
    listed = served.run_json("admin", "scim-log", "list", "--user", user, "--json")["calls"]
    assert listed[0]["request_id"] == out.headers["X-Request-Id"]
    shown = served.run_json("admin", "scim-log", "show", listed[0]["id"], "--json")
    assert (ada, "user_deleted", None) in effects(shown)
    exported, token = [], ""
    while True:
        page = rest.get(f"{LOG}/export", params={"page_token": token, "page_size": 7}).json()
        exported += [each["request_id"] for each in page["values"]]
        token = page["next_page_token"]
        if not page["has_more"]:
            break
    assert len(exported) == len(set(exported))
    assert {each["request_id"] for each in listed} <= set(exported)
