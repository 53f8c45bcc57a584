import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.scim.errors import InvalidSyntax, ScimError, TooMany
from rolecall.scim.patch import MAX_OPERATIONS, OperationName, parse_patch
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, USER

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
DEACTIVATE = {"op": "replace", "path": "active", "value": False}


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [PATCH_OP], "Operations": [DEACTIVATE]},
        {"schemas": [PATCH_OP.lower()], "operations": [DEACTIVATE]},
        {"Operations": [DEACTIVATE]},
        {"schemas": None, "OPERATIONS": [DEACTIVATE]},
        {"Operations": [{"OP": "Replace", "Path": "ACTIVE", "Value": "false"}]},
    ],
)
def test_a_patch_is_read_in_the_forms_that_clients_send(body):
    (operation,) = parse_patch(body, USER).operations
    (edit,) = operation.edits
    assert (edit.name, edit.target.name, edit.value) == (OperationName.REPLACE, "active", False)


@pytest.mark.parametrize("path", [None, ""])
def test_an_empty_path_is_none(path):
    (operation,) = parse_patch({"Operations": [{"op": "add", "path": path, "value": {"title": "Dr"}}]}, USER).operations
    assert [str(edit.target) for edit in operation.edits] == ["title"]


def test_positions_count_from_0_also_where_nothing_is_edited():
    patch = parse_patch({"Operations": [{"op": "replace", "value": {"id": "1"}}, DEACTIVATE]}, USER)
    assert [(operation.position, len(operation.edits)) for operation in patch.operations] == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], "x", {}),
        {"Operations": None},
        {"Operations": []},
        {"Operations": {}},
        {"Operations": "replace"},
        {"schemas": ["urn:other"], "Operations": [DEACTIVATE]},
        {"schemas": PATCH_OP, "Operations": [DEACTIVATE]},
        {"schemas": [7], "Operations": [DEACTIVATE]},
    ],
)
def test_what_is_no_patch_is_refused(body):
    with pytest.raises(InvalidSyntax):
        parse_patch(body, USER)


def test_a_patch_has_a_greatest_number_of_operations():
    assert len(parse_patch({"Operations": [DEACTIVATE] * MAX_OPERATIONS}, USER).operations) == MAX_OPERATIONS
    with pytest.raises(TooMany, match="at most 1,000 operations"):
        parse_patch({"Operations": [DEACTIVATE] * (MAX_OPERATIONS + 1)}, USER)


def test_a_refusal_says_which_operation_is_to_blame():
    with pytest.raises(ScimError) as refusal:
        parse_patch({"Operations": [DEACTIVATE, DEACTIVATE, {"op": "add", "path": "nothing", "value": 1}]}, USER)
    assert refusal.value.about == {"operation": "2", "path": "nothing"}


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "True", "a@example.com"]),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "type", "primary", "active", "members", "name", "name.givenName", ENTERPRISE]),
            parts,
            max_size=3,
        )
    ),
    max_leaves=6,
)
operations = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "Add", "replace", "Replace", "remove", "move"]) | json,
        "path": st.sampled_from(
            [
                *("active", "emails", "emails.value", 'emails[type eq "work"].value', "name", "userName", "members"),
                *('members[value eq "1"]', ENTERPRISE, f"{ENTERPRISE}:manager", "urn:acme:2.0:User:x", "[", "]["),
            ]
        )
        | json,
        "value": json,
    },
)


@given(st.fixed_dictionaries({"Operations": st.lists(operations, max_size=3) | json}) | json)
@pytest.mark.parametrize("resource_type", [USER, GROUP], ids=lambda resource_type: resource_type.name)
def test_any_body_is_a_patch_or_refused_with_a_scim_error(resource_type, body):
    try:
        patch = parse_patch(body, resource_type)
    except ScimError:
        return
    assert len(patch.operations) == len(body["Operations"])
