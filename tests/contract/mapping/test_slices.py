"""Do many users follow in slices, losses first, without anybody keeping meanwhile what has ended?"""

from dataclasses import replace

import pytest

from rolecall.authentication import api_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN
from rolecall.directory import assignments, groups, installation, reconcile, users
from rolecall.directory.errors import BadSetting, LastAdministrator
from rolecall.directory.model import AddMembers, Ground, ReconcilePhase, RemoveMembers, SourceKind
from rolecall.kernel.errors import Forbidden
from rolecall.mapping import mappings
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import ANY_VERSION, administrator, change_members, pushed_group, pushed_user
from tests.make.mapping import OPERATOR, VIEWER, finish_reconciling, mapping, roles_of, target

MANY = 7


@pytest.fixture
def crowd(installed):
    """Seven users in one group, of whom only three are brought up to date at once."""
    installed.change(installation.set_users_at_once, 3)
    return [pushed_user(installed, f"user {number}") for number in range(MANY)]


def holding(installed, crowd):
    return sum(1 for user in crowd if roles_of(installed, user))


def rows(installed):
    return installed.count_rows("assignment")


def test_a_mapping_for_many_is_only_begun_and_then_gone_through_in_slices(installed, crowd):
    group = pushed_group(installed, "Everybody", *crowd)
    mapping(installed, "Everybody")
    (progress,) = installed.ask(reconcile.list_reconciling)
    assert (progress.ground.source, progress.total, progress.phase) == (
        f"scim-group:{group}",
        MANY,
        ReconcilePhase.LOSSES,
    )
    assert rows(installed) == 0
    slices = finish_reconciling(installed, limit=3)
    assert (slices, holding(installed, crowd), rows(installed)) == (4, MANY, MANY)
    types = installed.event_types()
    assert types.count("directory.reconciliation.started") == types.count("directory.reconciliation.finished") == 1


def test_until_the_slices_have_ended_nothing_counts_that_its_source_no_longer_gives(installed, crowd):
    administrator(installed)
    ada = crowd[0]
    pushed_group(installed, "Everybody", *crowd)
    made = mapping(installed, "Everybody", target(OPERATOR), target(VIEWER))
    finish_reconciling(installed)
    key = installed.change(api_keys.create_api_key, user_id=ada, name="k", role=None)

    def may_list_users():
        return Action.USER_LIST in installed.ask(api_keys.authenticate, key.secret).actor.actions

    assert may_list_users()
    before = installed.ask(installation.access_version)
    installed.change(
        mappings.change_mapping, made.id, lambda old: replace(old, targets=frozenset({target(VIEWER)})), ANY_VERSION
    )
    assert installed.ask(installation.access_version) > before
    assert rows(installed) == 2 * MANY + 1
    assert not may_list_users()
    assert {role for _, role in roles_of(installed, ada)} == {VIEWER}
    installed.change(mappings.delete_mapping, made.id, ANY_VERSION)
    assert (holding(installed, crowd), rows(installed)) == (0, 2 * MANY + 1)
    finish_reconciling(installed, limit=2)
    assert rows(installed) == 1


def test_losses_come_before_gains(installed, crowd):
    group = pushed_group(installed, "Everybody", *crowd)
    made = mapping(installed, "Everybody")
    finish_reconciling(installed)
    installed.change(
        mappings.change_mapping, made.id, lambda old: replace(old, targets=frozenset({target(OPERATOR)})), ANY_VERSION
    )
    ground = Ground(kind=SourceKind.SCIM_GROUP, value=group)
    for left in (4, 1, 0):
        installed.change(reconcile.reconcile_slice, ground, limit=3)
        assert (rows(installed), holding(installed, crowd)) == (left, 0)
    finish_reconciling(installed, limit=3)
    assert (rows(installed), holding(installed, crowd)) == (MANY, MANY)


def test_a_nested_group_of_many_is_taken_out_in_slices(installed, crowd):
    inner = pushed_group(installed, "inner", *crowd)
    outer = pushed_group(installed, "outer", inner)
    mapping(installed, "outer")
    finish_reconciling(installed)
    change_members(installed, outer, RemoveMembers(operation=0, members=(inner,)))
    assert (holding(installed, crowd), rows(installed)) == (0, MANY)
    finish_reconciling(installed)
    assert rows(installed) == 0


def test_slices_may_be_repeated_and_one_that_has_nothing_to_do_says_so(installed, crowd):
    group = pushed_group(installed, "Everybody", *crowd)
    mapping(installed, "Everybody")
    ground = Ground(kind=SourceKind.SCIM_GROUP, value=group)
    finish_reconciling(installed, limit=1)
    before = installed.events()
    assert installed.change(reconcile.reconcile_slice, ground) is None
    assert installed.events() == before


def test_pushes_go_on_while_slices_are_waiting(installed, crowd):
    group = pushed_group(installed, "Everybody", *crowd)
    mapping(installed, "Everybody")
    change_members(installed, group, RemoveMembers(operation=0, members=(crowd[0],)))
    late = pushed_user(installed, "late")
    change_members(installed, group, AddMembers(operation=0, members=(late,)))
    assert list(roles_of(installed, late).values()) == [{f"scim-group:{group}"}]
    finish_reconciling(installed, limit=2)
    assert (holding(installed, crowd), holding(installed, [late])) == (MANY - 1, 1)


def test_who_can_administer_is_never_in_doubt(installed, crowd):
    group = pushed_group(installed, "Admins", *crowd)
    made = mapping(installed, "Admins", target(ADMIN))
    finish_reconciling(installed)
    with pytest.raises(LastAdministrator):
        installed.change(mappings.delete_mapping, made.id, ANY_VERSION)
    with pytest.raises(LastAdministrator):
        installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    assert installed.ask(assignments.count_administrators) == MANY
    administrator(installed)
    installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    assert (installed.ask(assignments.count_administrators), rows(installed)) == (1, 1)
    finish_reconciling(installed)


def test_a_user_that_is_deleted_meanwhile_gets_nothing(installed, crowd):
    pushed_group(installed, "Everybody", *crowd)
    mapping(installed, "Everybody")
    installed.change(users.delete_user, crowd[0])
    finish_reconciling(installed)
    assert rows(installed) == MANY - 1


def test_slices_and_the_setting_need_their_action(installed_sqlite):
    ground = Ground(kind=SourceKind.SCIM_GROUP, value="x")
    with pytest.raises(Forbidden):
        installed_sqlite.change(reconcile.reconcile_slice, ground, actor=all_but(Action.MAPPING_CHANGE))
    with pytest.raises(Forbidden):
        installed_sqlite.ask(reconcile.list_reconciling, actor=all_but(Action.MAPPING_LIST))
    with pytest.raises(Forbidden):
        installed_sqlite.change(installation.set_users_at_once, 1, actor=all_but(Action.SETTING_CHANGE))
    with pytest.raises(BadSetting):
        installed_sqlite.change(installation.set_users_at_once, 0)
    for _ in range(2):
        installed_sqlite.change(installation.set_users_at_once, 5)
    assert installed_sqlite.event_types() == ["directory.users-at-once.set"]
