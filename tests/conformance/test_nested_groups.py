"""Do groups within groups, also in circles, show in `User.groups` as RFC 7643 §4.1.2 says?"""

from tests.conformance.scim_client import member_ids, values


def add(scim, group, *members):
    value = [{"value": member} for member in members]
    return scim.patch_group(group, {"op": "add", "path": "members", "value": value})


def groups_of(scim, user):
    entries = scim.read(f"/Users/{user['id']}").get("groups", [])
    assert len(entries) == len(values(entries))
    return {entry["value"]: entry["type"] for entry in entries}


def test_members_say_whether_they_are_users_or_groups_and_where_they_live(scim, served):
    user, inner = scim.create_user(displayName="Ada"), scim.create_group()
    outer = scim.create_group(members=[user["id"], inner["id"]])
    wanted = scim.read(f"/Groups/{outer['id']}?attributes=members.value,members.type,members.$ref,members.display")
    found = {member["value"]: member for member in wanted["members"]}
    assert found[user["id"]]["type"] == "User"
    assert found[user["id"]]["$ref"] == f"{served.base_url}/Users/{user['id']}"
    assert found[inner["id"]]["type"] == "Group"
    assert found[inner["id"]]["$ref"] == f"{served.base_url}/Groups/{inner['id']}"
    assert found[inner["id"]]["display"] == inner["displayName"]


def test_a_user_shows_its_groups_with_reference_and_name(scim, served):
    user = scim.create_user()
    group = scim.create_group(members=[user["id"]])
    assert scim.read(f"/Users/{user['id']}")["groups"] == [
        {
            "value": group["id"],
            "$ref": f"{served.base_url}/Groups/{group['id']}",
            "display": group["displayName"],
            "type": "direct",
        }
    ]


def test_membership_through_nested_groups_is_indirect_at_every_depth(scim):
    user = scim.create_user()
    inner = scim.create_group(members=[user["id"]])
    middle = scim.create_group(members=[inner["id"]])
    outer = scim.create_group(members=[middle["id"]])
    assert groups_of(scim, user) == {inner["id"]: "direct", middle["id"]: "indirect", outer["id"]: "indirect"}


def test_a_membership_that_is_both_direct_and_indirect_is_direct_and_shown_once(scim):
    user = scim.create_user()
    inner = scim.create_group(members=[user["id"]])
    outer = scim.create_group(members=[inner["id"], user["id"]])
    assert groups_of(scim, user) == {inner["id"]: "direct", outer["id"]: "direct"}


def test_taking_a_group_out_of_another_ends_the_indirect_membership(scim):
    user = scim.create_user()
    inner = scim.create_group(members=[user["id"]])
    outer = scim.create_group(members=[inner["id"]])
    scim.patch_group(outer, {"op": "remove", "path": f'members[value eq "{inner["id"]}"]'})
    assert groups_of(scim, user) == {inner["id"]: "direct"}


def test_groups_in_a_circle_are_harmless(scim):
    user = scim.create_user()
    one = scim.create_group(members=[user["id"]])
    two = scim.create_group(members=[one["id"]])
    three = scim.create_group(members=[two["id"]])
    add(scim, one, three["id"])
    assert groups_of(scim, user) == {one["id"]: "direct", two["id"]: "indirect", three["id"]: "indirect"}
    assert member_ids(scim.read(f"/Groups/{one['id']}")) == {user["id"], three["id"]}
    assert values(scim.search("/Users", f'groups.value eq "{one["id"]}"'), "id") >= {user["id"]}
    scim.delete(f"/Groups/{two['id']}")
    assert groups_of(scim, user) == {one["id"]: "direct"}


def test_a_group_that_contains_itself_is_harmless(scim):
    user = scim.create_user()
    group = scim.create_group(members=[user["id"]])
    add(scim, group, group["id"])
    assert groups_of(scim, user) == {group["id"]: "direct"}
    scim.delete(f"/Groups/{group['id']}")
    assert groups_of(scim, user) == {}


def test_deleting_an_inner_group_takes_it_out_of_the_outer_one(scim):
    inner = scim.create_group()
    outer = scim.create_group(members=[inner["id"]])
    scim.delete(f"/Groups/{inner['id']}")
    assert member_ids(scim.read(f"/Groups/{outer['id']}")) == set()
