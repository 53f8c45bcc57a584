"""Who may use SCIM, and whom can it never touch?"""

import pytest

from tests.conformance.scim_client import USER, ScimClient, accepted, fresh, refused


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: the break-glass user made here cannot be deleted by tests that start from nothing."""
    return served_alone


def key(served, name, role):
    answer = served.run_json(
        "admin", "create-key", "--user-name", name, "--role", role, "--create-user", "--team", "Root", "--json"
    )
    return answer["api_key"]


@pytest.fixture(scope="module")
def provisioned(served):
    """Two users that an identity provider pushed and that were then made administrators."""
    with served.client() as http:
        scim = ScimClient(http)
        users = [scim.create_user(fresh("administrator"), displayName="d") for _ in range(2)]
        for user in users:
            served.run_text("admin", "users", "assign", user["userName"], "--role", "admin")
        served.run_text("admin", "users", "set-break-glass", users[0]["userName"])
        return [scim.read(f"/Users/{user['id']}") for user in users]


def test_keys_look_as_documented_and_belong_to_different_service_users(served):
    keys = {served.api_key, key(served, fresh("robot"), "admin"), key(served, fresh("robot"), "scim_provisioner")}
    assert len(keys) == 3
    for secret in keys:
        assert len(secret) == 64
        assert secret.startswith("RLCL")
        assert set(secret) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


@pytest.mark.parametrize("role", ["admin", "scim_provisioner"])
def test_keys_of_both_roles_can_read_and_write(served, role):
    with served.client(key(served, fresh(role), role)) as http:
        scim = ScimClient(http)
        user = scim.create_user()
        assert scim.read(f"/Users/{user['id']}") == user
        scim.delete(f"/Users/{user['id']}")


def test_a_revoked_key_is_refused_at_once(served):
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("robot"), "--role", "admin", "--create-user", "--json"
    )
    with served.client(answer["api_key"]) as http:
        scim = ScimClient(http)
        accepted(scim.get("/Users?count=0"), 200)
        served.run_text("admin", "keys", "revoke", answer["key_id"])
        refused(scim.get("/Users?count=0"), 401)


def test_a_key_ends_with_its_users_access_and_does_not_come_back_with_it(served):
    name = fresh("robot")
    with served.client(key(served, name, "admin")) as http:
        scim = ScimClient(http)
        accepted(scim.get("/Users?count=0"), 200)
        served.run_text("admin", "users", "deactivate", name)
        refused(scim.get("/Users?count=0"), 401)
        served.run_text("admin", "users", "reactivate", name)
        refused(scim.get("/Users?count=0"), 401)


def test_me_is_the_user_of_the_key(served):
    name = fresh("robot")
    with served.client(key(served, name, "scim_provisioner")) as http:
        me = ScimClient(http).read("/Me")
    assert me["userName"] == name
    assert me["schemas"] == [USER]
    assert me["meta"]["resourceType"] == "User"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_me_cannot_be_changed(scim, method):
    before = scim.read("/Me")
    response = scim.send(method, "/Me", None if method == "DELETE" else before | {"displayName": "changed"})
    assert response.status_code in {403, 404, 405, 501}, response.text
    assert scim.read("/Me") == before


def attempts(scim, user):
    path = f"/Users/{user['id']}"
    return {
        "deactivate by path": lambda: scim.patch(path, {"op": "Replace", "path": "active", "value": "False"}),
        "deactivate without a path": lambda: scim.patch(path, {"op": "replace", "value": {"active": False}}),
        "deactivate by put": lambda: scim.send("PUT", path, user | {"active": False}),
        "rename": lambda: scim.patch(path, {"op": "replace", "path": "userName", "value": fresh("renamed")}),
        "rename by put": lambda: scim.send("PUT", path, user | {"userName": fresh("renamed")}),
        "delete": lambda: scim.send("DELETE", path),
    }


@pytest.mark.parametrize("attempt", attempts(None, {"id": ""}))
def test_the_break_glass_user_is_never_deactivated_renamed_or_deleted(scim, provisioned, attempt):
    user = provisioned[0]
    response = attempts(scim, user)[attempt]()
    assert response.status_code in {400, 403, 409}, response.text
    assert "break-glass" in response.json()["detail"].lower()
    assert scim.read(f"/Users/{user['id']}") == user


def test_an_administrator_may_be_deactivated_while_another_is_left(scim, provisioned):
    other = provisioned[1]
    assert scim.patch_user(other, {"op": "replace", "path": "active", "value": False})["active"] is False
    assert scim.patch_user(other, {"op": "replace", "path": "active", "value": True})["active"] is True


def test_a_protected_user_can_still_change_its_profile(scim, provisioned):
    user = scim.read(f"/Users/{provisioned[0]['id']}")
    changed = scim.patch_user(user, {"op": "replace", "path": "title", "value": "Chief"})
    assert changed["title"] == "Chief"
    scim.patch_user(user, {"op": "remove", "path": "title"})
