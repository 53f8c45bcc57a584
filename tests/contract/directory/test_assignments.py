"""Who holds which role, on either database?"""

import pytest

from rolecall.authorization.actions import Action, RoleName
from rolecall.directory import assignments, users
from rolecall.directory.errors import LastAdministrator
from rolecall.directory.model import ROOT_TEAM, Assignment, TeamId, UserId
from rolecall.directory.store import assignments as store
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import administrator, local_user, pushed_user

NOBODYS_ID = UserId("00000000-0000-7000-8000-00000000dead")


def test_a_role_is_given_once_and_told_once(installed):
    ada = pushed_user(installed)
    for _ in range(2):
        installed.change(assignments.assign_role, ada, role=RoleName.ADMIN)
    assert installed.ask(assignments.list_assignments, ada) == (
        Assignment(user_id=ada, team_id=ROOT_TEAM, role=RoleName.ADMIN, sources=("manual",)),
    )
    (_, event) = installed.events()
    assert event.type == "directory.role.assigned"
    assert event.data == {
        "user_id": ada,
        "user_name": "ada",
        "team_id": ROOT_TEAM,
        "role": "admin",
        "source": "manual",
    }


def test_a_role_is_taken_away_once_and_told_once(installed):
    administrator(installed)
    ada = pushed_user(installed)
    installed.change(assignments.assign_role, ada, role=RoleName.ADMIN)
    for _ in range(2):
        installed.change(assignments.remove_role, ada, role=RoleName.ADMIN)
    assert installed.ask(assignments.list_assignments, ada) == ()
    assert installed.event_types().count("directory.role.removed") == 1


def test_an_assignment_lives_while_a_source_is_left(installed):
    ada = pushed_user(installed)
    for source in ("scim-group:b", "manual", "scim-group:a"):
        given = installed.change(store.insert_assignment, ada, ROOT_TEAM, RoleName.ADMIN, source)
        assert given
    assert not installed.change(store.insert_assignment, ada, ROOT_TEAM, RoleName.ADMIN, "manual")
    assert installed.change(store.delete_assignment, ada, ROOT_TEAM, RoleName.ADMIN, "manual")
    assert not installed.change(store.delete_assignment, ada, ROOT_TEAM, RoleName.ADMIN, "manual")
    (held,) = installed.ask(assignments.list_assignments, ada)
    assert set(held.sources) == {"scim-group:a", "scim-group:b"}
    assert installed.ask(assignments.count_administrators) == 1


def test_roles_are_listed_by_team_and_role(installed):
    ada = pushed_user(installed)
    for role in reversed(RoleName):
        installed.change(assignments.assign_role, ada, role=role)
    assert [each.role for each in installed.ask(assignments.list_assignments, ada)] == [
        RoleName.ADMIN,
        RoleName.SCIM_PROVISIONER,
    ]


def test_only_active_administrators_count(installed):
    administrator(installed, "one")
    two = administrator(installed, "two")
    installed.change(assignments.assign_role, pushed_user(installed), role=RoleName.SCIM_PROVISIONER)
    assert installed.ask(assignments.count_administrators) == 2
    installed.change(users.deactivate_user, two, reason="x")
    assert installed.ask(assignments.count_administrators) == 1
    installed.change(users.reactivate_user, two)
    assert installed.ask(assignments.count_administrators) == 2
    installed.change(users.delete_user, two)
    assert installed.ask(assignments.count_administrators) == 1


def test_an_administrator_who_holds_the_role_from_two_sources_counts_once(installed):
    root = administrator(installed)
    installed.change(store.insert_assignment, root, ROOT_TEAM, RoleName.ADMIN, "scim-group:a")
    assert installed.ask(assignments.count_administrators) == 1


def test_a_deactivated_administrator_cannot_stand_in_for_the_last_active_one(installed):
    one, two = administrator(installed, "one"), administrator(installed, "two")
    installed.change(users.deactivate_user, two, reason="x")
    with pytest.raises(LastAdministrator):
        installed.change(assignments.remove_role, one, role=RoleName.ADMIN)
    installed.change(assignments.remove_role, two, role=RoleName.ADMIN)
    assert installed.ask(assignments.count_administrators) == 1


def test_another_role_of_the_last_administrator_can_be_taken_away(installed):
    root = administrator(installed)
    installed.change(assignments.assign_role, root, role=RoleName.SCIM_PROVISIONER)
    installed.change(assignments.remove_role, root, role=RoleName.SCIM_PROVISIONER)
    assert [each.role for each in installed.ask(assignments.list_assignments, root)] == [RoleName.ADMIN]


def test_nobody_can_be_given_a_role_or_lose_one(installed):
    for use_case in (assignments.assign_role, assignments.remove_role):
        with pytest.raises(NotFound):
            installed.change(use_case, NOBODYS_ID, role=RoleName.ADMIN)


def test_root_is_there_from_the_start_and_found_by_its_very_name(installed):
    assert installed.ask(assignments.get_team_by_name, "Root") == ROOT_TEAM
    for name in ("root", "Elsewhere", ""):
        with pytest.raises(NotFound):
            installed.ask(assignments.get_team_by_name, name)


def test_a_team_that_is_not_there_gives_nothing(installed):
    user = local_user(installed)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        installed.change(assignments.assign_role, user, role=RoleName.ADMIN, team_id=TeamId("elsewhere"))
    assert installed.count_rows("assignment") == 0


def test_each_use_case_needs_its_action(installed_sqlite):
    ada = pushed_user(installed_sqlite)
    for actor in (all_but(Action.ASSIGNMENT_CHANGE), PROVISIONER):
        for use_case in (assignments.assign_role, assignments.remove_role):
            with pytest.raises(Forbidden):
                installed_sqlite.change(use_case, ada, role=RoleName.ADMIN, actor=actor)
    for actor in (all_but(Action.USER_LIST), PROVISIONER):
        with pytest.raises(Forbidden):
            installed_sqlite.ask(assignments.list_assignments, ada, actor=actor)
