"""Does PATCH on groups change exactly the members that it names?"""

import pytest

from tests.conformance.scim_client import GROUP, accepted, fresh, member_ids, refused


@pytest.fixture
def people(scim):
    return [scim.create_user()["id"] for _ in range(4)]


@pytest.fixture
def group(scim, people):
    return scim.create_group(members=people[:2])


def value_list(*ids):
    return [{"value": member} for member in ids]


@pytest.mark.parametrize("op", ["add", "Add"])
def test_added_members_join_those_that_are_there(scim, group, people, op):
    changed = scim.patch_group(group, {"op": op, "path": "members", "value": value_list(people[2])})
    assert member_ids(changed) == set(people[:3])


def test_entra_adds_a_member_with_a_null_reference(scim, group, people):
    value = [{"$ref": None, "value": people[2]}]
    assert member_ids(scim.patch_group(group, {"op": "Add", "path": "members", "value": value})) == set(people[:3])


def test_okta_adds_a_member_with_its_display(scim, group, people):
    value = [{"value": people[2], "display": "somebody@example.com"}]
    assert member_ids(scim.patch_group(group, {"op": "add", "path": "members", "value": value})) == set(people[:3])


def test_a_single_object_is_understood_as_a_list_of_one(scim, group, people):
    changed = scim.patch_group(group, {"op": "add", "path": "members", "value": {"value": people[2]}})
    assert member_ids(changed) == set(people[:3])


def test_one_operation_for_each_member_works_too(scim, group, people):
    operations = [{"op": "add", "path": "members", "value": value_list(member)} for member in people]
    assert member_ids(scim.patch_group(group, *operations)) == set(people)


def test_adding_a_present_member_changes_nothing(scim, group, people):
    changed = scim.patch_group(group, {"op": "add", "path": "members", "value": value_list(people[0])})
    assert changed == group


def test_a_member_named_twice_appears_once(scim, group, people):
    changed = scim.patch_group(group, {"op": "add", "path": "members", "value": value_list(people[2], people[2])})
    assert member_ids(changed) == set(people[:3])


def test_a_filter_removes_the_member_that_it_matches(scim, group, people):
    changed = scim.patch_group(group, {"op": "remove", "path": f'members[value eq "{people[0]}"]'})
    assert member_ids(changed) == {people[1]}


def test_a_filter_may_match_several_members(scim, group, people):
    path = f'members[value eq "{people[0]}" or value eq "{people[1]}"]'
    assert member_ids(scim.patch_group(group, {"op": "remove", "path": path})) == set()


@pytest.mark.parametrize("op", ["remove", "Remove"])
def test_remove_with_a_value_list_removes_only_those(scim, group, people, op):
    changed = scim.patch_group(group, {"op": op, "path": "members", "value": value_list(people[0])})
    assert member_ids(changed) == {people[1]}


def test_remove_without_a_value_empties_the_group(scim, group):
    assert member_ids(scim.patch_group(group, {"op": "remove", "path": "members"})) == set()


@pytest.mark.parametrize("removal", ["filter", "list"])
def test_removing_an_absent_member_changes_nothing(scim, group, people, removal):
    operation = {"op": "remove", "path": f'members[value eq "{people[3]}"]'}
    if removal == "list":
        operation = {"op": "Remove", "path": "members", "value": value_list(people[3])}
    assert scim.patch_group(group, operation) == group


def test_removal_and_addition_in_one_request_both_happen(scim, group, people):
    changed = scim.patch_group(
        group,
        {"op": "remove", "path": f'members[value eq "{people[0]}"]'},
        {"op": "add", "path": "members", "value": value_list(people[2])},
    )
    assert member_ids(changed) == {people[1], people[2]}


def test_replacing_members_leaves_exactly_the_new_ones(scim, group, people):
    changed = scim.patch_group(group, {"op": "replace", "path": "members", "value": value_list(people[1], people[3])})
    assert member_ids(changed) == {people[1], people[3]}


def test_replacing_members_by_an_empty_list_empties_the_group(scim, group):
    assert member_ids(scim.patch_group(group, {"op": "replace", "path": "members", "value": []})) == set()


def test_okta_pushes_all_members_without_a_path(scim, group, people):
    value = {"id": group["id"], "displayName": group["displayName"], "members": value_list(people[2], people[3])}
    assert member_ids(scim.patch_group(group, {"op": "replace", "value": value})) == {people[2], people[3]}


def test_add_without_a_path_adds_the_members_that_its_value_holds(scim, group, people):
    changed = scim.patch_group(group, {"op": "add", "value": {"members": value_list(people[2])}})
    assert member_ids(changed) == set(people[:3])


def test_authentik_replaces_the_whole_resource_without_a_path(scim, group, people):
    name = fresh("renamed")
    value = {"schemas": [GROUP], "id": group["id"], "displayName": name, "externalId": "own-1"}
    changed = scim.patch_group(group, {"op": "replace", "value": value})
    assert (changed["displayName"], changed["externalId"]) == (name, "own-1")
    assert member_ids(changed) == set(people[:2])


@pytest.mark.parametrize("with_path", [True, False])
def test_a_group_is_renamed_and_keeps_its_members(scim, group, people, with_path):
    name = fresh("renamed")
    operation = {"op": "replace", "value": {"id": group["id"], "displayName": name}}
    if with_path:
        operation = {"op": "Replace", "path": "displayName", "value": name}
    changed = scim.patch_group(group, operation)
    assert changed["displayName"] == name
    assert member_ids(changed) == set(people[:2])


def test_a_new_name_is_seen_in_the_groups_of_the_members(scim, group, people):
    name = fresh("renamed")
    scim.patch_group(group, {"op": "replace", "path": "displayName", "value": name})
    assert [entry["display"] for entry in scim.read(f"/Users/{people[0]}")["groups"]] == [name]


def test_a_body_is_answered_when_attributes_are_asked_for(scim, group, people):
    operation = {"op": "add", "path": "members", "value": value_list(people[2])}
    response = scim.patch(f"/Groups/{group['id']}?attributes=members", operation)
    assert member_ids(accepted(response, 200)) == set(people[:3])
    response = scim.patch(f"/Groups/{group['id']}?attributes=displayName", operation)
    body = accepted(response, 200)
    assert body["displayName"] == group["displayName"]
    assert "members" not in body


NEVER_APPLIED = [
    pytest.param({"op": "remove", "path": "displayName"}, {"invalidValue", "mutability"}, id="remove-the-name"),
    pytest.param({"op": "replace", "path": "displayName", "value": ""}, {"invalidValue"}, id="empty-name"),
    pytest.param({"op": "add", "path": "members", "value": [{}]}, {"invalidValue"}, id="a-member-without-a-value"),
    pytest.param({"op": "add", "path": "members", "value": [{"value": 5}]}, {"invalidValue"}, id="a-number"),
    pytest.param({"op": "add", "path": "members"}, {"invalidValue"}, id="no-value"),
    pytest.param({"op": "remove"}, {"noTarget"}, id="remove-without-a-path"),
    pytest.param({"op": "replace", "path": "owners", "value": "x"}, {"invalidPath"}, id="unknown-attribute"),
    pytest.param({"op": "replace", "path": "id", "value": "x"}, {"mutability"}, id="id"),
    pytest.param({"op": "add", "path": "members[value eq", "value": "x"}, {"invalidPath"}, id="broken-path"),
]


@pytest.mark.parametrize("operation, scim_types", NEVER_APPLIED)
def test_an_operation_that_cannot_be_applied_is_never_answered_as_if_it_were(scim, group, operation, scim_types):
    response = scim.patch(f"/Groups/{group['id']}", operation)
    assert response.status_code == 400, response.text
    assert response.json()["scimType"] in scim_types
    assert scim.read(f"/Groups/{group['id']}") == group


def test_an_unknown_member_is_refused_and_nothing_of_the_request_is_kept(scim, group, people):
    response = scim.patch(
        f"/Groups/{group['id']}",
        {"op": "add", "path": "members", "value": value_list(people[2])},
        {"op": "add", "path": "members", "value": value_list("no-such-user")},
    )
    assert "no-such-user" in refused(response, 400, "invalidValue")
    assert scim.read(f"/Groups/{group['id']}") == group


def test_the_members_own_version_does_not_move_when_its_groups_change(scim, group, people):
    before = scim.read(f"/Users/{people[2]}")
    scim.patch_group(group, {"op": "add", "path": "members", "value": value_list(people[2])})
    after = scim.read(f"/Users/{people[2]}")
    assert after["groups"] != before.get("groups", [])
    assert after["meta"] == before["meta"]
