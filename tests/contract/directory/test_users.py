"""What may an administrator do with users of every kind, on either database?"""

from dataclasses import replace

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import NOBODY
from rolecall.authorization.roles import ADMIN, SCIM_PROVISIONER
from rolecall.directory import access, assignments, users, walks
from rolecall.directory.errors import BadUser, BreakGlassUser, LastAdministrator, UserNameTaken
from rolecall.directory.model import ROOT_TEAM, ListRequest, Seek, TeamId, UserId, UserKind, UserState
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import administrator, local_user, member_ids, pushed_group, pushed_user, service_user

EVERYTHING = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=100)
NOBODYS_ID = UserId("00000000-0000-7000-8000-00000000dead")
FIELDS = {
    "user_name": "grace",
    "given_name": "Grace",
    "family_name": "Hopper",
    "display_name": "Grace Hopper",
    "email": "grace@example.com",
}


def test_a_local_user_is_a_person_that_scim_does_not_own(installed):
    user = installed.change(users.create_local_user, **FIELDS)
    assert (user.kind, user.provisioned, user.state) == (UserKind.PERSON, False, UserState.ACTIVE)
    assert user.profile["name"] == {"givenName": "Grace", "familyName": "Hopper"}
    assert user.profile["emails"] == [{"value": "grace@example.com", "type": "work", "primary": True}]
    assert installed.ask(users.find_user_by_name, "GRACE") == user
    assert installed.event_types() == ["directory.user.created"]


def test_a_service_user_is_a_machine_and_is_called_by_its_name(installed):
    user = installed.change(users.create_service_user, user_name="robot")
    assert (user.kind, user.provisioned) == (UserKind.SERVICE, False)
    assert user.profile["displayName"] == "robot"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["", "   ", "x" * 1001, "nul\x00", "bell\x07"])
def test_every_text_of_a_local_user_is_checked(installed_sqlite, field, value):
    with pytest.raises(BadUser) as refused:
        installed_sqlite.change(users.create_local_user, **{**FIELDS, field: value})
    assert refused.value.about == {"attribute": field}
    assert installed_sqlite.count_rows("directory_user") == 0


def test_the_longest_texts_are_taken(installed):
    installed.change(users.create_local_user, **dict.fromkeys(FIELDS, "ä" * 500))
    assert installed.count_rows("directory_user") == 1


def test_the_name_of_a_service_user_is_checked(installed_sqlite):
    with pytest.raises(BadUser):
        installed_sqlite.change(users.create_service_user, user_name=" ")


def test_user_names_are_taken_whatever_the_kind_of_user(installed):
    pushed_user(installed, "taken")
    with pytest.raises(UserNameTaken):
        service_user(installed, "TAKEN")
    with pytest.raises(UserNameTaken):
        local_user(installed, "Taken")


def test_names_are_found_for_those_that_are_there_whatever_their_kind(installed):
    ada, grace, robot = pushed_user(installed, "ada"), local_user(installed), service_user(installed, "robot")
    installed.change(users.delete_user, grace)
    found = installed.ask(users.find_user_names, {ada, grace, robot, UserId("nobody")})
    assert found == {ada: "ada", robot: "robot"}


def test_users_are_found_by_name_in_every_spelling_and_not_when_deleted(installed):
    ada = pushed_user(installed, "Åda")
    assert installed.ask(users.get_user_by_name, "A\u030aDA").id == ada
    assert installed.ask(users.find_user_by_name, "ada") is None
    with pytest.raises(NotFound):
        installed.ask(users.get_user_by_name, "ada")
    installed.change(users.delete_user, ada)
    assert installed.ask(users.find_user_by_name, "Åda") is None


def test_users_of_every_kind_are_listed_in_the_order_of_their_ids_but_deleted_ones(installed):
    ids = [pushed_user(installed), local_user(installed), service_user(installed), pushed_user(installed, "gone")]
    installed.change(users.delete_user, ids.pop())
    page = installed.ask(users.list_all_users, EVERYTHING)
    assert [user.id for user in page.items] == sorted(ids)
    assert page.total == 3
    assert {user.kind for user in page.items} == set(UserKind)


def test_deactivation_ends_access_and_reactivation_restores_it(installed):
    root = administrator(installed)
    ada = pushed_user(installed)
    installed.change(assignments.assign_role, ada, role=SCIM_PROVISIONER)
    user = installed.change(users.deactivate_user, ada, reason="by hand")
    assert user.state is UserState.DEACTIVATED
    assert user.profile["active"] is False
    held = installed.ask(access.find_access, ada)
    assert not held.is_active
    assert held.roles == ((ROOT_TEAM, SCIM_PROVISIONER),)
    assert held.roles_in(ROOT_TEAM) == frozenset()
    assert installed.events()[-1].data["reason"] == "by hand"
    assert installed.change(users.reactivate_user, ada).state is UserState.ACTIVE
    assert installed.ask(access.find_access, ada).roles_in(ROOT_TEAM) == {SCIM_PROVISIONER}
    assert installed.ask(access.find_access, ada).roles_in(TeamId("elsewhere")) == frozenset()
    assert installed.ask(access.find_access, root).roles_in(ROOT_TEAM) == {ADMIN}


def test_doing_it_twice_changes_nothing_the_second_time(installed):
    ada = pushed_user(installed)
    first = installed.change(users.deactivate_user, ada, reason="x")
    assert installed.change(users.deactivate_user, ada, reason="x") == first
    again = installed.change(users.reactivate_user, ada)
    assert installed.change(users.reactivate_user, ada) == again
    assert again.version == 3
    assert installed.event_types() == [
        "directory.user.created",
        "directory.user.deactivated",
        "directory.user.reactivated",
    ]


def test_a_deleted_user_leaves_its_groups_and_its_assignments(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Engineers", ada)
    installed.change(assignments.assign_role, ada, role=SCIM_PROVISIONER)
    installed.change(users.delete_user, ada)
    assert member_ids(installed, group) == set()
    assert installed.count_rows("assignment") == 0
    assert installed.ask(access.find_access, ada) is None


def test_a_deleted_user_leaves_no_more_than_its_name_in_the_database(installed):
    ada = pushed_user(
        installed, "ada", displayName="Ada L.", emails=[{"value": "secret@example.com"}], title="Countess"
    )
    installed.change(users.delete_user, ada)
    (row,) = installed.ask(lambda tx: tx.connection.execute("SELECT * FROM directory_user").fetchall())
    assert "Countess" not in str(row)
    assert "secret@example.com" not in str(row)
    assert "Ada L." not in str(row)


def test_what_nobody_is_cannot_be_changed(installed):
    for use_case in (users.reactivate_user, users.delete_user, users.set_break_glass):
        with pytest.raises(NotFound):
            installed.change(use_case, NOBODYS_ID)
    with pytest.raises(NotFound):
        installed.change(users.deactivate_user, NOBODYS_ID, reason="x")


def test_the_break_glass_mark_moves_from_one_to_another(installed):
    first, second = administrator(installed, "first"), administrator(installed, "second")
    assert installed.ask(users.find_break_glass_user) is None
    assert installed.change(users.set_break_glass, first).break_glass
    again = installed.change(users.set_break_glass, first)
    installed.change(users.set_break_glass, second)
    assert installed.ask(users.find_break_glass_user).id == second
    assert again.version == 2
    moved = [event.subject_id for event in installed.events() if event.type == "directory.user.break-glass-moved"]
    assert moved == [first, second]
    assert not installed.ask(users.get_user_by_name, "first").break_glass


def test_only_an_active_person_who_is_an_administrator_can_be_the_break_glass_user(installed):
    administrator(installed, "root")
    machine = service_user(installed)
    installed.change(assignments.assign_role, machine, role=ADMIN)
    inactive = administrator(installed, "inactive")
    installed.change(users.deactivate_user, inactive, reason="x")
    for user_id in (machine, inactive, pushed_user(installed)):
        with pytest.raises(BadUser):
            installed.change(users.set_break_glass, user_id)
    assert installed.ask(users.find_break_glass_user) is None


def test_an_administrator_cannot_touch_the_break_glass_user_either(installed):
    root = administrator(installed, "root")
    administrator(installed, "second")
    installed.change(users.set_break_glass, root)
    with pytest.raises(BreakGlassUser):
        installed.change(users.deactivate_user, root, reason="x")
    with pytest.raises(BreakGlassUser):
        installed.change(users.delete_user, root)
    with pytest.raises(BreakGlassUser):
        installed.change(assignments.remove_role, root, role=ADMIN)


def test_the_last_administrator_stays(installed):
    root = administrator(installed)
    with pytest.raises(LastAdministrator):
        installed.change(users.deactivate_user, root, reason="x")
    with pytest.raises(LastAdministrator):
        installed.change(users.delete_user, root)
    with pytest.raises(LastAdministrator):
        installed.change(assignments.remove_role, root, role=ADMIN)
    assert installed.ask(assignments.count_administrators) == 1


def test_everybody_may_know_who_they_are_and_what_they_may_do(installed):
    root = administrator(installed)
    actor = replace(NOBODY, user_id=root)
    assert installed.ask(users.get_own_user, actor=actor) == installed.ask(users.get_user, root)
    assert installed.ask(assignments.list_own_assignments, actor=actor) == installed.ask(
        assignments.list_assignments, root
    )


@pytest.mark.parametrize("user_id", [None, NOBODYS_ID])
def test_where_no_user_stands_behind_a_credential_none_is_found(installed, user_id):
    with pytest.raises(NotFound):
        installed.ask(users.get_own_user, actor=replace(NOBODY, user_id=user_id))
    assert installed.ask(assignments.list_own_assignments, actor=replace(NOBODY, user_id=user_id)) == ()


def test_each_use_case_needs_its_action(installed_sqlite):
    ada = pushed_user(installed_sqlite)
    for use_case, arguments, action in (
        (users.create_local_user, FIELDS, Action.USER_CREATE),
        (users.create_service_user, {"user_name": "robot"}, Action.USER_CREATE),
        (users.deactivate_user, {"user_id": ada, "reason": "x"}, Action.USER_DEACTIVATE),
        (users.reactivate_user, {"user_id": ada}, Action.USER_DEACTIVATE),
        (users.delete_user, {"user_id": ada}, Action.USER_DELETE),
        (users.set_break_glass, {"user_id": ada}, Action.ASSIGNMENT_CHANGE),
        (users.find_user_by_name, {"user_name": "ada"}, Action.USER_LIST),
        (users.find_user_names, {"user_ids": {ada}}, Action.USER_LIST),
        (users.list_all_users, {"request": EVERYTHING}, Action.USER_LIST),
        (walks.walk_all_users, {"request": EVERYTHING, "seek": Seek()}, Action.USER_LIST),
        (users.get_user, {"user_id": ada}, Action.USER_LIST),
        (users.find_break_glass_user, {}, Action.USER_LIST),
    ):
        for actor in (all_but(action), PROVISIONER):
            with pytest.raises(Forbidden):
                installed_sqlite.change(use_case, actor=actor, **arguments)
    assert installed_sqlite.count_rows("directory_user") == 1
