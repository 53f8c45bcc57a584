"""What can be done with users over the REST API?"""

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN, SCIM_PROVISIONER
from rolecall.directory import assignments, provisioned_users, roles, teams
from rolecall.directory.model import ROOT_TEAM, RoleDraft, TeamDraft
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, pushed_user, service_user, setting
from tests.make.rest import key_of_role, reason_of, refused

USERS = "/api/v1/users"


@pytest.fixture
def ada(installed):
    return pushed_user(
        installed,
        "ada@example.com",
        displayName="Ada",
        externalId="e1",
        emails=[{"value": "second@x.example"}, {"value": "ada@x.example", "primary": True}],
    )


def names(page):
    return [user["name"] for user in page["values"]]


def test_a_user_is_shown_with_what_is_known_of_it(api, ada, installed):
    shown = api.get(f"{USERS}/{ada}")["value"]
    assert shown == {
        "id": ada,
        "name": "ada@example.com",
        "display_name": "Ada",
        "email": "ada@x.example",
        "external_id": "e1",
        "kind": "PERSON",
        "is_active": True,
        "is_provisioned": True,
        "is_break_glass": False,
        "created_at": "2026-11-24T10:00:00.000Z",
        "updated_at": "2026-11-24T10:00:00.000Z",
        "version": 1,
        "team_roles": [],
    }


def test_what_is_not_known_of_a_user_is_null(api, installed):
    shown = api.get(f"{USERS}/{service_user(installed)}")["value"]
    assert (shown["email"], shown["external_id"], shown["kind"]) == (None, None, "SERVICE")


def test_a_users_roles_are_shown_with_their_sources(api):
    (role,) = api.get(f"{USERS}/self")["value"]["team_roles"]
    assert role == {
        "team_id": ROOT_TEAM,
        "team_name": "Root",
        "role_id": "admin",
        "role_name": "Administrator",
        "sources": [{"kind": "MANUAL", "id": None, "name": None, "since": "2026-11-24T10:00:00.000Z"}],
    }


def test_a_custom_role_in_a_team_is_shown_by_its_names(api, installed):
    team = installed.change(teams.create_team, TeamDraft(name="Sales"))
    draft = RoleDraft(name="Readers", actions=frozenset({Action.TEAM_LIST}))
    role = installed.change(roles.create_role, draft)
    robot = service_user(installed)
    installed.change(assignments.assign_role, robot, role=role.id, team_id=team.id)
    (shown,) = api.get(f"{USERS}/{robot}")["value"]["team_roles"]
    assert (shown["team_name"], shown["role_name"]) == ("Sales", "Readers")


def test_whoever_may_not_see_users_sees_itself(api, installed):
    key = key_of_role(installed, SCIM_PROVISIONER)
    shown = api.ask("GET", f"{USERS}/self", key=key).json()["value"]
    assert shown["name"] == "robot scim_provisioner"
    assert [role["role_id"] for role in shown["team_roles"]] == ["scim_provisioner"]
    body = refused(api.ask("GET", f"{USERS}/{shown['id']}", key=key), 403)
    assert body["code"] == "PermissionDenied"
    assert body["details"][0]["metadata"] == {"action": "user:list"}


def test_users_of_every_kind_are_listed_page_after_page_each_once(api, installed):
    for number in range(7):
        pushed_user(installed, f"user{number}")
    service_user(installed, "robot")
    everybody = api.walk(USERS, page_size=2, order_by="name")
    assert [user["name"] for user in everybody] == ["robot", "root", *(f"user{number}" for number in range(7))]
    assert [user["id"] for user in api.walk(USERS, page_size=3)] == sorted(user["id"] for user in everybody)
    assert api.walk(USERS, page_size=4, order_by="name desc")[0]["name"] == "user6"


@pytest.mark.parametrize(
    "condition, found",
    [
        ('name eq "ADA@example.com"', ["ada@example.com"]),
        ('email co "X.EXAMPLE"', ["ada@example.com"]),
        ('external_id eq "e1"', ["ada@example.com"]),
        ('external_id eq "E1"', []),
        ("is_active eq False", ["gone"]),
        ('is_active eq "true"', ["root", "ada@example.com"]),
        ('not (name sw "ro") and is_active eq true', ["ada@example.com"]),
        ('name eq "root" or name eq "gone"', ["root", "gone"]),
        ('created_at GE "2026-11-24T10:00:00Z"', ["root", "ada@example.com", "gone"]),
        ('created_at gt "2026-11-24T10:00:00Z"', []),
    ],
)
def test_users_are_filtered(api, ada, installed, condition, found):
    gone = pushed_user(installed, "gone")
    installed.change(provisioned_users.change_user, gone, setting(active=False), ANY_VERSION, actor=PROVISIONER)
    assert sorted(names(api.get(USERS, filter=condition))) == sorted(found)


def test_a_token_continues_its_own_list_alone(api, installed, ada):
    page = api.get(USERS, page_size=1, order_by="name")
    token = page["next_page_token"]
    assert names(api.get(USERS, page_token=token)) == ["root"]
    assert names(api.get(USERS, page_token=token, order_by="name")) == ["root"]
    refused(api.ask("GET", USERS, params={"page_token": token, "filter": 'name eq "x"'}), 400, "filter")
    refused(api.ask("GET", USERS, params={"page_token": token, "order_by": "id"}), 400, "order_by")
    refused(api.ask("GET", USERS, params={"page_token": f"{token}A"}), 400, "page_token")
    refused(api.ask("GET", USERS, params={"page_token": "x"}), 400, "page_token")


def test_a_token_is_good_for_nobody_else(api, installed, ada):
    token = api.get(USERS, page_size=1)["next_page_token"]
    other = key_of_role(installed, ADMIN)
    refused(api.ask("GET", USERS, key=other, params={"page_token": token}), 400, "page_token")


@pytest.mark.parametrize(
    "parameters, field",
    [
        ({"page_size": 0}, "page_size"),
        ({"page_size": 101}, "page_size"),
        ({"page_size": "many"}, "page_size"),
        ({"order_by": "is_active"}, "order_by"),
        ({"order_by": "name sideways"}, "order_by"),
        ({"order_by": "name asc desc"}, "order_by"),
        ({"filter": 'nam eq "x"'}, "filter"),
        ({"filter": "x" * 2001}, "filter"),
    ],
)
def test_a_wrong_parameter_is_named(api, parameters, field):
    assert reason_of(refused(api.ask("GET", USERS, params=parameters), 400, field)) == "invalid_arguments"


def test_access_ends_and_comes_back(api, ada, installed):
    shown = api.post(f"{USERS}/{ada}:deactivate", {"reason": "left"})["value"]
    assert shown["is_active"] is False
    assert installed.events()[-1].data["reason"] == "left"
    assert api.post(f"{USERS}/{ada}:reactivate")["value"]["is_active"] is True
    assert api.post(f"{USERS}/{ada}:deactivate")["value"]["is_active"] is False


def test_the_last_administrator_stays(api):
    root = api.get(f"{USERS}/self")["value"]["id"]
    body = refused(api.ask("POST", f"{USERS}/{root}:deactivate"), 403)
    assert reason_of(body) == "last_administrator"


@pytest.mark.parametrize("verb", ["", ":deactivate", ":reactivate"])
def test_an_unknown_user_is_not_found(api, verb):
    assert reason_of(refused(api.ask("POST" if verb else "GET", f"{USERS}/nobody{verb}"), 404)) == "not_found"
