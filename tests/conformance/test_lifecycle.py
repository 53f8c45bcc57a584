"""What becomes of names and memberships when users are created, deactivated, deleted and created again?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, GROUP, USER, ScimClient, fresh, member_ids, refused, values

BADGE = "urn:example:params:scim:schemas:extension:badge:1.0:User"


def create(scim, user_name):
    return scim.send("POST", "/Users", {"schemas": [USER], "userName": user_name})


def test_a_created_user_is_returned_as_it_was_sent_with_id_and_metadata(scim, served):
    sent = {
        "externalId": "00uAbC",
        "displayName": "Zoë Ångström",
        "active": True,
        "name": {"givenName": "Zoë", "familyName": "Ångström", "honorificPrefix": "Dr."},
        "emails": [{"type": "work", "value": "Zoe@Work.Example", "primary": True}],
        "locale": "sv-SE",
        ENTERPRISE: {"department": "Looms", "employeeNumber": "0017"},
    }
    user = scim.create_user(fresh("Zoë"), **sent)
    assert sent.items() <= user.items()
    assert user["meta"]["resourceType"] == "User"
    assert user["meta"]["location"] == f"{served.base_url}/Users/{user['id']}"
    assert user["meta"]["created"] == user["meta"]["lastModified"]
    assert user["meta"]["created"].endswith("Z")
    assert set(user["schemas"]) == {USER, ENTERPRISE}
    assert scim.read(f"/Users/{user['id']}") == user


def test_unknown_extensions_are_kept_and_returned_as_they_came(scim):
    badge = {"number": "B-17", "doors": [1, 2.5, True], "issuer": {"name": "Desk"}}
    user = scim.create_user(schemas=[USER, BADGE], **{BADGE: badge})
    assert user[BADGE] == badge
    assert set(user["schemas"]) == {USER, BADGE}
    assert scim.read(f"/Users/{user['id']}") == user


def test_a_client_that_sends_only_what_is_required_is_accepted(scim):
    user = scim.create_user()
    assert user["active"] is True
    assert "groups" not in user


def test_what_okta_and_entra_send_beyond_that_is_accepted(scim):
    user = scim.create_user(
        groups=[],
        roles=[],
        password="made up",
        meta={"resourceType": "User"},
        id="chosen by the client",
        preferredLanguage="en",
    )
    assert user["id"] != "chosen by the client"
    assert "password" not in user


def test_a_pushed_password_is_not_in_any_answer(scim):
    user = scim.create_user(password="correct horse battery")
    for answer in (scim.get(f"/Users/{user['id']}?attributes=password"), scim.get(f"/Users/{user['id']}")):
        assert "correct horse" not in answer.text


def test_a_second_user_of_the_same_name_is_a_conflict(scim):
    user = scim.create_user()
    refused(create(scim, user["userName"]), 409, "uniqueness")
    assert len(scim.search("/Users", f'userName eq "{user["userName"]}"')) == 1


@pytest.mark.parametrize(
    "first, second",
    [
        ("anna.case@{}.example", "ANNA.Case@{}.EXAMPLE"),
        ("zo\u00eb@{}.example", "zoe\u0308@{}.example"),
        ("zo\u00eb@{}.example", "ZOE\u0308@{}.example"),
        ("stra\u00dfe@{}.example", "STRASSE@{}.example"),
        ("\uff41nna@{}.example", "anna@{}.example"),
    ],
)
def test_names_that_differ_only_in_case_or_in_unicode_spelling_are_the_same(scim, first, second):
    mark = fresh("same")
    user = scim.create_user(first.format(mark))
    refused(create(scim, second.format(mark)), 409, "uniqueness")
    found = scim.search("/Users", f'userName eq "{second.format(mark)}"')
    assert values(found, "id") == {user["id"]}
    assert found[0]["userName"] == first.format(mark)


def test_letters_of_different_languages_are_different_names(scim):
    mark = fresh("different")
    assert create(scim, f"anna@{mark}").status_code == 201
    assert create(scim, f"änna@{mark}").status_code == 201
    assert create(scim, f"аnna@{mark}").status_code == 201  # a Cyrillic first letter


def test_a_user_can_be_renamed_in_case_only(scim):
    user = scim.create_user(fresh("renamed"))
    name = user["userName"].upper()
    assert scim.patch_user(user, {"op": "replace", "path": "userName", "value": name})["userName"] == name


def test_a_rename_frees_the_old_name_and_takes_the_new_one(scim):
    user, old, new = scim.create_user(), fresh("old"), fresh("new")
    scim.patch_user(user, {"op": "replace", "path": "userName", "value": old})
    scim.patch_user(user, {"op": "replace", "path": "userName", "value": new})
    refused(create(scim, new), 409, "uniqueness")
    assert create(scim, old).status_code == 201


def test_renaming_to_a_taken_name_is_a_conflict(scim):
    user, other = scim.create_user(), scim.create_user()
    response = scim.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": "userName", "value": other["userName"].upper()}
    )
    refused(response, 409, "uniqueness")
    assert scim.read(f"/Users/{user['id']}") == user


def test_a_deactivated_user_is_still_returned_and_keeps_its_groups(scim):
    user = scim.create_user()
    group = scim.create_group(members=[user["id"]])
    changed = scim.patch_user(user, {"op": "replace", "path": "active", "value": False})
    assert changed["active"] is False
    assert values(changed["groups"]) == {group["id"]}
    found = scim.search("/Users", f'userName eq "{user["userName"]}"')
    assert [(match["id"], match["active"]) for match in found] == [(user["id"], False)]
    refused(create(scim, user["userName"]), 409, "uniqueness")


def test_a_reactivated_user_is_the_same_user_as_before(scim):
    user = scim.create_user(displayName="d")
    scim.patch_user(user, {"op": "replace", "path": "active", "value": False})
    back = scim.patch_user(user, {"op": "replace", "path": "active", "value": True})
    assert {name: value for name, value in back.items() if name != "meta"} == {
        name: value for name, value in user.items() if name != "meta"
    }


def test_a_deleted_user_is_gone_with_its_memberships(scim):
    user, other = scim.create_user(), scim.create_user()
    group = scim.create_group(members=[user["id"], other["id"]])
    path = f"/Users/{user['id']}"
    scim.delete(path)
    for method, body in (("GET", None), ("PUT", user), ("PATCH", {"Operations": []}), ("DELETE", None)):
        assert scim.send(method, path, body).status_code in ({404} if method != "PATCH" else {400, 404})
    assert member_ids(scim.read(f"/Groups/{group['id']}")) == {other["id"]}
    assert scim.search("/Users", f'userName eq "{user["userName"]}"') == []


def test_the_same_name_comes_back_as_a_new_user_without_the_old_ones_groups(scim):
    old = scim.create_user(displayName="old")
    scim.create_group(members=[old["id"]])
    scim.delete(f"/Users/{old['id']}")
    new = scim.create_user(old["userName"])
    assert new["id"] != old["id"]
    assert not {"groups", "displayName"} & set(new)
    refused(scim.get(f"/Users/{old['id']}"), 404)


def test_a_second_group_of_the_same_name_is_a_conflict(scim):
    group = scim.create_group()
    response = scim.send("POST", "/Groups", {"schemas": [GROUP], "displayName": group["displayName"]})
    refused(response, 409, "uniqueness")


def test_a_deleted_group_is_gone_from_its_members_and_its_name_is_free(scim):
    user = scim.create_user()
    group = scim.create_group(members=[user["id"]])
    scim.delete(f"/Groups/{group['id']}")
    refused(scim.get(f"/Groups/{group['id']}"), 404)
    assert "groups" not in scim.read(f"/Users/{user['id']}")
    assert scim.create_group(group["displayName"])["id"] != group["id"]


def test_a_group_with_an_unknown_member_is_refused_and_not_created(scim):
    name = fresh("halves")
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": "no-such-user"}]}
    refused(scim.send("POST", "/Groups", body), 400, "invalidValue")
    assert scim.search("/Groups", f'displayName eq "{name}"') == []


def test_service_users_are_invisible_and_their_names_are_taken(scim, served):
    name = fresh("robot")
    served.run_json("admin", "create-key", "--user-name", name, "--role", "admin", "--create-user", "--json")
    assert scim.search("/Users", f'userName eq "{name}"') == []
    assert name not in values(scim.everything("/Users"), "userName")
    refused(create(scim, name.upper()), 409, "uniqueness")


def test_users_that_scim_does_not_own_cannot_be_read_changed_deleted_or_made_members(scim, served):
    with served.client() as http:
        own_id = ScimClient(http).read("/Me")["id"]
    path = f"/Users/{own_id}"
    refused(scim.get(path), 404)
    refused(scim.patch(path, {"op": "replace", "path": "active", "value": False}), 404)
    refused(scim.send("PUT", path, {"schemas": [USER], "userName": fresh("taken-over")}), 404)
    refused(scim.send("DELETE", path), 404)
    body = {"schemas": [GROUP], "displayName": fresh("intruders"), "members": [{"value": own_id}]}
    refused(scim.send("POST", "/Groups", body), 400, "invalidValue")
