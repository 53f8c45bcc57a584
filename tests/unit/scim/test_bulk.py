import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.scim.bulk import (
    MAX_BULK_OPERATIONS,
    BulkOperation,
    TooManyOperations,
    completion,
    in_order,
    parse_bulk,
    render_bulk_response,
    resolved,
    resolved_target,
)
from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.registry import Registry

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def post(bulk_id: str, *references: str):
    members = [{"value": f"bulkId:{name}"} for name in references]
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": "g", "members": members}}


def parsed(*operations: object, **fields: object):
    return parse_bulk({"schemas": [REQUEST], "Operations": list(operations), **fields}, Registry())


def order(*operations: object):
    return [(step.operation.position, set(step.later)) for step in in_order(parsed(*operations).operations)]


def test_an_operation_is_taken_apart():
    (operation,) = parsed(
        {"METHOD": "put", "Path": "users/bulkId:a", "version": 'W/"3"', "data": {"x": {"value": "bulkId:b"}}}
    ).operations
    assert operation == BulkOperation(
        position=0,
        method="PUT",
        endpoint="/Users",
        target="bulkId:a",
        version='W/"3"',
        data={"x": {"value": "bulkId:b"}},
        references=frozenset({"a", "b"}),
    )


def test_the_operations_of_a_patch_may_come_alone():
    (operation,) = parsed({"method": "PATCH", "path": "/Users/1", "data": [{"op": "remove", "path": "x"}]}).operations
    assert operation.data == {"Operations": [{"op": "remove", "path": "x"}]}


def test_a_delete_needs_no_data():
    (operation,) = parsed({"method": "DELETE", "path": "/Groups/1"}).operations
    assert (operation.refusal, operation.data) == (None, None)


@pytest.mark.parametrize(
    "operation, error, sentence",
    [
        ("text", InvalidSyntax, "method must be"),
        ({"method": "GET", "path": "/Users/1"}, InvalidSyntax, "method must be"),
        ({"method": "DELETE", "path": "/Nothing/1"}, InvalidValue, "nothing at the path"),
        ({"method": "DELETE", "path": "/Users/1/2"}, InvalidValue, "nothing at the path"),
        ({"method": "DELETE", "path": "/Users/1?count=1"}, InvalidValue, "nothing at the path"),
        ({"method": "DELETE", "path": "/Users"}, InvalidValue, "that of a resource"),
        ({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}, InvalidValue, "that of an endpoint"),
        ({"method": "POST", "path": "/Users", "data": {}}, InvalidSyntax, "needs a bulkId"),
        ({"method": "PUT", "path": "/Users/1", "data": []}, InvalidSyntax, "data must be an object"),
    ],
)
def test_what_cannot_be_understood_is_refused_alone(operation, error, sentence: str):
    refused, good = parsed(operation, post("good")).operations
    assert isinstance(refused.refusal, error)
    assert sentence in refused.refusal.detail
    assert (refused.references, good.refusal) == (frozenset(), None)


def test_references_stand_in_values_and_in_filters():
    data = {
        "Operations": [
            {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}, {"value": "b"}]},
            {"op": "remove", "path": 'members[value eq "bulkId:c" or value eq "bulkId:d"]'},
            {"op": "add", "path": "manager", "value": "bulkId:e"},
            {"op": "replace", "path": "active", "value": True},
        ]
    }
    (operation,) = parsed({"method": "PATCH", "path": "/Users/1", "data": data}).operations
    assert operation.references == set("acde")
    ids = {name: f"id-of-{name}" for name in "acde"}
    assert resolved(data, ids) == {
        "Operations": [
            {"op": "add", "path": "members", "value": [{"value": "id-of-a"}, {"value": "b"}]},
            {"op": "remove", "path": 'members[value eq "id-of-c" or value eq "id-of-d"]'},
            {"op": "add", "path": "manager", "value": "id-of-e"},
            {"op": "replace", "path": "active", "value": True},
        ]
    }


def test_what_has_no_id_yet_is_left_out_and_added_later():
    data = {
        "displayName": "g",
        "nothing": None,
        "externalId": "bulkId:b",
        "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}, {"value": "c"}, None],
        "urn:x": {"department": "d", "manager": {"value": "bulkId:b", "$ref": "r"}},
    }
    assert resolved(data, {"a": "1"}) == {
        "displayName": "g",
        "nothing": None,
        "members": [{"value": "1"}, {"value": "c"}, None],
        "urn:x": {"department": "d"},
    }
    assert completion(data, frozenset({"b"}), {"a": "1", "b": "2"}) == {
        "Operations": [
            {"op": "add", "path": "externalId", "value": "2"},
            {"op": "add", "path": "members", "value": [{"value": "1"}, {"value": "2"}, {"value": "c"}, None]},
            {
                "op": "add",
                "path": "urn:x",
                "value": {"department": "d", "manager": {"value": "2", "$ref": "r"}},
            },
        ]
    }


def test_only_a_reference_in_a_path_is_replaced():
    assert resolved_target("bulkId:a", {"a": "1"}) == "1"
    assert resolved_target("a", {"a": "1"}) == "a"


@pytest.mark.parametrize(
    "operations, expected",
    [
        ([post("a"), post("b", "a")], [(0, set()), (1, set())]),
        ([post("b", "a"), post("a")], [(1, set()), (0, set())]),
        ([post("c", "b"), post("b", "a"), post("a")], [(2, set()), (1, set()), (0, set())]),
        ([post("a", "b"), post("b", "a")], [(1, {"a"}), (0, set())]),
        ([post("a", "a")], [(0, {"a"})]),
        ([post("a", "nobody")], [(0, set())]),
        ([post("a", "b"), post("b", "c"), post("c", "a", "b")], [(2, {"a", "b"}), (1, set()), (0, set())]),
        ([{"method": "DELETE", "path": "/Users/bulkId:a"}, post("a")], [(1, set()), (0, set())]),
    ],
)
def test_what_is_referred_to_comes_first(operations, expected):
    assert order(*operations) == expected


GRAPHS = st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=1, max_size=8)


@given(GRAPHS)
def test_every_operation_has_its_turn_once_and_misses_only_what_is_still_to_come(graph: list[list[int]]):
    operations = [post(str(number), *map(str, references)) for number, references in enumerate(graph)]
    known: set[str] = set()
    turns = []
    for step in in_order(parsed(*operations).operations):
        wanted = {name for name in step.operation.references if int(name) < len(graph)}
        assert step.later == wanted - known
        known.add(str(step.operation.bulk_id))
        turns.append(step.operation.position)
    assert sorted(turns) == list(range(len(graph)))


@given(GRAPHS)
def test_without_references_forward_the_order_is_that_of_the_request(graph: list[list[int]]):
    operations = [post(str(n), *(str(one) for one in references if one < n)) for n, references in enumerate(graph)]
    assert order(*operations) == [(number, set()) for number in range(len(graph))]


def test_a_long_chain_of_references_is_followed():
    operations = [post(str(number), str(number + 1)) for number in range(MAX_BULK_OPERATIONS)]
    assert [position for position, _ in order(*operations)] == list(reversed(range(MAX_BULK_OPERATIONS)))


def test_too_many_operations_are_refused():
    with pytest.raises(TooManyOperations, match="1000"):
        parsed(*[{}] * (MAX_BULK_OPERATIONS + 1))


@pytest.mark.parametrize("schemas", [None, [], [REQUEST], [REQUEST.lower()]])
def test_the_schema_may_be_left_out(schemas):
    assert parse_bulk({"schemas": schemas, "operations": []}, Registry()).operations == ()


@pytest.mark.parametrize(
    "body", [None, [], {"Operations": None}, {"Operations": "x"}, {"schemas": "x", "Operations": []}]
)
def test_another_body_is_refused(body):
    with pytest.raises(InvalidSyntax):
        parse_bulk(body, Registry())


@pytest.mark.parametrize("value, limit", [(None, None), (1, 1), (50, 50)])
def test_the_number_of_errors_that_is_accepted_is_read(value, limit):
    assert parsed(failOnErrors=value).fail_on_errors == limit


@pytest.mark.parametrize("value", [0, -1, True, "1", 1.5])
def test_another_number_of_errors_is_refused(value):
    with pytest.raises(InvalidValue, match="failOnErrors"):
        parsed(failOnErrors=value)


@pytest.mark.parametrize("second", [post("a"), {"method": "POST", "path": "/Users", "bulkId": "a"}])
def test_a_bulk_id_is_unique(second):
    with pytest.raises(InvalidValue, match="not unique"):
        parsed(post("a"), second)


def test_a_bulk_id_that_creates_nothing_may_repeat():
    again = {"method": "DELETE", "path": "/Users/1", "bulkId": "a"}
    assert [each.bulk_id for each in parsed(post("a"), again, again).operations] == ["a"] * 3


def test_a_bulk_id_is_not_longer_than_a_name():
    with pytest.raises(InvalidValue, match="longer"):
        parsed(post("a" * 1001))


def test_data_that_is_nested_too_deeply_is_refused():
    deep: object = "x"
    for _ in range(60):
        deep = {"a": deep}
    operation = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"deep": deep}}
    assert isinstance(parsed(operation).operations[0].refusal, InvalidValue)


def test_a_response_holds_the_results():
    assert json.loads(render_bulk_response([{"status": "204"}])) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": [{"status": "204"}],
    }


def test_a_path_that_refers_to_what_is_not_there_is_left_out():
    data = {"Operations": [{"op": "remove", "path": 'members[value eq "bulkId:a"]'}]}
    assert resolved(data, {"a": "1"}) == {"Operations": [{"op": "remove", "path": 'members[value eq "1"]'}]}
    assert resolved(data, {}) == {"Operations": []}


def test_a_put_that_bears_the_bulk_id_of_a_post_waits_for_it_and_is_not_it():
    put = {"method": "PUT", "path": "/Groups/bulkId:a", "bulkId": "a", "data": {"displayName": "h"}}
    steps = list(in_order(parsed(put, post("a")).operations))
    assert [(step.operation.method, step.later) for step in steps] == [("POST", frozenset()), ("PUT", frozenset())]
