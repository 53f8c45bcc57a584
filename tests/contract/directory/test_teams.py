"""What can be done with teams, on either database?"""

from dataclasses import replace

import pytest

from rolecall.authentication import api_keys
from rolecall.authentication.actors import authenticate
from rolecall.authentication.errors import UnknownApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN, ROLE_ACTIONS, RoleId
from rolecall.directory import assignments, teams
from rolecall.directory.errors import BadTeam, RootTeam, TeamNameTaken
from rolecall.directory.model import ROOT_TEAM, Expected, TeamDraft, TeamId
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from tests.make.actors import all_but
from tests.make.directory import ANY_VERSION, administrator, pushed_user

NOWHERE = TeamId("00000000-0000-7000-8000-00000000dead")
VIEWER = RoleId("viewer")


def made(installed, name="Sales", **said):
    return installed.change(teams.create_team, TeamDraft(name=name, **said))


def rename(name):
    return lambda draft: replace(draft, name=name)


def test_root_is_there_from_the_start_and_found_in_any_spelling(installed):
    (root,) = installed.ask(teams.list_teams)
    assert (root.id, root.name, root.alias) == (ROOT_TEAM, "Root", "Root")
    assert installed.ask(teams.get_team_by_name, "rOOT") == root
    for name in ("Elsewhere", ""):
        with pytest.raises(NotFound):
            installed.ask(teams.get_team_by_name, name)


def test_a_team_is_made_read_and_listed_after_root(installed):
    sales = made(installed, alias="sales", description="Sells.")
    assert installed.ask(teams.get_team, sales.id) == sales
    assert [team.name for team in installed.ask(teams.list_teams)] == ["Root", "Sales"]
    assert installed.event_types() == ["directory.team.created"]


def test_a_team_is_changed_once_and_told_once(installed):
    sales = made(installed)
    for expected in (Expected(versions=frozenset({1})), ANY_VERSION):
        changed = installed.change(teams.change_team, sales.id, rename("Field sales"), expected)
        assert (changed.name, changed.version) == ("Field sales", 2)
    event = installed.events()[-1]
    assert (event.type, event.data["attributes"]) == ("directory.team.changed", ["name"])
    with pytest.raises(VersionConflict):
        installed.change(teams.change_team, sales.id, rename("Other"), Expected(versions=frozenset({1})))


def test_names_and_aliases_are_unique_in_any_spelling(installed):
    made(installed, alias="s")
    for draft, field in ((TeamDraft(name="SALES"), "name"), (TeamDraft(name="Other", alias="S"), "alias")):
        with pytest.raises(TeamNameTaken) as refused:
            installed.change(teams.create_team, draft)
        assert refused.value.about == {"attribute": field}
    other = made(installed, "Other")
    with pytest.raises(TeamNameTaken):
        installed.change(teams.change_team, other.id, rename("sales"), ANY_VERSION)


@pytest.mark.parametrize(
    "said, field",
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 1001}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "a", "alias": ""}, "alias"),
        ({"name": "a", "alias": "a:b"}, "alias"),
        ({"name": "a", "description": "\x07"}, "description"),
    ],
)
def test_what_cannot_be_a_team_is_refused_by_field(installed_sqlite, said, field):
    with pytest.raises(BadTeam) as refused:
        installed_sqlite.change(teams.create_team, TeamDraft(**said))
    assert refused.value.about == {"attribute": field}
    assert installed_sqlite.count_rows("team") == 1


def test_root_can_be_described_but_is_neither_renamed_nor_deleted(installed_sqlite):
    described = installed_sqlite.change(
        teams.change_team, ROOT_TEAM, lambda draft: replace(draft, description="All of it"), ANY_VERSION
    )
    assert described.description == "All of it"
    with pytest.raises(RootTeam):
        installed_sqlite.change(teams.change_team, ROOT_TEAM, rename("Everything"), ANY_VERSION)
    with pytest.raises(RootTeam):
        installed_sqlite.change(teams.delete_team, ROOT_TEAM, ANY_VERSION)


def test_a_deleted_team_takes_its_assignments_and_keys_with_it_and_says_so(installed):
    administrator(installed)
    ada, sales = pushed_user(installed), made(installed)
    installed.change(assignments.assign_role, ada, role=VIEWER, team_id=sales.id)
    installed.change(assignments.assign_role, ada, role=VIEWER)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=None, team_id=sales.id)
    assert installed.ask(teams.count_users_by_team) == {ROOT_TEAM: 2, sales.id: 1}
    installed.change(teams.delete_team, sales.id, ANY_VERSION)
    assert [each.team_id for each in installed.ask(assignments.list_assignments, ada)] == [ROOT_TEAM]
    with pytest.raises(UnknownApiKey):
        installed.ask(authenticate, key.secret)
    assert installed.event_types()[-3:] == [
        "directory.role.removed",
        "directory.team.deleted",
        "authentication.api-key.revoked",
    ]
    assert [each.id for each in installed.ask(api_keys.list_api_keys)] == [key.key.id]
    with pytest.raises(NotFound):
        installed.ask(teams.get_team, sales.id)
    made(installed)


def test_the_active_team_of_a_key_decides_what_it_may_do(installed):
    ada, sales = administrator(installed), made(installed)
    installed.change(assignments.assign_role, ada, role=VIEWER, team_id=sales.id)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=None, team_id=sales.id)
    actor = installed.ask(authenticate, key.secret).actor
    assert (actor.team_id, actor.actions) == (sales.id, ROLE_ACTIONS[VIEWER])


def test_admin_of_one_team_administers_nothing_else(installed):
    ada, sales = pushed_user(installed), made(installed)
    installed.change(assignments.assign_role, ada, role=ADMIN, team_id=sales.id)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=None, team_id=sales.id)
    actor = installed.ask(authenticate, key.secret).actor
    assert Action.USER_DELETE not in actor.actions
    with pytest.raises(Forbidden):
        installed.change(teams.create_team, TeamDraft(name="Mine"), actor=actor)
    assert installed.ask(assignments.count_administrators) == 0


def test_each_use_case_needs_its_action_and_a_team_that_is_there(installed_sqlite):
    writes = (
        lambda tx, team_id: teams.change_team(tx, team_id, rename("x"), ANY_VERSION),
        lambda tx, team_id: teams.delete_team(tx, team_id, ANY_VERSION),
    )
    for write in writes:
        with pytest.raises(NotFound):
            installed_sqlite.change(write, NOWHERE)
        with pytest.raises(Forbidden):
            installed_sqlite.change(write, NOWHERE, actor=all_but(Action.TEAM_CHANGE))
    with pytest.raises(Forbidden):
        installed_sqlite.change(teams.create_team, TeamDraft(name="x"), actor=all_but(Action.TEAM_CHANGE))
    for read in (teams.list_teams, teams.count_users_by_team, lambda tx: teams.get_team(tx, NOWHERE)):
        with pytest.raises(Forbidden):
            installed_sqlite.ask(read, actor=all_but(Action.TEAM_LIST))
