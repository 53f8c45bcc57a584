"""Is what the smaller identity providers send understood?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, GROUP, USER, accepted, fresh, member_ids, refused, values


def members(*ids):
    return [{"value": member} for member in ids]


def test_onelogin_names_the_schemas_of_scim_1_and_leaves_placeholders_empty(scim):
    # developers.onelogin.com, scim/implement-scim-api; django-scim2, demo adapters
    body = {
        "schemas": ["urn:scim:schemas:core:1.0"],
        "userName": fresh("onelogin"),
        "externalId": "",
        "name": {"givenName": "Ada", "familyName": "Lovelace", "middleName": ""},
        "emails": {"type": "work", "value": "ada@work.example", "primary": True},
        "phoneNumbers": [],
        "title": "",
        "userType": None,
    }
    user = accepted(scim.send("POST", "/Users", body), 201)
    assert user["schemas"] == [USER]
    assert user["emails"] == [{"type": "work", "value": "ada@work.example", "primary": True}]
    assert user["name"]["givenName"] == "Ada"
    assert not {"phoneNumbers", "userType"} & set(user)


def test_jumpcloud_tries_a_user_and_a_group_and_takes_them_away_again(scim):
    # jumpcloud.com, custom SCIM page
    user = scim.create_user(active=True)
    group = scim.create_group()
    scim.patch_group(group, {"op": "add", "path": "members", "value": members(user["id"])})
    changed = scim.patch_group(group, {"op": "remove", "path": "members", "value": members(user["id"])})
    assert member_ids(changed) == set()
    scim.send("PUT", f"/Users/{user['id']}", user | {"active": False})
    for path in (f"/Groups/{group['id']}", f"/Users/{user['id']}"):
        scim.delete(path)


def test_ping_looks_for_an_address_without_naming_a_part_of_it(scim):
    # docs.pingidentity.com, SCIM provisioner settings
    address = f"{fresh('ping')}@work.example"
    user = scim.create_user(emails=[{"type": "work", "value": address}])
    assert values(scim.search("/Users", f'emails eq "{address.upper()}"'), "id") == {user["id"]}


def test_authentik_replaces_users_with_their_id_and_patches_groups_one_operation_a_member(scim):
    # goauthentik/authentik, providers/scim/clients; its issue 16678
    people = [scim.create_user() for _ in range(3)]
    put = accepted(scim.send("PUT", f"/Users/{people[0]['id']}", people[0] | {"displayName": "Put"}), 200)
    assert (put["id"], put["displayName"]) == (people[0]["id"], "Put")
    group = scim.create_group()
    adding = [{"op": "add", "path": "members", "value": members(person["id"])} for person in people]
    assert member_ids(scim.patch_group(group, *adding)) == values(people, "id")
    name = fresh("authentik")
    whole = {"schemas": [GROUP], "id": group["id"], "displayName": name, "externalId": "8f1b"}
    renamed = scim.patch_group(group, {"op": "replace", "path": None, "value": whole})
    assert (renamed["displayName"], len(member_ids(renamed))) == (name, 3)
    leaving = {"op": "remove", "path": "members", "value": members(people[0]["id"], people[1]["id"])}
    assert member_ids(scim.patch_group(group, leaving)) == {people[2]["id"]}
    refused(scim.send("PUT", "/Users/no-such-id", people[0]), 404)


def test_keycloak_sends_all_members_old_and_new_for_one_that_is_added(scim):
    # scim-for-keycloak, issue 134
    people = [scim.create_user()["id"] for _ in range(25)]
    group = scim.create_group(members=people[:24])
    changed = scim.patch_group(group, {"op": "replace", "path": "members", "value": members(*people)})
    assert member_ids(changed) == set(people)
    again = scim.patch_group(group, {"op": "replace", "path": "members", "value": members(*people)})
    assert again == changed


def test_rippling_names_the_primary_address_by_its_flag(scim):
    # WorkOS and Kombo guides to Rippling
    name = fresh("rippling")
    user = scim.create_user(name, emails=[{"value": f"{name}@work.example", "primary": True}])
    assert values(scim.search("/Users", f'emails.primary eq true and userName eq "{name}"'), "id") == {user["id"]}
    refused(scim.send("POST", "/Users", {"schemas": [USER], "userName": name}), 409, "uniqueness")


def test_sailpoint_reads_every_description_one_by_one_and_then_all_pages(scim):
    # documentation.sailpoint.com, connectors/scim_2_0
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/ResourceTypes/Group", "/Schemas"):
        accepted(scim.get(path), 200)
    for _ in range(5):
        scim.create_user(fresh("sailpoint"))
    seen = []
    for start in range(1, 12, 2):
        page = scim.page("/Users", filter='userName sw "sailpoint-"', startIndex=start, count=2)
        seen += [user["id"] for user in page["Resources"]]
        assert page["totalResults"] == 5
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_sailpoint_may_write_groups_on_the_user_and_learns_that_this_does_nothing(scim, op):
    # documentation.sailpoint.com, connectors/scim_2_0: updateGroupsViaUsers
    user, group = scim.create_user(), scim.create_group()
    operation = {"op": op, "path": "groups", "value": members(group["id"])}
    refused(scim.patch(f"/Users/{user['id']}", operation), 400, "mutability")
    assert member_ids(scim.read(f"/Groups/{group['id']}")) == set()


def test_a_whole_extension_may_come_as_one_value_that_names_its_schema(scim):
    # RFC 7644 §3.5.2.1: the path may name the extension itself
    user = scim.create_user(**{ENTERPRISE: {"department": "Looms"}})
    value = {"schemas": [ENTERPRISE], "employeeNumber": "7", "department": "Engines"}
    changed = scim.patch_user(user, {"op": "add", "path": ENTERPRISE, "value": value})
    assert changed[ENTERPRISE] == {"employeeNumber": "7", "department": "Engines"}
    changed = scim.patch_user(user, {"op": "replace", "value": {ENTERPRISE: {"division": "North"}}})
    assert changed[ENTERPRISE]["division"] == "North"
