"""Are bulk requests carried out as RFC 7644 §3.7 says?"""

import pytest

from tests.conformance.audit_log import find_results, read_records, results_of
from tests.conformance.scim_client import ENTERPRISE, GROUP, PATCH_OP, USER, accepted, fresh, member_ids, refused

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def send(scim, *operations, **fields):
    return scim.send("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": list(operations)} | fields)


def run(scim, *operations, **fields):
    body = accepted(send(scim, *operations, **fields), 200)
    assert body["schemas"] == [BULK_RESPONSE]
    for result in body["Operations"]:
        assert isinstance(result["status"], str)
        assert ("response" in result) is (result["status"] >= "400")
        if "response" in result:
            assert result["response"]["status"] == result["status"]
            assert result["response"]["detail"]
    return body["Operations"]


def statuses(results):
    return [result["status"] for result in results]


def post_user(bulk_id, user_name=None, **attributes):
    data = {"schemas": [USER], "userName": user_name or fresh("bulk")} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def post_group(bulk_id, *members, name=None, **attributes):
    data = {
        "schemas": [GROUP],
        "displayName": name or fresh("bulk-group"),
        "members": [{"value": value} for value in members],
    }
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data | attributes}


def patch(path, *operations, **fields):
    data = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return {"method": "PATCH", "path": path, "data": data} | fields


def id_in(result):
    return result["location"].rpartition("/")[2]


def test_every_method_is_carried_out_and_answered_as_a_request_of_its_own(scim, served):
    user, doomed = scim.create_user(), scim.create_user()
    group = scim.create_group()
    results = run(
        scim,
        post_user("new"),
        {"method": "PUT", "path": f"/Users/{user['id']}", "data": user | {"displayName": "Put"}},
        patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"}),
        patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]}),
        {"method": "delete", "path": f"/Users/{doomed['id']}"},
    )
    assert statuses(results) == ["201", "200", "200", "204", "204"]
    assert [result["method"] for result in results] == ["POST", "PUT", "PATCH", "PATCH", "DELETE"]
    assert [result.get("bulkId") for result in results] == ["new", None, None, None, None]
    created = scim.read(f"/Users/{id_in(results[0])}")
    assert results[0]["location"] == created["meta"]["location"]
    assert results[0]["version"] == created["meta"]["version"]
    after = scim.read(f"/Users/{user['id']}")
    assert (after["displayName"], after["active"]) == ("Put", False)
    assert results[1]["location"] == results[2]["location"] == after["meta"]["location"]
    assert results[2]["version"] == after["meta"]["version"]
    assert member_ids(scim.read(f"/Groups/{group['id']}")) == {user["id"]}
    assert results[4]["location"] == f"{served.base_url}/Users/{doomed['id']}"
    refused(scim.get(f"/Users/{doomed['id']}"), 404)


def test_a_new_user_joins_a_new_group_by_its_bulk_id(scim):
    results = run(scim, post_user("qwerty"), post_group("ytrewq", "bulkId:qwerty"))
    assert statuses(results) == ["201", "201"]
    assert member_ids(scim.read(f"/Groups/{id_in(results[1])}")) == {id_in(results[0])}


def test_what_is_referred_to_may_come_later(scim):
    results = run(scim, post_group("ytrewq", "bulkId:qwerty"), post_user("qwerty"))
    assert statuses(results) == ["201", "201"]
    assert [result["bulkId"] for result in results] == ["ytrewq", "qwerty"]
    assert member_ids(scim.read(f"/Groups/{id_in(results[0])}")) == {id_in(results[1])}


def test_groups_that_contain_each_other_are_both_created(scim):
    results = run(scim, post_group("qwerty", "bulkId:ytrewq"), post_group("ytrewq", "bulkId:qwerty"))
    assert statuses(results) == ["201", "201"]
    one, two = (scim.read(f"/Groups/{id_in(result)}") for result in results)
    assert (member_ids(one), member_ids(two)) == ({two["id"]}, {one["id"]})
    assert [result["version"] for result in results] == [one["meta"]["version"], two["meta"]["version"]]


def test_a_group_that_contains_itself_is_created(scim):
    (result,) = run(scim, post_group("self", "bulkId:self"))
    assert (result["status"], member_ids(scim.read(f"/Groups/{id_in(result)}"))) == ("201", {id_in(result)})


def test_a_manager_is_named_by_bulk_id(scim):
    results = run(
        scim,
        post_user("bob", **{ENTERPRISE: {"employeeNumber": "11250", "manager": {"value": "bulkId:alice"}}}),
        post_user("alice"),
    )
    assert statuses(results) == ["201", "201"]
    work = scim.read(f"/Users/{id_in(results[0])}")[ENTERPRISE]
    assert work == {
        "employeeNumber": "11250",
        "manager": {"value": id_in(results[1]), "$ref": results[1]["location"]},
    }


def test_two_who_manage_each_other_are_both_created(scim):
    results = run(
        scim,
        post_user("a", **{ENTERPRISE: {"department": "d", "manager": {"value": "bulkId:b"}}}),
        post_user("b", **{ENTERPRISE: {"manager": "bulkId:a"}}),
    )
    assert statuses(results) == ["201", "201"]
    one, two = (scim.read(f"/Users/{id_in(result)}") for result in results)
    assert one[ENTERPRISE]["manager"]["value"] == two["id"]
    assert one[ENTERPRISE]["department"] == "d"
    assert two[ENTERPRISE]["manager"]["value"] == one["id"]


def test_a_path_and_a_patch_refer_by_bulk_id_too(scim):
    group = scim.create_group()
    results = run(
        scim,
        patch("/Groups/bulkId:g", {"op": "add", "path": "members", "value": [{"value": "bulkId:u"}]}),
        patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": {"value": "bulkId:u"}}),
        patch(f"/Groups/{group['id']}", {"op": "remove", "path": 'members[value eq "bulkId:u"]'}),
        post_group("g"),
        post_user("u"),
    )
    assert statuses(results) == ["204", "204", "204", "201", "201"]
    assert results[0]["location"] == results[3]["location"]
    assert member_ids(scim.read(f"/Groups/{id_in(results[3])}")) == {id_in(results[4])}
    assert scim.read(f"/Groups/{group['id']}").get("members", []) == []


def test_an_id_that_looks_like_a_bulk_id_is_no_reference(scim):
    results = run(scim, post_user("u"), {"method": "DELETE", "path": "/Users/u"})
    assert statuses(results) == ["201", "404"]


def test_an_unknown_bulk_id_refuses_its_operation_alone(scim):
    name = fresh("lonely")
    results = run(scim, post_group("g", "bulkId:nobody", name=name), post_user("u"))
    assert statuses(results) == ["400", "201"]
    assert results[0]["response"]["scimType"] == "invalidValue"
    assert "location" not in results[0]
    assert scim.search("/Groups", f'displayName eq "{name}"') == []


def test_what_refers_to_something_that_was_not_created_is_refused_as_a_conflict(scim):
    taken, name = scim.create_user(), fresh("lonely")
    results = run(scim, post_group("g", "bulkId:u", name=name), post_user("u", taken["userName"]))
    assert statuses(results) == ["409", "409"]
    assert [result["response"].get("scimType") for result in results] == [None, "uniqueness"]
    assert scim.search("/Groups", f'displayName eq "{name}"') == []


def test_nothing_stays_of_a_circle_that_cannot_be_closed(scim):
    taken = scim.create_group()
    names = [fresh("circle") for _ in range(2)]
    results = run(
        scim,
        post_group("a", "bulkId:b", name=names[0]),
        post_group("b", "bulkId:c", name=names[1]),
        post_group("c", "bulkId:a", name=taken["displayName"]),
    )
    assert statuses(results) == ["409", "409", "409"]
    for name in names:
        assert scim.search("/Groups", f'displayName eq "{name}"') == []


def test_what_begun_but_cannot_be_completed_is_taken_back(scim):
    taken, name = scim.create_group(), fresh("circle")
    # `b` comes first here, without `a`, which then fails.
    results = run(scim, post_group("a", "bulkId:b", name=taken["displayName"]), post_group("b", "bulkId:a", name=name))
    assert statuses(results) == ["409", "409"]
    assert "location" not in results[1]
    assert scim.search("/Groups", f'displayName eq "{name}"') == []


def test_what_loses_a_member_that_is_taken_back_is_shown_as_it_is_then(scim):
    friend = fresh("circle")
    # A POST ignores what it does not know; the PATCH that closes the circle does not.
    operations = [post_group("a", "bulkId:b"), post_group("b", name=friend, friend="bulkId:a")]
    results = accepted(send(scim, *operations), 200)["Operations"]
    assert statuses(results) == ["201", "400"]
    assert scim.search("/Groups", f'displayName eq "{friend}"') == []
    group = scim.read(f"/Groups/{id_in(results[0])}")
    assert "members" not in group
    assert results[0]["response"] == group
    assert results[0]["version"] == group["meta"]["version"]


def test_a_bulk_id_that_is_not_unique_refuses_the_whole_request(scim):
    name = fresh("twice")
    refused(send(scim, post_user("same", name), post_user("same")), 400, "invalidValue")
    assert scim.search("/Users", f'userName eq "{name}"') == []


def test_versions_are_honoured(scim):
    user = scim.create_user()
    path = f"/Users/{user['id']}"
    stale = 'W/"999"'
    change = {"op": "replace", "path": "title", "value": "x"}
    results = run(
        scim,
        patch(path, change, version=stale),
        {"method": "PUT", "path": path, "version": stale, "data": user},
        {"method": "DELETE", "path": path, "version": stale},
        patch(path, change, version=user["meta"]["version"]),
    )
    assert statuses(results) == ["412", "412", "412", "200"]
    assert all(result["location"] == user["meta"]["location"] for result in results)
    assert scim.read(path)["title"] == "x"


def test_everything_else_is_done_when_one_operation_fails(scim):
    name = scim.create_user()["userName"]
    results = run(
        scim,
        post_user("a", name),
        post_user("b"),
        {"method": "DELETE", "path": "/Users/nobody"},
        patch("/Users/nobody"),
        post_user("c"),
    )
    assert statuses(results) == ["409", "201", "404", "400", "201"]


@pytest.mark.parametrize("limit, expected", [(1, ["201", "404"]), (2, ["201", "404", "201", "404"])])
def test_nothing_more_is_tried_after_so_many_errors(scim, limit, expected):
    gone = {"method": "DELETE", "path": "/Users/nobody"}
    names = [fresh("stopped") for _ in range(3)]
    first, second, third = (post_user(name, name) for name in names)
    assert statuses(run(scim, first, gone, second, gone, third, failOnErrors=limit)) == expected
    made = [name for name in names if scim.search("/Users", f'userName eq "{name}"')]
    assert made == names[: expected.count("201")]


def test_a_circle_that_the_limit_of_errors_cut_leaves_nothing(scim):
    name = fresh("cut")
    results = run(
        scim,
        post_group("a", "bulkId:b", "bulkId:c", name=fresh("cut")),
        post_group("b", "bulkId:a", name=name),
        post_user("c", scim.create_user()["userName"]),
        failOnErrors=1,
    )
    assert statuses(results) == ["409", "409"]
    assert scim.search("/Groups", f'displayName eq "{name}"') == []


@pytest.mark.parametrize(
    "operation, scim_type",
    [
        ("no object", "invalidSyntax"),
        ({"method": "GET", "path": "/Users/1"}, "invalidSyntax"),
        ({"path": "/Users", "data": {}, "bulkId": "x"}, "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "data": {"userName": "x"}}, "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "bulkId": "x"}, "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "bulkId": "x", "data": "text"}, "invalidSyntax"),
        ({"method": "POST", "path": "/Users/1", "bulkId": "x", "data": {}}, "invalidValue"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "x", "data": {}}, "invalidValue"),
        ({"method": "POST", "path": "/Schemas", "bulkId": "x", "data": {}}, "invalidValue"),
        ({"method": "DELETE", "path": "/Users"}, "invalidValue"),
        ({"method": "DELETE", "path": "/Users/1/2"}, "invalidValue"),
        ({"method": "DELETE"}, "invalidValue"),
        ({"method": "POST", "path": "/Users", "bulkId": "x", "data": {"userName": ["x"]}}, "invalidValue"),
        ({"method": "PATCH", "path": "/Users/1", "data": {"Operations": []}}, "invalidSyntax"),
    ],
)
def test_an_operation_that_cannot_be_understood_is_refused_alone(scim, operation, scim_type):
    results = run(scim, operation, post_user("good"))
    assert statuses(results) == ["400", "201"]
    assert results[0]["response"]["scimType"] == scim_type


@pytest.mark.parametrize(
    "body, scim_type",
    [
        ([], "invalidSyntax"),
        ({"schemas": [BULK_REQUEST]}, "invalidSyntax"),
        ({"schemas": [USER], "Operations": []}, "invalidSyntax"),
        ({"schemas": [BULK_REQUEST], "Operations": {}}, "invalidSyntax"),
        ({"schemas": [BULK_REQUEST], "Operations": [], "failOnErrors": 0}, "invalidValue"),
        ({"schemas": [BULK_REQUEST], "Operations": [], "failOnErrors": "1"}, "invalidValue"),
    ],
)
def test_a_request_that_cannot_be_understood_is_refused(scim, body, scim_type):
    refused(scim.send("POST", "/Bulk", body), 400, scim_type)


def test_no_operation_is_no_error(scim):
    assert run(scim) == []


def test_more_operations_than_announced_are_refused_with_the_limit(scim):
    limit = scim.read("/ServiceProviderConfig")["bulk"]["maxOperations"]
    assert limit == 1000
    gone = {"method": "DELETE", "path": "/Users/nobody"}
    assert str(limit) in refused(send(scim, *[gone] * (limit + 1)), 413)


def test_a_larger_payload_than_announced_is_refused_with_the_limit(scim):
    limit = scim.read("/ServiceProviderConfig")["bulk"]["maxPayloadSize"]
    assert str(limit) in refused(send(scim, post_user("u", title="x" * limit)), 413)


def test_data_that_is_nested_deeper_than_is_kept_is_refused(scim):
    deep = "x"
    for _ in range(40):
        deep = [deep]
    results = run(scim, post_user("u", **{"urn:acme:2.0:User": {"deep": deep}}))
    assert (statuses(results), results[0]["response"]["scimType"]) == (["400"], "invalidValue")


def test_each_operation_leaves_its_own_audit_record(scim, served):
    password, user = "correct horse battery staple", scim.create_user()
    response = send(
        scim,
        post_user("u", password=password),
        patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "x"}),
        {"method": "DELETE", "path": "/Users/nobody"},
        {"method": "GET", "path": "/Users"},
    )
    request_id = response.headers["X-Request-Id"]
    (whole,) = find_results(served, response)
    assert (whole["method"], whole["status"], whole["outcome"]) == ("POST", 200, "ok")
    assert whole["request"] == {"operations": 4, "failOnErrors": None}
    records = read_records(served, 100)
    results = [result for number in range(1, 5) for result in results_of(records, f"{request_id}.{number}")]
    told = [(result["method"], result["status"], result["outcome"]) for result in results]
    assert told == [("POST", 201, "ok"), ("PATCH", 200, "ok"), ("DELETE", 404, "refused"), ("GET", 400, "refused")]
    assert results[1]["target"].endswith(f"/scim/v2/Users/{user['id']}")
    assert results[1]["operations"] == ["applied"]
    assert results[0]["subject_id"] == id_in(response.json()["Operations"][0])
    assert {r["phase"] for r in records if r["request_id"] == f"{request_id}.1"} == {"intent", "result"}
    assert password not in served.run_text("admin", "audit", "tail", "--lines", "100", "--json")


def test_bulk_operations_need_the_right_to_write(served):
    with served.client("") as http:
        assert http.post("/Bulk", json={"Operations": []}).status_code == 401


def test_a_put_that_bears_the_bulk_id_of_a_refused_post_is_refused_as_well(scim):
    put = {"method": "PUT", "path": "/Users/bulkId:a", "bulkId": "a", "data": {"userName": fresh("bulk")}}
    assert statuses(run(scim, {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}}, put)) == ["400", "409"]
