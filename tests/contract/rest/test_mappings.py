"""What can be done with mappings over the REST API?"""

import pytest

from rolecall.directory.model import ROOT_TEAM
from rolecall.mapping.choices import choose_convention
from tests.make.directory import pushed_group, pushed_user
from tests.make.rest import refused

MAPPINGS = "/api/v1/mappings"
VIEWER = {"team_id": ROOT_TEAM, "role_id": "viewer"}
BODY = {"source": "SCIM_GROUP", "match_kind": "NAME", "match_value": "Sales", "assignments": [VIEWER]}


@pytest.fixture
def ada(installed):
    """A user in a group that lies in the group Sales."""
    user_id = pushed_user(installed, "ada")
    inner = pushed_group(installed, "EMEA", user_id)
    pushed_group(installed, "Sales", inner)
    return user_id


def roles_of(api, user_id):
    return [role["role_id"] for role in api.get(f"/api/v1/users/{user_id}")["value"]["team_roles"]]


def test_a_mapping_gives_and_takes_back(api, ada):
    made = api.post(MAPPINGS, BODY)["value"]
    assert made == {
        **BODY,
        "id": made["id"],
        "made_by": "hand",
        "state": "active",
        "created_at": "2026-11-24T10:00:00.000Z",
        "updated_at": "2026-11-24T10:00:00.000Z",
        "version": 1,
    }
    path = f"{MAPPINGS}/{made['id']}"
    assert api.get(path)["value"] == made
    assert roles_of(api, ada) == ["viewer"]
    changed = api.send("PATCH", path, {"assignments": [{"team_id": ROOT_TEAM, "role_id": "operator"}]})["value"]
    assert (changed["match_value"], changed["version"]) == ("Sales", 2)
    assert roles_of(api, ada) == ["operator"]
    assert [each["id"] for each in api.walk(MAPPINGS, filter='match_value eq "sales"')] == [made["id"]]
    refused(api.ask("PATCH", f"{path}?version=1", json={"match_value": "x"}), 412)
    assert api.send("DELETE", path) == {}
    assert roles_of(api, ada) == []
    refused(api.ask("GET", path), 404)


def test_each_field_of_a_mapping_can_be_changed(api):
    path = f"{MAPPINGS}/{api.post(MAPPINGS, BODY)['value']['id']}"
    change = {"source": "SCIM_ROLE", "match_kind": "PATTERN", "match_value": "sales-.*"}
    changed = api.send("PATCH", path, change)["value"]
    assert {name: changed[name] for name in change} == change
    refused(api.ask("PATCH", path, json={"source": None}), 400, "source")


def test_a_preview_tells_who_would_gain_and_lose_and_changes_nothing(api, ada):
    effect = {"user_id": ada, **VIEWER}
    assert api.post(f"{MAPPINGS}:preview", BODY) == {"gains": [effect], "losses": []}
    assert roles_of(api, ada) == []
    made = api.post(MAPPINGS, BODY)["value"]["id"]
    nobody = {**BODY, "match_value": "Nobody", "id": made}
    assert api.post(f"{MAPPINGS}:preview", nobody) == {"gains": [], "losses": [effect]}
    refused(api.ask("POST", f"{MAPPINGS}:preview", json={**BODY, "id": "nothing"}), 404)


def test_the_way_behind_a_role_is_explained(api, ada):
    made = api.post(MAPPINGS, BODY)["value"]
    explained = api.get(f"/api/v1/users/{ada}:explain")["value"]
    assert explained["user"]["id"] == ada
    (role,) = explained["team_roles"]
    (source,) = role["sources"]
    assert (source["kind"], source["name"]) == ("SCIM_GROUP", "Sales")
    assert [step["name"] for step in source["path"]] == ["EMEA", "Sales"]
    assert source["mappings"] == [made]
    refused(api.ask("GET", "/api/v1/users/nobody:explain"), 404)


def test_what_a_groups_name_asks_for_waits_until_it_is_approved_or_refused(api, installed):
    installed.change(choose_convention, on=True)
    ada = pushed_user(installed, "ada")
    pushed_group(installed, "Root:admin", ada)
    (waiting,) = api.get(MAPPINGS, filter='state eq "waiting"')["values"]
    assert (waiting["made_by"], roles_of(api, ada)) == ("convention", [])
    path = f"{MAPPINGS}/{waiting['id']}"
    assert api.post(f"{path}:refuse")["value"]["state"] == "refused"
    assert roles_of(api, ada) == []
    assert api.post(f"{path}:approve")["value"]["state"] == "active"
    assert roles_of(api, ada) == ["admin"]


@pytest.mark.parametrize("verb", ["approve", "refuse"])
def test_only_what_waits_is_decided(api, verb):
    made = api.post(MAPPINGS, BODY)["value"]["id"]
    refused(api.ask("POST", f"{MAPPINGS}/{made}:{verb}"), 409)
    refused(api.ask("POST", f"{MAPPINGS}/nothing:{verb}"), 404)


@pytest.mark.parametrize(
    "change, field",
    [
        ({"source": "GROUP"}, "source"),
        ({"match_kind": "LIKE"}, "match_kind"),
        ({"match_value": ""}, "match_value"),
        ({"match_kind": "PATTERN", "match_value": "("}, "match_value"),
        ({"assignments": []}, "assignments"),
        ({"assignments": [{"team_id": ROOT_TEAM}]}, "assignments.0.role_id"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_mapping_is_told(api, change, field):
    refused(api.ask("POST", MAPPINGS, json={**BODY, **change}), 400, field)
    refused(api.ask("POST", f"{MAPPINGS}:preview", json={**BODY, **change}), 400, field)
    assert api.get(MAPPINGS)["values"] == []


def test_a_mapping_to_what_is_not_there_is_refused(api):
    for target in ({**VIEWER, "team_id": "nowhere"}, {**VIEWER, "role_id": "nothing"}):
        refused(api.ask("POST", MAPPINGS, json={**BODY, "assignments": [target]}), 404)
