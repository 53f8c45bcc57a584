"""Does each call leave an audit record that says who asked for what, and what became of it?"""

import pytest

from tests.conformance.audit_log import find_results, read_records
from tests.conformance.scim_client import USER, ScimClient, accepted, fresh


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: refusals without a key are counted over a minute, whichever test they come from."""
    return served_alone


MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
PASSWORD = "correct horse battery staple"


def result_of(served, response):
    return find_results(served, response)[0]


def intents_of(served, response):
    wanted = (response.headers["X-Request-Id"], "intent")
    return [record for record in read_records(served, 200) if (record["request_id"], record["phase"]) == wanted]


def test_a_write_leaves_its_intent_and_its_result(scim, served):
    response = scim.send(
        "POST", "/Users", {"schemas": [USER], "userName": fresh("audited")}, User_Agent="a provider/1.0"
    )
    user = accepted(response, 201)
    result = result_of(served, response)
    assert (result["outcome"], result["status"], result["method"]) == ("ok", 201, "POST")
    assert result["target"].split("?")[0].endswith("/scim/v2/Users")
    assert result["subject_id"] == user["id"]
    assert result["user_name"] == "scim"
    assert result["api_key_id"]
    assert result["address"] == "127.0.0.1"
    assert result["user_agent"] == "a provider/1.0"
    assert result["duration_microseconds"] > 0
    (intent,) = intents_of(served, response)
    assert intent["sequence"] < result["sequence"]
    assert intent["request"]["userName"] == user["userName"]
    assert intent["outcome"] is None


def test_each_operation_of_a_patch_says_what_became_of_it(scim, served):
    user = scim.create_user(displayName="Before")
    response = scim.patch(
        f"/Users/{user['id']}",
        {"op": "replace", "path": "displayName", "value": "After"},
        {"op": "replace", "path": "userName", "value": user["userName"]},
        {"op": "remove", "path": "nickName"},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    assert response.status_code == 200
    result = result_of(served, response)
    assert result["operations"] == ["applied", "no_change", "no_change", "applied"]
    assert (result["outcome"], result["subject_id"]) == ("ok", user["id"])


def test_each_operation_of_a_patch_on_a_group_says_what_became_of_it(scim, served):
    user = scim.create_user()
    group = scim.create_group()
    join = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    response = scim.patch(
        f"/Groups/{group['id']}", join, join, {"op": "replace", "path": "displayName", "value": fresh("renamed")}
    )
    assert response.status_code == 204
    assert result_of(served, response)["operations"] == ["applied", "no_change", "applied"]


def test_a_refused_patch_says_which_operation_was_refused_and_that_none_was_applied(scim, served):
    user = scim.create_user()
    path = f"/Users/{user['id']}"
    good = {"op": "replace", "path": "title", "value": "x"}
    unknown = {"op": "replace", "path": "noSuchAttribute", "value": "x"}
    absent = {"op": "replace", "path": 'emails[type eq "fax"].value', "value": "x"}
    results = find_results(served, scim.patch(path, good, unknown), scim.patch(path, good, absent))
    for result, code in zip(results, ("invalid_path", "no_target"), strict=True):
        assert (result["outcome"], result["status"], result["code"]) == ("refused", 400, code)
        assert result["operations"][1] == "refused"
        assert "applied" not in result["operations"]


def test_a_refusal_tells_its_reason_as_the_answer_did(scim, served):
    name = scim.create_user()["userName"]
    response = scim.send("POST", "/Users", {"schemas": [USER], "userName": name})
    result = result_of(served, response)
    assert (result["outcome"], result["status"]) == ("refused", 409)
    assert result["detail"] == response.json()["detail"]


def test_reads_are_recorded_with_what_was_asked(scim, served):
    listed = scim.get('/Users?filter=userName eq "nobody@nowhere.example"')
    missing = scim.get("/Users/no-such-id")
    result, refusal = find_results(served, listed, missing)
    assert (result["outcome"], result["status"], result["method"]) == ("ok", 200, "GET")
    assert "nobody@nowhere.example" in result["target"]
    assert intents_of(served, listed) == []
    assert (refusal["outcome"], refusal["status"]) == ("refused", 404)


def test_refusals_of_the_edge_are_recorded_too(scim, served):
    results = find_results(
        served,
        scim.send("DELETE", "/Users"),
        scim.get("/Nothing"),
        scim.http.post("/Users", content=b"{", headers={"Content-Type": "application/json"}),
        scim.http.post("/Users", content=b"{}", headers={"Content-Type": "text/plain"}),
    )
    assert [(result["outcome"], result["status"]) for result in results] == [
        ("refused", status) for status in (405, 404, 400, 415)
    ]


def test_a_call_without_a_valid_key_is_recorded_as_nobodys(served):
    with served.client("") as http:
        response = ScimClient(http).get("/Users")
    result = result_of(served, response)
    assert (result["outcome"], result["status"], result["actor_kind"]) == ("refused", 401, "nobody")
    assert (result["user_id"], result["api_key_id"]) == (None, None)


@pytest.mark.parametrize("path", ["/Users", "/Nothing"])
def test_many_calls_without_a_valid_key_are_counted_and_not_all_kept(served, path):
    with served.client("") as http:
        scim = ScimClient(http)
        asked = {scim.get(path).headers["X-Request-Id"] for _ in range(40)}
    find_results(served, last_call(served))
    kept = [record for record in read_records(served, 400) if record["request_id"] in asked]
    assert len(kept) <= 10


def last_call(served):
    """Make one call more, whose record comes after those of all calls before it."""
    with served.client() as http:
        return ScimClient(http).get("/Users?count=0")


def test_neither_keys_nor_passwords_are_in_the_audit_log(scim, served):
    user = scim.create_user(password=PASSWORD)
    scim.send("PUT", f"/Users/{user['id']}", user | {"password": PASSWORD})
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "password", "value": PASSWORD})
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"password": PASSWORD, "title": "x"}})
    last = scim.get("/Users?count=0")
    result_of(served, last)
    log = served.run_text("admin", "audit", "tail", "--lines", "1000", "--json")
    assert user["userName"] in log
    assert PASSWORD not in log
    assert served.api_key not in log
    assert served.api_key not in served.output()


def test_an_operation_of_a_bulk_request_keeps_no_more_secrets_than_a_request_of_its_own(scim, served):
    extension = "urn:example:vault:User"
    secrets = {"schemas": [USER, extension], "password": PASSWORD, extension: {"client_secret": PASSWORD}}
    single = scim.send("POST", "/Users", secrets | {"userName": fresh("single")})
    name = fresh("bulk")
    operation = {"method": "POST", "path": "/Users", "bulkId": "b", "data": secrets | {"userName": name}}
    bulk = scim.send("POST", "/Bulk", {"schemas": [f"{MESSAGES}BulkRequest"], "Operations": [operation]})
    assert [single.status_code, bulk.json()["Operations"][0]["status"]] == [201, "201"]
    result_of(served, scim.get("/Users?count=0"))
    log = served.run_text("admin", "audit", "tail", "--lines", "1000", "--json")
    assert name in log
    assert PASSWORD not in log


def test_what_the_command_line_changes_is_recorded_too(scim, served):
    user = scim.create_user()
    served.run_text("admin", "users", "deactivate", user["userName"])
    records = [record for record in read_records(served, 50) if record["actor_kind"] == "command_line"]
    assert any(record["phase"] == "result" and record["outcome"] == "ok" for record in records)
    assert scim.read(f"/Users/{user['id']}")["active"] is False
