"""Is a user's manager shown with what is known of that person (RFC 7643 §4.3)?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, USER, accepted, fresh

NAMED = f"?attributes=userName,{ENTERPRISE}:manager"
WITH_NAME = f"?attributes={ENTERPRISE}:manager.value,{ENTERPRISE}:manager.$ref,{ENTERPRISE}:manager.displayName"


def work(user):
    return user[ENTERPRISE]


@pytest.mark.parametrize("name", [{"displayName": "Ada"}, {}])
def test_a_manager_is_shown_with_address_and_name(scim, name):
    boss = scim.create_user(**name)
    user = scim.create_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    known = {"value": boss["id"], "$ref": boss["meta"]["location"]}
    assert work(user)["manager"] == known
    assert work(scim.read(f"/Users/{user['id']}"))["manager"] == known
    full = known | {"displayName": boss.get("displayName", boss["userName"])}
    assert work(scim.read(f"/Users/{user['id']}{WITH_NAME}"))["manager"] == full
    (listed,) = scim.search("/Users", f'userName eq "{user["userName"]}"')
    assert work(listed)["manager"] == known
    (everywhere,) = scim.search("/", f'userName eq "{user["userName"]}"')
    assert everywhere == listed


def test_every_answer_to_a_change_shows_the_manager_too(scim):
    one, two = scim.create_user(), scim.create_user()
    user = scim.create_user(**{ENTERPRISE: {"manager": {"value": one["id"]}}})
    path = f"{ENTERPRISE}:manager"
    # Entra sends the manager as a bare text.
    changed = scim.patch_user(user, {"op": "Add", "path": path, "value": two["id"]})
    assert work(changed)["manager"]["$ref"] == two["meta"]["location"]
    put = accepted(scim.send("PUT", f"/Users/{user['id']}", changed), 200)
    assert work(put)["manager"] == {"value": two["id"], "$ref": two["meta"]["location"]}
    gone = scim.patch_user(user, {"op": "remove", "path": path})
    assert ENTERPRISE not in gone


def test_an_unknown_manager_stays_as_it_was_sent_until_it_is_known(scim):
    sent = {"value": fresh("not-yet-here"), "$ref": "../Users/not-yet-here"}
    user = scim.create_user(**{ENTERPRISE: {"manager": sent}})
    assert work(user)["manager"] == sent
    assert work(scim.read(f"/Users/{user['id']}"))["manager"] == sent


def test_a_deleted_manager_is_known_no_longer(scim):
    boss = scim.create_user()
    user = scim.create_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    scim.delete(f"/Users/{boss['id']}")
    assert work(scim.read(f"/Users/{user['id']}"))["manager"] == {"value": boss["id"]}


def test_whom_scim_does_not_own_is_no_known_manager(scim):
    me = scim.read("/Me")
    user = scim.create_user(**{ENTERPRISE: {"manager": {"value": me["id"]}}})
    assert work(user)["manager"] == {"value": me["id"]}


def test_renaming_the_manager_changes_no_version_of_others(scim):
    boss = scim.create_user(displayName="Before")
    user = scim.create_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    scim.patch_user(boss, {"op": "replace", "path": "displayName", "value": "After"})
    assert scim.read(f"/Users/{user['id']}")["meta"] == user["meta"]
    assert work(scim.read(f"/Users/{user['id']}{WITH_NAME}"))["manager"]["displayName"] == "After"


def test_managers_are_projected_like_everything_else(scim):
    boss = scim.create_user()
    user = scim.create_user(**{ENTERPRISE: {"department": "d", "manager": {"value": boss["id"]}}})
    path = f"/Users/{user['id']}"
    assert set(work(scim.read(f"{path}{NAMED}"))) == {"manager"}
    assert ENTERPRISE not in scim.read(f"{path}?excludedAttributes={ENTERPRISE}")
    assert work(scim.read(f"{path}?excludedAttributes={ENTERPRISE}:manager.$ref"))["manager"] == {"value": boss["id"]}


def test_what_was_read_can_be_put_back(scim):
    boss = scim.create_user()
    user = scim.create_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    body = user | {"schemas": [USER, ENTERPRISE]}
    again = accepted(scim.send("PUT", f"/Users/{user['id']}", body), 200)
    assert work(again) == work(user)
    once_more = accepted(scim.send("PUT", f"/Users/{user['id']}", body), 200)
    assert once_more["meta"]["version"] == again["meta"]["version"]
