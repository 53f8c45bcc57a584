"""Do two identity providers that push to one installation stay apart?"""

import json
import subprocess
import time
from contextlib import contextmanager

import httpx2
import pytest

from tests.conformance.scim_client import GROUP, SEARCH_REQUEST, USER, ScimClient, accepted, fresh, member_ids, refused
from tests.make.served import environment, rolecall_command

ADD = {"op": "add", "path": "members"}


@pytest.fixture(scope="module")
def served(served_alone):
    return served_alone


def key_of(served, name):
    return served.run_json("admin", "connections", "rotate", name, "--json", *served.storage_options())["api_key"]


@contextmanager
def pushing(served, key):
    with served.client(key) as http:
        yield ScimClient(http)


@pytest.fixture(scope="module")
def entra_key(served):
    served.run_text("admin", "connections", "create", "Entra ID", "--on", *served.storage_options())
    return key_of(served, "Entra ID")


@pytest.fixture(scope="module")
def okta_key(served):
    return key_of(served, "default")


@pytest.fixture
def okta(served, okta_key):
    """The default connection, pushing."""
    with pushing(served, okta_key) as scim:
        scim.empty()
        yield scim


@pytest.fixture
def entra(served, entra_key):
    with pushing(served, entra_key) as scim:
        scim.empty()
        yield scim


def change(served, *options):
    served.run_text("admin", "connections", "change", "Entra ID", *options, *served.storage_options())


def names(page):
    return sorted(each["userName"] for each in page["Resources"])


def test_each_sees_lists_counts_and_finds_only_its_own(okta, entra):
    mine, theirs = okta.create_user(), entra.create_user()
    for scim, own, other in ((okta, mine, theirs), (entra, theirs, mine)):
        assert names(scim.page("/Users")) == [own["userName"]]
        assert scim.page("/Users", count=0)["totalResults"] == 1
        assert names(scim.page("/Users", sortBy="userName")) == [own["userName"]]
        assert names(accepted(scim.get("/Users?cursor=&count=5"), 200)) == [own["userName"]]
        assert scim.search("/Users", f'userName eq "{other["userName"]}"') == []
        assert scim.search("/Users", f'id eq "{other["id"]}"') == []
        found = accepted(scim.send("POST", "/.search", {"schemas": [SEARCH_REQUEST], "filter": "userName pr"}), 200)
        assert names(found) == [own["userName"]]
        refused(scim.get(f"/Users/{other['id']}"), 404)
        refused(scim.patch(f"/Users/{other['id']}", {"op": "replace", "path": "active", "value": False}), 404)
        refused(scim.send("DELETE", f"/Users/{other['id']}"), 404)
    assert okta.read(f"/Users/{mine['id']}") == mine
    assert entra.read(f"/Users/{theirs['id']}") == theirs


def rows(served, *columns):
    return served.run_json("admin", *columns, "--json", *served.storage_options())


def walked(scim, endpoint):
    """Return what a walk by cursors meets, and the cursor to its second page."""
    found, cursors = [], [""]
    while True:
        query = httpx2.QueryParams(cursor=cursors[-1], count=2)
        page = accepted(scim.get(f"{endpoint}?{query}"), 200)
        found += [each["id"] for each in page["Resources"]]
        if "nextCursor" not in page:
            return found, cursors[1]
        cursors.append(page["nextCursor"])


def test_a_connection_pushes_only_what_is_in_its_scope_and_keeps_what_it_had(served, entra, okta, tmp_path):
    before = entra.create_user("early@elsewhere.example")
    change(served, "--user-scope", "*@example.com", "--group-scope", "Rolecall *")
    try:
        inside = entra.create_user("Ada@Example.com")
        outside = entra.send("POST", "/Users", {"schemas": [USER], "userName": "eve@elsewhere.example"})
        detail = refused(outside, 403)
        assert "userName 'eve@elsewhere.example'" in detail
        assert "*@example.com" in detail
        renaming = {"op": "replace", "path": "userName", "value": "ada@elsewhere.example"}
        refused(entra.patch(f"/Users/{inside['id']}", renaming), 403)
        refused(entra.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Others"}), 403)
        group = accepted(entra.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "rolecall users"}), 201)
        refused(entra.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "X"}), 403)
        # What it had pushed before stays its own.
        accepted(entra.patch(f"/Users/{before['id']}", {"op": "replace", "path": "active", "value": False}), 200)
        assert entra.patch(f"/Groups/{group['id']}", {**ADD, "value": [{"value": before["id"]}]}).status_code == 204
        assert names(entra.page("/Users")) == sorted([before["userName"], inside["userName"]])
        # Nobody else is narrowed by it.
        okta.create_user("eve@elsewhere.example")
        asked = tmp_path / "request.json"
        asked.write_text(
            json.dumps({"method": "POST", "path": "/Users", "body": {"schemas": [USER], "userName": "x@y.example"}})
        )
        preview = served.run_json(
            *("admin", "connections", "preview", "Entra ID", str(asked), "--json", *served.storage_options())
        )
        assert [(each["http_status"], each["error_reason"]) for each in preview["calls"]] == [
            (403, "out_of_push_scope")
        ]
    finally:
        change(served, "--user-scope", "any", "--group-scope", "any")
    entra.create_user("x@y.example")


def test_a_walk_by_cursors_meets_only_its_own_and_a_cursor_is_good_for_its_own_connection(okta, entra):
    mine = [[scim.create_user()["id"] for _ in range(3)] for scim in (okta, entra)]
    groups = [[scim.create_group()["id"] for _ in range(3)] for scim in (okta, entra)]
    for position, (scim, other) in enumerate(((okta, entra), (entra, okta))):
        for endpoint, wanted in (("/Users", mine[position]), ("/Groups", groups[position])):
            found, cursor = walked(scim, endpoint)
            assert found == wanted
            query = httpx2.QueryParams(cursor=cursor, count=2)
            refused(other.get(f"{endpoint}?{query}"), 400, "invalidCursor")


def test_groups_are_seen_counted_and_found_by_their_own_connection_alone(okta, entra):
    mine, theirs = okta.create_group(), entra.create_group()
    for scim, own, other in ((okta, mine, theirs), (entra, theirs, mine)):
        assert scim.page("/Groups", count=0)["totalResults"] == 1
        for order in ({}, {"sortBy": "displayName"}):
            assert [each["id"] for each in scim.page("/Groups", **order)["Resources"]] == [own["id"]]
        assert scim.search("/Groups", f'displayName eq "{other["displayName"]}"') == []
        body = {"schemas": [SEARCH_REQUEST], "filter": "displayName pr"}
        found = accepted(scim.send("POST", "/Groups/.search", body), 200)
        assert [each["id"] for each in found["Resources"]] == [own["id"]]
        refused(scim.send("POST", "/Groups", {"displayName": other["displayName"].upper()}), 409, "uniqueness")
        refused(scim.send("DELETE", f"/Groups/{other['id']}"), 404)


def test_an_administrator_and_a_service_user_are_not_given_away_by_a_push(served, entra):
    name, robot = fresh("local"), fresh("robot")
    served.run_json("admin", "create-key", "--user-name", robot, "--role", "viewer", "--create-user", "--json")
    refused(entra.send("POST", "/Users", {"userName": robot}), 409, "uniqueness")
    token = served.run_json("admin", "setup-link", "--json")["setup_url"].partition("token=")[2]
    person = {"user_name": name, "given_name": "Ada", "family_name": "King", "email": "a@b.example"}
    with httpx2.Client(base_url=served.url, trust_env=False) as browser:
        assert browser.post("/setup", data={"token": token, **person}).status_code == 200
    detail = refused(entra.send("POST", "/Users", {"userName": name.upper()}), 409, "uniqueness")
    connection = rows(served, "connections", "show", "Entra ID")["id"]
    assert detail.endswith(f": rolecall admin connections link {connection} '{name.upper()}'")
    assert "King" not in detail
    assert entra.page("/Users")["totalResults"] == 0
    kept = served.run_json("admin", "users", "show", name, "--json", *served.storage_options())
    assert kept["state"] == "active"


def test_nobody_of_another_connection_becomes_a_member(okta, entra):
    mine, theirs = okta.create_user(), entra.create_user()
    group = okta.create_group(members=[mine["id"]])
    refused(okta.patch(f"/Groups/{group['id']}", ADD | {"value": [{"value": theirs["id"]}]}), 400, "invalidValue")
    refused(entra.patch(f"/Groups/{group['id']}", ADD | {"value": [{"value": theirs["id"]}]}), 404)
    assert member_ids(okta.read(f"/Groups/{group['id']}")) == {mine["id"]}


def test_an_operation_of_a_bulk_request_does_not_reach_what_another_has_pushed(okta, entra):
    theirs = entra.create_user()
    operations = [
        {"method": "DELETE", "path": f"/Users/{theirs['id']}"},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": fresh("bulk")}},
    ]
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    answer = accepted(okta.send("POST", "/Bulk", {"schemas": schemas, "Operations": operations}), 200)
    assert [each["status"] for each in answer["Operations"]] == ["404", "201"]
    assert entra.read(f"/Users/{theirs['id']}") == theirs


def test_a_name_that_another_has_pushed_is_refused_without_what_is_known_of_that_user(okta, entra):
    theirs = entra.create_user(displayName="Grace Hopper", title="Rear admiral")
    detail = refused(okta.send("POST", "/Users", {"userName": theirs["userName"].upper()}), 409, "uniqueness")
    assert "administrator" in detail
    assert not any(word in detail for word in ("Grace", "admiral", theirs["id"], "Entra"))
    assert okta.page("/Users")["totalResults"] == 0


def test_one_that_is_switched_off_leaves_the_other_as_it_was(served, okta, entra):
    theirs = entra.create_user()
    change(served, "--off")
    assert "switched off" in refused(entra.get("/Users"), 403)
    okta.create_user()
    change(served, "--on")
    assert entra.read(f"/Users/{theirs['id']}") == theirs


def test_a_validation_is_green_on_both_connections_and_leaves_nothing_behind(served, okta, entra):
    mine, theirs = okta.create_user(), entra.create_user()
    for name, scim, own in (("default", okta, mine), ("Entra ID", entra, theirs)):
        before = rows(served, "connections", "show", name)
        told = served.run_text("admin", "connections", "validate", name, *served.storage_options())
        assert told.endswith("The connection works.\n"), told
        assert told.count("ok    ") == 15
        assert names(scim.page("/Users")) == [own["userName"]]
        assert scim.page("/Groups")["totalResults"] == 0
        after = rows(served, "connections", "show", name)
        assert [each["id"] for each in after["credentials"]] == [each["id"] for each in before["credentials"]]
        assert (after["users"], after["groups"]) == (before["users"], before["groups"])
        assert rows(served, "mappings", "list")["mappings"] == []
    report = rows(served, "connections", "validate", "Entra ID", "--address", "LISTENING")
    assert (report["state"], len(report["steps"])) == ("PASSED", 15)
    created = report["steps"][1]
    assert (created["status"], created["answer"]["userName"]) == (201, created["request"]["userName"])
    assert "RLCL" not in str(report)


def test_a_guard_that_lets_nobody_lose_anything_neither_holds_nor_counts_a_validation(served, entra):
    change(served, "--guard-people", "0", "--guard-percent", "0")
    report = rows(served, "connections", "validate", "Entra ID", "--address", "LISTENING")
    change(served, "--guard-people", "50", "--guard-percent", "10")
    assert (report["state"], len(report["steps"])) == ("PASSED", 15), report["steps"][-1]
    assert rows(served, "held-changes", "list")["held_changes"] == []


def test_a_validation_of_a_connection_that_is_off_says_what_to_do(served, entra):
    change(served, "--off")
    ended = served.run("admin", "connections", "validate", "Entra ID", *served.storage_options())
    change(served, "--on")
    assert ended.returncode == 6
    assert "FAILED Reach the SCIM endpoint  GET /ServiceProviderConfig 403" in ended.stdout
    assert "Switch it on." in ended.stdout
    assert entra.page("/Users")["totalResults"] == 0


def test_a_credential_is_replaced_with_an_overlap_and_then_without(served, entra):
    theirs = entra.create_user()
    with pushing(served, key_of(served, "Entra ID")) as second:
        assert second.read(f"/Users/{theirs['id']}") == entra.read(f"/Users/{theirs['id']}")
        options = ("--overlap-hours", "0", "--json", *served.storage_options())
        key = served.run_json("admin", "connections", "rotate", "Entra ID", *options)["api_key"]
        refused(second.get("/Users"), 401)
        refused(entra.get("/Users"), 401)
    with pushing(served, key) as third:
        assert third.read(f"/Users/{theirs['id']}") == theirs
        third.delete(f"/Users/{theirs['id']}")


def test_a_rate_limit_holds_for_its_connection_alone_and_what_was_called_is_shown(served, okta):
    change(served, "--rate-limit", "3")
    http = {"headers": {"User-Agent": "Microsoft AzureAD"}, "trust_env": False}
    with httpx2.Client(**http) as client:
        key = key_of(served, "Entra ID")
        answers = [client.get(f"{served.base_url}/Users", headers={"Authorization": f"Bearer {key}"}) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert answers[-1].json()["status"] == "429"
    assert [okta.get("/Users").status_code for _ in range(5)] == [200] * 5
    deadline = time.monotonic() + 15
    while True:
        shown = served.run_json("admin", "connections", "show", "Entra ID", "--json", *served.storage_options())
        if shown["dialect"] == "entra" or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert (shown["dialect"], shown["last_call_at"] is not None) == ("entra", True)
    assert shown["errors_24h"] >= 1
    change(served, "--rate-limit", "0")


def test_whoever_is_guided_sees_what_the_provider_does_as_it_does_it(served):
    command = ["admin", "connections", "create", "Authentik", "--guided", "--wait-seconds", "60"]
    with subprocess.Popen(
        [*rolecall_command(), *command, *served.storage_options()],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as guided:
        lines = []

        def wait_for(text):
            while not lines or text not in lines[-1]:
                lines.append(guided.stdout.readline())
                assert lines[-1], lines

        wait_for("Bearer token")
        key = lines[-1].split()[-1]
        wait_for("Waiting")
        with pushing(served, key) as scim:
            scim.page("/Users", count=1)
            wait_for("reaches Rolecall")
            refused(scim.send("POST", "/Users", {"schemas": [USER]}), 400, "invalidValue")
            wait_for("was refused")
            user = scim.create_user()
            lines += guided.stdout.readlines()
            assert guided.wait(30) == 0
            scim.delete(f"/Users/{user['id']}")
    told = "".join(lines)
    assert f"Base URL      {served.base_url}\n" in told
    assert "GET /scim/v2/Users?count=1 200: The provider reaches Rolecall" in told
    assert "POST /scim/v2/Users 400: It was refused: " in told
    assert "POST /scim/v2/Users 201: It has pushed the first user." in told
    assert told.index("pushed the first user") < told.index("5. Push groups")
