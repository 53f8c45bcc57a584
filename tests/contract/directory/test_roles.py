"""What can be done with roles, on either database?"""

from dataclasses import replace

import pytest

from rolecall.authentication import api_keys
from rolecall.authentication.actors import authenticate
from rolecall.authorization.actions import Action
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ADMIN, ROLE_ACTIONS, RoleId
from rolecall.directory import assignments, roles
from rolecall.directory.errors import BadRole, BuiltInRoleFixed, RoleNameTaken
from rolecall.directory.model import ROOT_TEAM, Expected, RoleDraft, TeamId
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from tests.make.actors import ADMINISTRATOR, all_but
from tests.make.directory import ANY_VERSION, pushed_user

NO_ROLE = RoleId("00000000-0000-7000-8000-00000000dead")
AUDITOR = RoleDraft(name="Auditor", description="Reads.", actions=frozenset({Action.AUDIT_READ, Action.EVENT_READ}))


def made(installed, draft=AUDITOR):
    return installed.change(roles.create_role, draft)


def with_actions(*actions):
    return lambda draft: replace(draft, actions=frozenset(actions))


def test_built_in_roles_are_listed_first_and_found_by_wire_name_and_by_name(installed):
    auditor = made(installed)
    listed = installed.ask(roles.list_roles)
    assert [role.id for role in listed] == [*ROLE_ACTIONS, auditor.id]
    for name in ("ADMIN", "administrator"):
        assert installed.ask(roles.get_role_by_name, name).id == ADMIN
    for name in ("auditor", auditor.id):
        assert installed.ask(roles.get_role_by_name, name) == auditor
    with pytest.raises(NotFound):
        installed.ask(roles.get_role_by_name, "king")


def test_a_role_of_listed_actions_gives_those_and_no_others(installed):
    auditor, ada = made(installed), pushed_user(installed)
    installed.change(assignments.assign_role, ada, role=auditor.id)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=auditor.id)
    assert installed.ask(authenticate, key.secret).actor.actions == AUDITOR.actions
    assert installed.ask(roles.get_role, auditor.id) == auditor
    elsewhere = TeamId("elsewhere")
    assert installed.ask(roles.actions_in, elsewhere, [auditor.id, NO_ROLE]) == frozenset()
    assert installed.ask(roles.actions_in, ROOT_TEAM, [auditor.id, ADMIN]) == frozenset(Action)


def test_a_changed_role_changes_for_everybody_who_holds_it_and_says_how(installed):
    auditor, ada = made(installed), pushed_user(installed)
    installed.change(assignments.assign_role, ada, role=auditor.id)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=None)
    for expected in (Expected(versions=frozenset({1})), ANY_VERSION):
        changed = installed.change(
            roles.change_role, auditor.id, with_actions(Action.AUDIT_READ, Action.USER_LIST), expected
        )
        assert changed.version == 2
    assert installed.ask(authenticate, key.secret).actor.actions == {Action.AUDIT_READ, Action.USER_LIST}
    event = installed.events()[-1]
    assert event.type == "directory.role.changed"
    assert (event.data["gained"], event.data["lost"]) == (["user:list"], ["event:read"])
    with pytest.raises(VersionConflict):
        installed.change(roles.change_role, auditor.id, with_actions(), Expected(versions=frozenset({1})))


def test_a_deleted_role_ends_what_it_gave_and_says_so(installed):
    auditor, ada = made(installed), pushed_user(installed)
    installed.change(assignments.assign_role, ada, role=auditor.id)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=auditor.id)
    installed.change(roles.delete_role, auditor.id, ANY_VERSION)
    assert installed.ask(assignments.list_assignments, ada) == ()
    assert installed.ask(authenticate, key.secret).actor.actions == frozenset()
    assert installed.event_types()[-2:] == ["directory.role.removed", "directory.role.deleted"]
    with pytest.raises(NotFound):
        installed.ask(roles.get_role, auditor.id)
    with pytest.raises(NotFound):
        installed.change(assignments.assign_role, ada, role=auditor.id)


@pytest.mark.parametrize(
    "draft, error, field",
    [
        (replace(AUDITOR, name=""), BadRole, "name"),
        (replace(AUDITOR, name="a:b"), BadRole, "name"),
        (replace(AUDITOR, description="x" * 1001), BadRole, "description"),
        (replace(AUDITOR, actions=frozenset()), BadRole, "actions"),
        (replace(AUDITOR, name="Admin"), RoleNameTaken, "name"),
        (replace(AUDITOR, name="CSV MANAGER"), RoleNameTaken, "name"),
    ],
    ids=["empty", "colon", "long", "no action", "wire name", "built-in name"],
)
def test_what_cannot_be_a_role_is_refused_by_field(installed_sqlite, draft, error, field):
    auditor = made(installed_sqlite)
    for refused_change in (
        lambda: made(installed_sqlite, draft),
        lambda: installed_sqlite.change(roles.change_role, auditor.id, lambda _: draft, ANY_VERSION),
    ):
        with pytest.raises(error) as refused:
            refused_change()
        assert refused.value.about == {"attribute": field}
    assert installed_sqlite.ask(roles.get_role, auditor.id) == auditor


def test_names_are_unique_in_any_spelling(installed):
    made(installed)
    with pytest.raises(RoleNameTaken):
        made(installed, replace(AUDITOR, name="AUDITOR"))
    other = made(installed, replace(AUDITOR, name="Other"))
    with pytest.raises(RoleNameTaken):
        installed.change(roles.change_role, other.id, lambda _: AUDITOR, ANY_VERSION)


def test_a_built_in_role_is_neither_changed_nor_deleted(installed_sqlite):
    for change in (
        lambda tx: roles.change_role(tx, ADMIN, with_actions(Action.USER_LIST), ANY_VERSION),
        lambda tx: roles.delete_role(tx, ADMIN, ANY_VERSION),
    ):
        with pytest.raises(BuiltInRoleFixed):
            installed_sqlite.change(change)


def test_nobody_makes_a_role_of_actions_that_they_do_not_hold(installed_sqlite):
    someone = replace(ADMINISTRATOR, actions=frozenset({Action.ROLE_CHANGE, Action.EVENT_READ}))
    with pytest.raises(ActionNotHeld) as refused:
        installed_sqlite.change(roles.create_role, AUDITOR, actor=someone)
    assert refused.value.about == {"actions": "audit:read"}
    events = installed_sqlite.change(
        roles.create_role, replace(AUDITOR, actions=frozenset({Action.EVENT_READ})), actor=someone
    )
    with pytest.raises(ActionNotHeld):
        installed_sqlite.change(roles.change_role, events.id, lambda _: AUDITOR, ANY_VERSION, actor=someone)


def test_each_use_case_needs_its_action_and_a_role_that_is_there(installed_sqlite):
    writes = (
        lambda tx: roles.change_role(tx, NO_ROLE, with_actions(), ANY_VERSION),
        lambda tx: roles.delete_role(tx, NO_ROLE, ANY_VERSION),
    )
    for write in writes:
        with pytest.raises(NotFound):
            installed_sqlite.change(write)
        with pytest.raises(Forbidden):
            installed_sqlite.change(write, actor=all_but(Action.ROLE_CHANGE))
    with pytest.raises(Forbidden):
        installed_sqlite.change(roles.create_role, AUDITOR, actor=all_but(Action.ROLE_CHANGE))
    for read in (
        roles.list_roles,
        lambda tx: roles.get_role(tx, ADMIN),
        lambda tx: roles.get_role_by_name(tx, "admin"),
    ):
        with pytest.raises(Forbidden):
            installed_sqlite.ask(read, actor=all_but(Action.ROLE_LIST))
