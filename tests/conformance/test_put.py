"""Does PUT replace a resource as RFC 7644 §3.5.1 says?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, GROUP, USER, accepted, fresh, member_ids, refused

BADGE = "urn:example:params:scim:schemas:extension:badge:1.0:User"


@pytest.fixture
def user(scim):
    return scim.create_user(
        fresh("put"),
        displayName="Before",
        title="Clerk",
        emails=[{"type": "work", "value": "put@work.example"}],
        **{ENTERPRISE: {"department": "Looms"}},
    )


def put(scim, path, body):
    answer = accepted(scim.send("PUT", path, body), 200)
    assert scim.read(path) == answer
    return answer


def test_what_is_sent_replaces_what_was_there(scim, user):
    changed = put(scim, f"/Users/{user['id']}", {"schemas": [USER], "userName": user["userName"], "title": "Chief"})
    assert changed["title"] == "Chief"
    assert not {"displayName", "emails", ENTERPRISE} & set(changed)
    assert changed["id"] == user["id"]
    assert changed["meta"]["created"] == user["meta"]["created"]
    assert changed["meta"]["version"] != user["meta"]["version"]


def test_sending_back_what_was_read_changes_nothing(scim, user):
    assert put(scim, f"/Users/{user['id']}", user) == user


def test_read_only_attributes_in_the_body_are_ignored(scim, user):
    body = user | {"id": "another", "groups": [{"value": "x"}], "meta": {"created": "2001-01-01T00:00:00Z"}}
    assert put(scim, f"/Users/{user['id']}", body) == user


def test_okta_wizard_apps_deactivate_and_reactivate_with_put(scim, user):
    assert put(scim, f"/Users/{user['id']}", user | {"active": False})["active"] is False
    assert put(scim, f"/Users/{user['id']}", user | {"active": True})["active"] is True


def test_a_put_that_does_not_speak_of_active_does_not_reactivate(scim, user):
    scim.patch_user(user, {"op": "replace", "path": "active", "value": False})
    silent = {name: value for name, value in user.items() if name != "active"}
    assert put(scim, f"/Users/{user['id']}", silent)["active"] is False


def test_a_pushed_password_is_neither_kept_nor_returned(scim, user):
    changed = put(scim, f"/Users/{user['id']}", user | {"password": "correct horse"})
    assert "password" not in changed


def test_unknown_extensions_are_kept_and_returned(scim, user):
    body = user | {"schemas": [*user["schemas"], BADGE], BADGE: {"number": "B-17", "doors": [1, 2]}}
    assert put(scim, f"/Users/{user['id']}", body)[BADGE] == {"number": "B-17", "doors": [1, 2]}


def test_a_put_on_a_group_replaces_name_and_members(scim):
    one, two, three = (scim.create_user()["id"] for _ in range(3))
    group = scim.create_group(members=[one, two])
    name = fresh("renamed")
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": two}, {"value": three}]}
    response = scim.send("PUT", f"/Groups/{group['id']}", body)
    assert response.status_code in {200, 204}, response.text
    changed = scim.read(f"/Groups/{group['id']}")
    assert changed["displayName"] == name
    assert member_ids(changed) == {two, three}


def test_a_put_on_a_group_with_an_empty_member_list_empties_it(scim):
    group = scim.create_group(members=[scim.create_user()["id"]])
    scim.send("PUT", f"/Groups/{group['id']}", {"schemas": [GROUP], "displayName": group["displayName"], "members": []})
    assert member_ids(scim.read(f"/Groups/{group['id']}")) == set()


def test_a_put_without_what_is_required_is_refused_and_nothing_changes(scim, user):
    group = scim.create_group()
    refused(scim.send("PUT", f"/Users/{user['id']}", {"schemas": [USER], "title": "x"}), 400, "invalidValue")
    refused(scim.send("PUT", f"/Groups/{group['id']}", {"schemas": [GROUP]}), 400, "invalidValue")
    assert scim.read(f"/Users/{user['id']}") == user
    assert scim.read(f"/Groups/{group['id']}") == group


def test_a_put_to_another_users_name_is_a_conflict(scim, user):
    other = scim.create_user()
    refused(scim.send("PUT", f"/Users/{user['id']}", user | {"userName": other["userName"]}), 409, "uniqueness")
    assert scim.read(f"/Users/{user['id']}") == user


def test_a_put_never_creates(scim):
    refused(scim.send("PUT", "/Users/no-such-id", {"schemas": [USER], "userName": fresh("nobody")}), 404)
    refused(scim.send("PUT", "/Groups/no-such-id", {"schemas": [GROUP], "displayName": fresh("nobody")}), 404)
