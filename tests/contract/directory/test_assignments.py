"""Who holds which role, on either database?"""

from dataclasses import replace

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ADMIN, SCIM_PROVISIONER, RoleId
from rolecall.directory import assignments, users
from rolecall.directory.errors import LastAdministrator
from rolecall.directory.model import ROOT_TEAM, Assignment, Held, Source, TeamDraft, TeamId, UserId
from rolecall.directory.store import assignments as store
from rolecall.directory.teams import create_team
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.directory import administrator, local_user, pushed_user

NOBODYS_ID = UserId("00000000-0000-7000-8000-00000000dead")


def test_a_role_is_given_once_and_told_once(installed):
    ada = pushed_user(installed)
    for _ in range(2):
        installed.change(assignments.assign_role, ada, role=ADMIN)
    assert installed.ask(assignments.list_assignments, ada) == (
        Assignment(user_id=ada, team_id=ROOT_TEAM, role=ADMIN, sources=(source("manual", installed),)),
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
    installed.change(assignments.assign_role, ada, role=ADMIN)
    for _ in range(2):
        installed.change(assignments.remove_role, ada, role=ADMIN)
    assert installed.ask(assignments.list_assignments, ada) == ()
    assert installed.event_types().count("directory.role.removed") == 1


def source(name, installed):
    return Source(name=name, since=installed.clock())


def held_by(user_id, source, role=ADMIN):
    return Held(user_id=user_id, team_id=ROOT_TEAM, role=role, source=source)


def test_an_assignment_lives_while_a_source_is_left(installed):
    ada = pushed_user(installed)
    gains = [held_by(ada, name) for name in ("scim-group:b", "manual", "scim-group:a")]
    installed.change(store.insert_assignments, gains)
    assert installed.ask(store.has_assignment, gains[1])
    installed.change(store.delete_assignments, [gains[1]])
    assert not installed.ask(store.has_assignment, gains[1])
    (held,) = installed.ask(assignments.list_assignments, ada)
    assert {each.name for each in held.sources} == {"scim-group:a", "scim-group:b"}
    assert installed.ask(assignments.count_administrators) == 1


def test_roles_are_listed_by_team_and_role(installed):
    ada = pushed_user(installed)
    for role in (SCIM_PROVISIONER, ADMIN):
        installed.change(assignments.assign_role, ada, role=role)
    assert [each.role for each in installed.ask(assignments.list_assignments, ada)] == [
        ADMIN,
        SCIM_PROVISIONER,
    ]


def test_only_active_administrators_count(installed):
    administrator(installed, "one")
    two = administrator(installed, "two")
    installed.change(assignments.assign_role, pushed_user(installed), role=SCIM_PROVISIONER)
    assert installed.ask(assignments.count_administrators) == 2
    installed.change(users.deactivate_user, two, reason="x")
    assert installed.ask(assignments.count_administrators) == 1
    installed.change(users.reactivate_user, two)
    assert installed.ask(assignments.count_administrators) == 2
    installed.change(users.delete_user, two)
    assert installed.ask(assignments.count_administrators) == 1


def test_an_administrator_who_holds_the_role_from_two_sources_counts_once(installed):
    root = administrator(installed)
    installed.change(store.insert_assignments, [held_by(root, "scim-group:a")])
    assert installed.ask(assignments.count_administrators) == 1


def test_a_deactivated_administrator_cannot_stand_in_for_the_last_active_one(installed):
    one, two = administrator(installed, "one"), administrator(installed, "two")
    installed.change(users.deactivate_user, two, reason="x")
    with pytest.raises(LastAdministrator):
        installed.change(assignments.remove_role, one, role=ADMIN)
    installed.change(assignments.remove_role, two, role=ADMIN)
    assert installed.ask(assignments.count_administrators) == 1


def test_another_role_of_the_last_administrator_can_be_taken_away(installed):
    root = administrator(installed)
    installed.change(assignments.assign_role, root, role=SCIM_PROVISIONER)
    installed.change(assignments.remove_role, root, role=SCIM_PROVISIONER)
    assert [each.role for each in installed.ask(assignments.list_assignments, root)] == [ADMIN]


def test_nobody_can_be_given_a_role_or_lose_one(installed):
    for use_case in (assignments.assign_role, assignments.remove_role):
        with pytest.raises(NotFound):
            installed.change(use_case, NOBODYS_ID, role=ADMIN)


def test_a_team_that_is_not_there_gives_nothing(installed):
    user = local_user(installed)
    with pytest.raises(NotFound):
        installed.change(assignments.assign_role, user, role=ADMIN, team_id=TeamId("elsewhere"))
    assert installed.count_rows("assignment") == 0


def test_each_use_case_needs_its_action(installed_sqlite):
    ada = pushed_user(installed_sqlite)
    for actor in (all_but(Action.ASSIGNMENT_CHANGE), PROVISIONER):
        for use_case in (assignments.assign_role, assignments.remove_role):
            with pytest.raises(Forbidden):
                installed_sqlite.change(use_case, ada, role=ADMIN, actor=actor)
    for actor in (all_but(Action.USER_LIST), PROVISIONER):
        with pytest.raises(Forbidden):
            installed_sqlite.ask(assignments.list_assignments, ada, actor=actor)


def test_who_holds_the_role_from_another_source_may_lose_the_one_by_hand(installed):
    root = administrator(installed)
    installed.change(store.insert_assignments, [held_by(root, "scim-group:a")])
    installed.change(assignments.remove_role, root, role=ADMIN)
    (held,) = installed.ask(assignments.list_assignments, root)
    assert [each.name for each in held.sources] == ["scim-group:a"]


def test_the_refusal_to_leave_nobody_is_an_event_that_wants_attention(installed):
    root = administrator(installed)
    with pytest.raises(LastAdministrator):
        installed.change(assignments.remove_role, root, role=ADMIN)
    event = installed.events()[-1]
    assert (event.type, event.severity) == ("directory.user.protected", "WARNING")
    assert (event.data["attempt"], event.data["because"]) == ("remove_role", "last_administrator")


def test_nobody_gives_a_role_with_actions_that_they_do_not_hold(installed_sqlite):
    ada = pushed_user(installed_sqlite)
    for missing in (Action.AUDIT_READ, Action.USER_DELETE):
        with pytest.raises(ActionNotHeld):
            installed_sqlite.change(assignments.assign_role, ada, role=ADMIN, actor=all_but(missing))
    assert installed_sqlite.count_rows("assignment") == 0


def test_who_acts_in_one_team_changes_nothing_in_another(installed_sqlite):
    ada = pushed_user(installed_sqlite)
    sales, support = (installed_sqlite.change(create_team, TeamDraft(name=name)).id for name in ("Sales", "Support"))
    lead = replace(ADMINISTRATOR, team_id=sales)
    installed_sqlite.change(assignments.assign_role, ada, role=ADMIN, team_id=sales, actor=lead)
    for team_id in (support, ROOT_TEAM):
        for use_case in (assignments.assign_role, assignments.remove_role):
            with pytest.raises(ActionNotHeld):
                installed_sqlite.change(use_case, ada, role=RoleId("viewer"), team_id=team_id, actor=lead)
    (held,) = installed_sqlite.ask(assignments.list_assignments, ada)
    assert (held.team_id, held.role) == (sales, ADMIN)
