"""What can be done with teams and roles over the REST API?"""

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ROLE_ACTIONS, RoleId
from rolecall.directory import assignments, roles
from rolecall.directory.model import ROOT_TEAM, RoleDraft, TeamId
from rolecall.graph.data_sources import register_provider
from tests.make.directory import service_user
from tests.make.rest import key_of_role, reason_of, refused

TEAMS, ROLES = "/api/v1/teams", "/api/v1/roles"


@pytest.fixture
def crm(installed):
    return installed.change(register_provider, name="CRM", kind="custom").id


def test_a_team_is_made_shown_changed_and_deleted(api, installed, crm):
    body = {"name": "Sales", "description": "Who sells.", "sso_alias": "sales", "providers": [{"id": crm}]}
    made = api.post(TEAMS, body)["value"]
    assert made == {
        "id": made["id"],
        "name": "Sales",
        "description": "Who sells.",
        "sso_alias": "sales",
        "policy_type": "PROVIDER_ID_SET",
        "providers": [{"id": crm, "name": "CRM", "type": "custom"}],
        "user_count": 0,
        "created_at": "2026-11-24T10:00:00.000Z",
        "updated_at": "2026-11-24T10:00:00.000Z",
        "version": 1,
    }
    path = f"{TEAMS}/{made['id']}"
    robot = service_user(installed)
    installed.change(assignments.assign_role, robot, role=RoleId("viewer"), team_id=TeamId(made["id"]))
    assert api.get(path)["value"] == {**made, "user_count": 1}
    changed = api.send("PATCH", path, {"description": "", "sso_alias": None})["value"]
    assert (changed["name"], changed["description"], changed["sso_alias"]) == ("Sales", "", None)
    assert changed["providers"] == made["providers"]
    assert api.send("DELETE", path) == {}
    refused(api.ask("GET", path), 404)
    assert api.get(f"/api/v1/users/{robot}")["value"]["team_roles"] == []


def test_what_a_team_sees_is_chosen_or_everything(api, crm):
    path = f"{TEAMS}/{api.post(TEAMS, {'name': 'A', 'policy_type': 'UNBOUND'})['value']['id']}"
    assert api.get(path)["value"]["policy_type"] == "UNBOUND"
    limited = {"policy_type": "PROVIDER_ID_SET", "providers": [{"id": crm}]}
    assert api.send("PATCH", path, limited)["value"]["providers"][0]["id"] == crm
    assert api.send("PATCH", path, {"providers": []})["value"]["policy_type"] == "PROVIDER_ID_SET"
    assert api.send("PUT", path, {"name": "B", "policy_type": "UNBOUND"})["value"]["policy_type"] == "UNBOUND"
    refused(api.ask("PATCH", path, json={"providers": [{"id": crm}]}), 400, "providers")
    refused(api.ask("POST", TEAMS, json={"name": "C", "providers": [{"id": "nothing"}]}), 400, "providers")
    assert api.get(path)["value"]["name"] == "B"


def test_only_what_the_mask_names_counts(api):
    path = f"{TEAMS}/{api.post(TEAMS, {'name': 'A', 'description': 'old'})['value']['id']}"
    changed = api.send("PATCH", f"{path}?update_mask=name", {"name": "B", "description": "new"})["value"]
    assert (changed["name"], changed["description"]) == ("B", "old")
    refused(api.ask("PATCH", f"{path}?update_mask=name,sso_alias", json={"name": "C"}), 400, "update_mask")


def test_a_change_that_is_thought_for_another_version_is_refused(api):
    path = f"{TEAMS}/{api.post(TEAMS, {'name': 'A'})['value']['id']}"
    assert api.send("PATCH", f"{path}?version=1", {"name": "B"})["value"]["version"] == 2
    for method, body in (("PATCH", {"name": "C"}), ("PUT", {"name": "C"}), ("DELETE", None)):
        assert refused(api.ask(method, f"{path}?version=1", json=body), 412)["code"] == "Aborted"
    assert api.get(path)["value"]["name"] == "B"


def test_names_are_unlike_each_other_and_root_stays(api):
    api.post(TEAMS, {"name": "A"})
    assert refused(api.ask("POST", TEAMS, json={"name": "a"}), 409, "name")["code"] == "AlreadyExists"
    assert api.ask("DELETE", f"{TEAMS}/{ROOT_TEAM}").status_code in {403, 409}
    assert [team["name"] for team in api.walk(TEAMS, page_size=1)] == ["Root", "A"]
    assert [team["name"] for team in api.walk(TEAMS, order_by="name")] == ["A", "Root"]
    assert [team["name"] for team in api.walk(TEAMS, filter='name sw "ro"')] == ["Root"]


@pytest.mark.parametrize("name", ["name", "description", "policy_type", "providers"])
def test_what_a_team_must_have_cannot_be_null(api, name):
    path = f"{TEAMS}/{api.post(TEAMS, {'name': 'A'})['value']['id']}"
    refused(api.ask("PATCH", path, json={name: None}), 400, name)


def test_built_in_roles_are_listed_first_with_what_they_give(api):
    listed = api.walk(ROLES, page_size=3)
    assert [role["id"] for role in listed] == list(ROLE_ACTIONS)
    assert all(role["is_built_in"] for role in listed)
    assert api.get(f"{ROLES}/scim_provisioner")["value"]["permissions"] == ["provisioned:read", "provisioned:write"]
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        assert api.ask(method, f"{ROLES}/viewer", json=body).status_code in {403, 409}


def test_a_custom_role_is_made_changed_and_deleted(api):
    body = {"name": "Log reader", "permissions": ["event:read", "audit:read"]}
    made = api.post(ROLES, body)["value"]
    assert (made["permissions"], made["is_built_in"], made["version"]) == (["audit:read", "event:read"], False, 1)
    path = f"{ROLES}/{made['id']}"
    assert api.get(path)["value"] == made
    changed = api.send("PATCH", path, {"permissions": ["event:read"], "description": "d"})["value"]
    assert (changed["permissions"], changed["description"], changed["name"]) == (["event:read"], "d", "Log reader")
    assert [role["id"] for role in api.walk(ROLES, filter="is_built_in eq false")] == [made["id"]]
    refused(api.ask("PATCH", f"{path}?version=1", json={"name": "x"}), 412)
    assert api.send("DELETE", path) == {}
    refused(api.ask("GET", path), 404)


@pytest.mark.parametrize(
    "body, field",
    [
        ({"name": "x", "permissions": []}, "permissions"),
        ({"name": "x", "permissions": ["user:fly"]}, "permissions.0"),
        ({"name": "x"}, "permissions"),
        ({"permissions": ["user:list"]}, "name"),
        ({"name": "a:b", "permissions": ["user:list"]}, "name"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_role_is_told(api, body, field):
    refused(api.ask("POST", ROLES, json=body), 400, field)


@pytest.mark.parametrize("name", ["name", "description", "permissions"])
def test_what_a_role_must_have_cannot_be_null(api, name):
    path = f"{ROLES}/{api.post(ROLES, {'name': 'A', 'permissions': ['user:list']})['value']['id']}"
    refused(api.ask("PATCH", path, json={name: None}), 400, name)


def test_nobody_makes_a_role_that_gives_more_than_they_hold(api, installed):
    changer = installed.change(roles.create_role, RoleDraft(name="Changer", actions=frozenset({Action.ROLE_CHANGE})))
    key = key_of_role(installed, changer.id)
    body = {"name": "x", "permissions": ["user:delete"]}
    assert reason_of(refused(api.ask("POST", ROLES, key=key, json=body), 403)) == "action_not_held"
