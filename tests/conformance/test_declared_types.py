"""Are resource types and extensions that an installation declares served as the built-in ones are?"""

import json
from collections import Counter

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

from tests.conformance.audit_log import find_results, read_records
from tests.conformance.scim_client import LIST, USER, ScimClient, accepted, fresh, refused, values
from tests.conformance.test_third_party_judges import CHECKS, GOOD
from tests.make.databases import KINDS, PostgresqlServer, fresh_database
from tests.make.declared import DEVICE, FOLDER, MAILBOX, PAYROLL, WARRANTY
from tests.make.served import Served, serve

APPLICATION = "urn:ietf:params:scim:schemas:core:2.0:AgenticApplication"
AGENT = "urn:ietf:params:scim:schemas:core:2.0:Agent"
UNTIL = "2030-01-01T00:00:00Z"


def serving(request, declarations):
    def server() -> PostgresqlServer:
        return request.getfixturevalue("postgresql")

    return fresh_database(request.param, server), {"ROLECALL_SCIM_DECLARATIONS": declarations}


@pytest.fixture(scope="module", params=KINDS)
def served(request):
    """The product with agents, devices, and extensions of users and groups."""
    database, settings = serving(request, f"agents,{FOLDER}")
    with database as fresh_one, serve(fresh_one, settings=settings) as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def served_with_agents(request):
    """The product with what comes with it, and nothing else."""
    database, settings = serving(request, "agents")
    with database as fresh_one, serve(fresh_one, settings=settings) as running:
        yield running


def device(scim: ScimClient, **attributes):
    body = {"schemas": [DEVICE, WARRANTY], "serial": fresh("S"), WARRANTY: {"until": UNTIL}} | attributes
    return accepted(scim.send("POST", "/Devices", body), 201)


def agent(scim: ScimClient, **attributes):
    return accepted(scim.send("POST", "/Agents", {"schemas": [AGENT], "name": fresh("agent")} | attributes), 201)


def test_the_tester_finds_nothing_wrong_with_agents(served_with_agents: Served):
    with served_with_agents.client() as http:
        results = check_server(SyncSCIMClient(http))
    print(Counter((result.resource_type, result.status.name) for result in results))
    assert [result for result in results if result.status not in GOOD] == []
    for name in ("User", "Group", "Agent", "AgenticApplication"):
        tried = {result.title for result in results if result.resource_type == name}
        assert tried >= CHECKS, f"{name}: not tried: {CHECKS - tried}"


def test_a_strict_client_goes_with_agents_from_discovery_to_deletion(served_with_agents: Served):
    with served_with_agents.client() as http:
        client = SyncSCIMClient(http)
        client.discover()
        model = client.get_resource_model("Agent")
        made = client.create(model.model_validate({"name": fresh("strict"), "protocols": [{"type": "A2A"}]}))
        made.display_name = "Helper"
        replaced = client.replace(made)
        assert client.query(model, made.id) == replaced
        assert (replaced.display_name, replaced.protocols[0].type) == ("Helper", "A2A")
        client.delete(model, made.id)
        assert client.query(model, made.id, raise_scim_errors=False).status == 404


def test_declared_types_are_described_exactly(scim, served):
    types = {found["name"]: found for found in scim.read("/ResourceTypes")["Resources"]}
    assert list(types) == ["User", "Group", "Agent", "AgenticApplication", "Device"]
    assert types["Device"]["endpoint"] == "/Devices"
    assert types["Device"]["schemaExtensions"] == [{"schema": WARRANTY, "required": True}]
    assert {"schema": PAYROLL, "required": False} in types["User"]["schemaExtensions"]
    assert types["Group"]["schemaExtensions"] == [{"schema": MAILBOX, "required": False}]
    described = scim.read(f"/Schemas/{DEVICE}")
    assert described["meta"]["location"] == f"{served.base_url}/Schemas/{DEVICE}"
    attributes = {found["name"]: found for found in described["attributes"]}
    assert (attributes["serial"]["mutability"], attributes["serial"]["uniqueness"]) == ("immutable", "server")
    assert attributes["model"]["canonicalValues"] == ["laptop", "phone"]
    assert attributes["pin"]["returned"] == "never"


def test_a_declared_resource_lives_from_post_to_delete(scim, served):
    made = device(scim, label="Ada's", tags=["a"], ports=[{"value": "1", "protocols": ["ssh"]}], health="ignored")
    assert made["schemas"] == [DEVICE, WARRANTY]
    assert made["meta"]["resourceType"] == "Device"
    assert made["meta"]["location"] == f"{served.base_url}/Devices/{made['id']}"
    assert "health" not in made
    path = f"/Devices/{made['id']}"
    assert scim.read(path) == made
    changed = accepted(scim.patch(path, {"op": "add", "path": "tags", "value": ["b"]}), 200)
    assert (changed["tags"], changed["meta"]["version"]) == (["a", "b"], 'W/"2"')
    put = accepted(
        scim.send("PUT", path, {"schemas": [DEVICE], WARRANTY: {"until": UNTIL}, "serial": made["serial"]}), 200
    )
    assert {"label", "tags", "ports"}.isdisjoint(put)
    scim.delete(path)
    refused(scim.get(path), 404)
    refused(scim.send("DELETE", path), 404)


def test_versions_guard_declared_resources(scim):
    path = f"/Devices/{device(scim)['id']}"
    assert scim.get(path, If_None_Match='W/"1"').status_code == 304
    operation = {"op": "replace", "path": "label", "value": "x"}
    refused(scim.patch(path, operation, If_Match='W/"7"'), 412)
    assert accepted(scim.patch(path, operation, If_Match='W/"1"'), 200)["label"] == "x"
    refused(scim.send("DELETE", path, If_Match='W/"1"'), 412)


def test_a_value_that_must_be_unique_is_refused_to_a_second_resource_of_the_type_only(scim):
    name = fresh("Twin")
    first = agent(scim, name=name)
    detail = refused(scim.send("POST", "/Agents", {"schemas": [AGENT], "name": name.upper()}), 409, "uniqueness")
    assert "name" in detail
    second = agent(scim)
    operation = {"op": "replace", "path": "name", "value": name}
    refused(scim.patch(f"/Agents/{second['id']}", operation), 409, "uniqueness")
    accepted(scim.send("POST", "/AgenticApplications", {"schemas": [APPLICATION], "name": name}), 201)
    assert scim.search("/Agents", f'name eq "{name.lower()}"') == [first]


@pytest.mark.parametrize(
    "body, scim_type",
    [
        ({"serial": None}, "invalidValue"),
        ({WARRANTY: None}, "invalidValue"),
        ({WARRANTY: {"until": "tomorrow"}}, "invalidValue"),
        ({"number": "7"}, "invalidValue"),
        ({"ports": [{"type": "x"}]}, "invalidValue"),
        ({"schemas": [USER]}, "invalidValue"),
    ],
)
def test_a_body_that_does_not_fit_the_declaration_is_refused(scim, body, scim_type):
    before = scim.page("/Devices")["totalResults"]
    good = {"schemas": [DEVICE], "serial": fresh("S"), WARRANTY: {"until": UNTIL}}
    refused(scim.send("POST", "/Devices", good | body), 400, scim_type)
    assert scim.page("/Devices")["totalResults"] == before


@pytest.mark.parametrize(
    "operation, scim_type",
    [
        ({"op": "replace", "path": "serial", "value": "other"}, "mutability"),
        ({"op": "replace", "path": "health", "value": "fine"}, "mutability"),
        ({"op": "remove", "path": "serial"}, "mutability"),
        ({"op": "replace", "path": "owner.value", "value": "other"}, "mutability"),
        ({"op": "remove", "path": WARRANTY}, "invalidValue"),
        ({"op": "replace", "path": "lable", "value": "x"}, "invalidPath"),
    ],
)
def test_a_patch_that_the_declaration_forbids_changes_nothing(scim, operation, scim_type):
    made = device(scim, owner={"value": "u1"})
    path = f"/Devices/{made['id']}"
    refused(scim.patch(path, {"op": "add", "path": "label", "value": "x"}, operation), 400, scim_type)
    assert scim.read(path) == made


def test_what_can_be_given_once_survives_a_put_that_leaves_it_out_or_repeats_it(scim):
    made = device(scim, owner={"value": "u1"})
    path = f"/Devices/{made['id']}"
    body = {"schemas": [DEVICE], "serial": made["serial"], WARRANTY: {"until": UNTIL}}
    refused(scim.send("PUT", path, body | {"serial": "other"}), 400, "mutability")
    assert accepted(scim.send("PUT", path, body), 200)["serial"] == made["serial"]


def test_what_is_returned_never_or_on_request_is_so_everywhere(scim, served):
    secret = "4711-very-secret"
    made = device(scim, pin=secret, notes="n", **{WARRANTY: {"until": UNTIL, "secretCode": secret}})
    path = f"/Devices/{made['id']}"
    scim.patch(path, {"op": "replace", "path": "pin", "value": f"{secret}-2"})
    asked = f"{path}?attributes=pin,notes,{WARRANTY}"
    answers = [made, scim.read(path), scim.read(asked), *scim.search("/Devices", f'id eq "{made["id"]}"')]
    assert secret not in str(answers)
    assert ["notes" in answer for answer in answers] == [False, False, True, False]
    for condition in ('pin sw "4"', f'{WARRANTY}:secretCode eq "{secret}"'):
        refused(scim.get(f"/Devices?filter={condition.replace(' ', '%20')}"), 400, "invalidFilter")
    refused(scim.get("/Devices?sortBy=pin"), 400, "invalidValue")
    find_results(served, scim.get(path))
    assert secret not in str(read_records(served))


def test_declared_resources_are_filtered_sorted_and_paged(scim):
    mark = fresh("mark")
    made = [device(scim, label=mark, weight=weight, externalId=f"{mark}-{weight}") for weight in (3.5, 1, 2)]
    ids = [one["id"] for one in made]
    page = scim.page("/Devices", filter=f'label eq "{mark.upper()}"', sortBy="weight", sortOrder="descending", count=2)
    assert (page["totalResults"], [one["weight"] for one in page["Resources"]]) == (3, [3.5, 2])
    assert [one["id"] for one in scim.search("/Devices", f'externalId eq "{mark}-1"')] == [ids[1]]
    assert values(scim.search("/Devices", f'label eq "{mark}" and weight gt 1.5'), "id") == {ids[0], ids[2]}
    assert [one["id"] for one in scim.search("/Devices", f'serial eq "{made[0]["serial"]}"')] == [ids[0]]
    assert scim.search("/Devices", f'serial eq "{made[0]["serial"].lower()}"') == []
    short = scim.page("/Devices", filter=f'label eq "{mark}"', attributes="weight")["Resources"]
    assert all(set(one) == {"schemas", "id", "weight"} for one in short)


def test_declared_resources_are_walked_by_cursor(scim):
    mark = fresh("walk")
    ids = {device(scim, label=mark)["id"] for _ in range(5)}
    query = f'/Devices?filter=label%20eq%20"{mark}"&count=2&cursor='
    met, cursor = [], ""
    while cursor is not None:
        page = scim.read(query + cursor)
        met += [one["id"] for one in page["Resources"]]
        cursor = page.get("nextCursor")
    assert len(met) == 5
    assert set(met) == ids


def test_declared_resources_are_searched_by_post_alone_and_among_all(scim):
    name = fresh("everywhere")
    found = {
        "User": scim.create_user(displayName=name)["id"],
        "Group": scim.create_group(name)["id"],
        "Agent": agent(scim, displayName=name)["id"],
    }
    device(scim, label=name)
    body = {"filter": f'displayName eq "{name}"'}
    page = accepted(scim.send("POST", "/Agents/.search", body), 200)
    assert [one["id"] for one in page["Resources"]] == [found["Agent"]]
    page = accepted(scim.send("POST", "/.search", body), 200)
    assert page["schemas"] == [LIST]
    assert {one["meta"]["resourceType"]: one["id"] for one in page["Resources"]} == found
    walked, cursor = [], ""
    while cursor is not None:
        page = scim.read(f'/?filter=displayName%20eq%20"{name}"&count=1&cursor={cursor}')
        walked += [one["id"] for one in page["Resources"]]
        cursor = page.get("nextCursor")
    assert walked == [found["User"], found["Group"], found["Agent"]]


def test_a_bulk_request_reaches_declared_types_with_references_between_them(scim):
    name = fresh("bulk")
    operations = [
        {
            "method": "POST",
            "path": "/Agents",
            "bulkId": "a",
            "data": {"schemas": [AGENT], "name": name, "owners": [{"value": "bulkId:u"}]},
        },
        {"method": "POST", "path": "/users", "bulkId": "u", "data": {"schemas": [USER], "userName": name}},
        {
            "method": "PATCH",
            "path": "/Agents/bulkId:a",
            "data": {"Operations": [{"op": "add", "path": "active", "value": True}]},
        },
        {"method": "POST", "path": "/Agents", "bulkId": "b", "data": {"schemas": [AGENT], "name": name}},
        {"method": "DELETE", "path": "/Nothings/1"},
    ]
    request = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    answer = accepted(scim.send("POST", "/Bulk", request), 200)["Operations"]
    assert [result["status"] for result in answer] == ["201", "201", "200", "409", "400"]
    made = scim.search("/Agents", f'name eq "{name}"')[0]
    owner = scim.search("/Users", f'userName eq "{name}"')[0]
    assert (made["owners"], made["active"]) == ([{"value": owner["id"]}], True)
    assert answer[0]["location"].endswith(f"/Agents/{made['id']}")


def test_references_are_kept_as_they_were_sent(scim):
    owners = [{"value": "no-such-user", "$ref": "../Users/no-such-user", "display": "Nobody"}]
    made = agent(scim, owners=owners, parent={"value": "x", "$ref": "https://elsewhere.example/Agents/x"})
    assert made["owners"] == owners
    assert made["parent"]["$ref"] == "https://elsewhere.example/Agents/x"


def test_every_change_of_a_declared_resource_is_in_the_event_log_and_in_the_audit_log(scim, served):
    made = agent(scim)
    path = f"/Agents/{made['id']}"
    scim.patch(path, {"op": "add", "path": "displayName", "value": "x"})
    scim.delete(path)
    events = [event for event in served_events(served) if event["subject_id"] == made["id"]]
    assert [event["type"].rpartition(".")[2] for event in events] == ["created", "changed", "deleted"]
    records = [record for record in read_records(served) if record.get("subject_id") == made["id"]]
    assert {record["method"] for record in records} >= {"POST", "PATCH", "DELETE"}


def test_a_declared_extension_of_users_behaves_like_a_built_in_one(scim):
    name = fresh("paid")
    payroll = {"grade": "B7", "staffNumber": "0815", "days": 30}
    user = scim.create_user(name, **{PAYROLL: payroll | {"unknown": 1}})
    assert user["schemas"] == [USER, PAYROLL]
    assert user[PAYROLL] == payroll
    path = f"/Users/{user['id']}"
    assert scim.search(
        "/Users", f'{PAYROLL}:staffNumber eq "0815" and {PAYROLL}:days ge 30 and userName eq "{name}"'
    ) == [user]
    assert scim.page("/Users", filter=f'userName eq "{name}"', sortBy=f"{PAYROLL}:grade")["totalResults"] == 1
    only = scim.read(f"{path}?attributes={PAYROLL}:grade")
    assert only == {"schemas": user["schemas"], "id": user["id"], PAYROLL: {"grade": "B7"}}
    assert PAYROLL not in scim.read(f"{path}?excludedAttributes={PAYROLL}")
    changed = scim.patch_user(user, {"op": "add", "path": f"{PAYROLL}:bonuses", "value": [{"value": 1.5, "type": "x"}]})
    assert changed[PAYROLL]["bonuses"] == [{"value": 1.5, "type": "x"}]
    refused(scim.patch(path, {"op": "replace", "path": f"{PAYROLL}:staffNumber", "value": "1"}), 400, "mutability")
    refused(scim.patch(path, {"op": "remove", "path": f"{PAYROLL}:grade"}), 400, "mutability")
    refused(scim.patch(path, {"op": "replace", "path": f"{PAYROLL}:days", "value": "many"}), 400, "invalidValue")
    put = accepted(scim.send("PUT", path, {"userName": name, PAYROLL: {"grade": "C1"}}), 200)
    assert put[PAYROLL] == {"grade": "C1", "staffNumber": "0815"}
    without = scim.create_user()
    refused(
        scim.patch(f"/Users/{without['id']}", {"op": "add", "path": f"{PAYROLL}:days", "value": 1}), 400, "invalidValue"
    )


def test_a_declared_extension_of_groups_behaves_like_a_built_in_one(scim):
    group = scim.create_group(fresh("mail"))
    changed = scim.patch_group(
        group, {"op": "add", "value": {f"{MAILBOX}:address": "g@example.com", f"{MAILBOX}:size": 7}}
    )
    assert changed[MAILBOX] == {"address": "g@example.com", "size": 7}
    assert scim.search("/Groups", f'{MAILBOX}:address eq "G@example.com" and id eq "{group["id"]}"') == [changed]
    refused(
        scim.patch(f"/Groups/{group['id']}", {"op": "add", "path": f"{MAILBOX}:size", "value": "x"}),
        400,
        "invalidValue",
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_a_key_is_needed_for_declared_types_too(served, method):
    with served.client("") as http:
        path = "/Agents" if method == "POST" else "/Agents/1"
        refused(ScimClient(http).send(method, path, None if method in {"GET", "DELETE"} else {}), 401)


def test_what_is_not_there_is_said(scim):
    refused(scim.get("/Devices/none"), 404)
    refused(scim.get("/devices"), 404)
    refused(scim.send("PUT", "/Devices", {}), 405)
    user = scim.create_user()
    refused(scim.get(f"/Devices/{user['id']}"), 404)
    refused(scim.get("/Devices?filter=nothing%20pr"), 400, "invalidFilter")


def served_events(served: Served):
    answer = served.run_text("admin", "events", "tail", "--lines", "1000", "--json")
    return [json.loads(line) for line in answer.splitlines()]
