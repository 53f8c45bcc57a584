"""Does a request that is made to hurt hurt anybody but its sender?"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.scim_client import USER, fresh


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("extra", ["", ', "note": "q\\u00e9"', ', "password": "hunter2-hunter2"'])
@pytest.mark.parametrize("depth", [60, 300, 900, 100_000])
def test_a_body_that_is_nested_deep_is_refused(served, depth, extra):
    body = f'{{"schemas": ["{USER}"], "userName": "{fresh("deep")}"{extra}, "foo": {nested(depth)}}}'
    with served.client() as http:
        answer = http.post("Users", content=body, headers={"Content-Type": "application/scim+json"})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax")


def test_a_hostile_body_takes_nobody_elses_change_or_record_with_it(served):
    bodies = [json.dumps({"schemas": [USER], "userName": fresh("good")}) for _ in range(40)]
    bodies[::8] = [f'{{"userName": "{fresh("bad")}", "foo": {nested(300)}}}' for _ in bodies[::8]]
    with served.client() as http, ThreadPoolExecutor(16) as threads:
        headers = {"Content-Type": "application/scim+json"}
        answers = list(threads.map(lambda body: http.post("Users", content=body, headers=headers), bodies))
    assert [answer.status_code for answer in answers] == [400 if "foo" in body else 201 for body in bodies]


def test_a_bulk_operation_that_refers_to_itself_in_a_text_called_path_is_answered(served):
    data = {"schemas": [USER], "userName": fresh("self"), "urn:x:y:ext": {"path": 'm[value eq "bulkId:a"]'}}
    operations = [{"method": "POST", "path": "/Users", "bulkId": "a", "data": data}]
    with served.client() as http:
        answer = http.post("Bulk", json={"Operations": operations})
    assert answer.status_code == 200
    assert answer.json()["Operations"][0]["status"][0] in "24"


def test_control_characters_in_the_query_cost_nobody_a_record(served):
    with served.client() as http:
        good = [http.get("Users", params={"count": 1}).headers["x-request-id"] for _ in range(3)]
        bad = http.get(f"{served.url}/scim/v2/Users?a%00b=%01")
    assert (bad.status_code, bad.json()["scimType"]) == (400, "invalidValue")
    recorded = {record["request_id"] for record in results_soon(served, bad.headers["x-request-id"])}
    assert recorded >= {*good, bad.headers["x-request-id"]}


def test_a_path_cannot_forge_a_line_of_the_log(served):
    with served.client() as http:
        answer = http.get(f"{served.url}/scim/v2/x%0aRequest%20answered.%1b[2J")
    assert answer.status_code == 404
    line = next(line for line in served.output().splitlines() if answer.headers["x-request-id"] in line)
    assert "x%0aRequest" in line


def test_a_wrong_path_or_method_is_recorded_with_the_key_that_was_used(served):
    with served.client() as http:
        wrong = [http.get("Nope"), http.request("DELETE", "Users")]
    assert [answer.status_code for answer in wrong] == [404, 405]
    records = results_soon(served, wrong[-1].headers["x-request-id"])
    for answer in wrong:
        (record,) = [each for each in records if each["request_id"] == answer.headers["x-request-id"]]
        assert record["api_key_id"]


def results_soon(served, request_id):
    """Return the newest audit records once that one is among them."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        records = [
            json.loads(line) for line in served.run_text("admin", "audit", "tail", "-n", "200", "--json").splitlines()
        ]
        if any(record["request_id"] == request_id for record in records):
            return records
        time.sleep(0.2)
    raise AssertionError(f"no record of {request_id}")


@pytest.mark.parametrize("attribute", ["userName", "displayName", "externalId", "emails"])
def test_a_name_that_no_index_could_hold_is_refused_on_both_databases(served, attribute):
    long = "".join(chr(0x4E00 + position * 7 % 20_000) for position in range(900))
    value = [{"value": long}] if attribute == "emails" else long
    with served.client() as http:
        answer = http.post("Users", json={"schemas": [USER], "userName": fresh("long"), attribute: value})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
        assert attribute in answer.json()["detail"]
        user = http.post("Users", json={"schemas": [USER], "userName": fresh("long")}).json()
        operation = {"op": "Add", "path": 'emails[type eq "work"].value', "value": long}
        assert http.patch(f"Users/{user['id']}", json={"Operations": [operation]}).status_code == 400
        fits = http.post("Users", json={"schemas": [USER], "userName": fresh("long")[:50] + long[:300]})
        assert fits.status_code == 201


def test_users_are_deleted_while_their_groups_change_without_waiting_for_each_other(served):
    with served.client() as http:
        pushed = [{"schemas": [USER], "userName": fresh("leaver")} for _ in range(48)]
        users = [http.post("Users", json=user).json()["id"] for user in pushed]
        members = [{"value": user} for user in users]
        emptied = [{"displayName": fresh("emptied"), "members": members} for _ in range(4)]
        groups = [http.post("Groups", json=group).json()["id"] for group in emptied]

        def change(group):
            operations = [{"op": op, "path": "members", "value": [{"value": users[0]}]} for op in ("remove", "add")]
            return http.patch(f"Groups/{group}", json={"Operations": operations}).status_code

        began = time.monotonic()
        with ThreadPoolExecutor(16) as threads:
            deleted = [threads.submit(http.delete, f"Users/{user}") for user in users[1:]]
            changed = [threads.submit(change, group) for group in groups * 10]
        assert {each.result().status_code for each in deleted} == {204}
        assert {each.result() for each in changed} == {204}
        assert time.monotonic() - began < 20
        for group in groups:
            assert [each["value"] for each in http.get(f"Groups/{group}").json()["members"]] == [users[0]]
