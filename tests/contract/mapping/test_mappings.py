"""What do mappings give, and to whom, on either database?"""

from dataclasses import replace

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory import assignments, groups, provisioned_users, roles, teams, users
from rolecall.directory.errors import BreakGlassUser, LastAdministrator
from rolecall.directory.model import (
    ROOT_TEAM,
    AddMembers,
    EditProfile,
    Expected,
    RemoveMembers,
    RoleDraft,
    SourceKind,
    TeamId,
)
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from rolecall.mapping import mappings
from rolecall.mapping.errors import BadMapping
from rolecall.mapping.model import MappingId, MatchKind
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.directory import (
    ANY_VERSION,
    administrator,
    change_members,
    pushed_group,
    pushed_user,
    setting,
)
from tests.make.mapping import OPERATOR, VIEWER, draft, mapping, roles_of, target, team

NOWHERE = MappingId("00000000-0000-7000-8000-00000000dead")
IN_ROOT = (ROOT_TEAM, VIEWER)


def add(installed, group, *members):
    change_members(installed, group, AddMembers(operation=0, members=members))


def remove(installed, group, *members):
    change_members(installed, group, RemoveMembers(operation=0, members=members))


def rename(installed, group, name):
    change_members(installed, group, EditProfile(change=setting(displayName=name)))


def test_whoever_joins_while_a_group_gets_a_mapped_name_holds_what_that_gives(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Choir")
    mapping(installed, "Sales")
    # Nothing is given by anything when the member comes, and something by the end of the change.
    steps = (AddMembers(operation=0, members=(ada,)), EditProfile(change=setting(displayName="Sales")))
    change_members(installed, group, *steps)
    assert roles_of(installed, ada) == {IN_ROOT: {f"scim-group:{group}"}}
    change_members(installed, group, RemoveMembers(operation=0, members=(ada,)))
    assert roles_of(installed, ada) == {}


def test_members_of_a_mapped_group_hold_what_it_gives_for_as_long_as_they_are_members(installed):
    ada, eve = pushed_user(installed), pushed_user(installed, "eve")
    group = pushed_group(installed, "Sales", ada)
    mapping(installed, "SALES", target(VIEWER), target(OPERATOR))
    source = {f"scim-group:{group}"}
    assert roles_of(installed, ada) == {IN_ROOT: source, (ROOT_TEAM, OPERATOR): source}
    add(installed, group, eve)
    assert roles_of(installed, eve) == roles_of(installed, ada)
    remove(installed, group, ada)
    assert roles_of(installed, ada) == {}
    assert installed.event_types().count("directory.role.assigned") == 4
    assert installed.event_types().count("directory.role.removed") == 2


def test_it_does_not_matter_whether_the_group_or_the_mapping_comes_first(installed):
    ada = pushed_user(installed)
    mapping(installed, "Sales")
    group = pushed_group(installed, "Sales", ada)
    assert roles_of(installed, ada) == {IN_ROOT: {f"scim-group:{group}"}}


@pytest.mark.parametrize("by", MatchKind)
def test_a_group_is_matched_by_id_name_or_pattern(installed, by):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Sales", ada, externalId="ext-1")
    other = pushed_group(installed, "Sales abroad", ada)
    value = {MatchKind.ID: "ext-1", MatchKind.NAME: "sales", MatchKind.PATTERN: "S.les"}[by]
    mapping(installed, value, by=by)
    assert roles_of(installed, ada) == {IN_ROOT: {f"scim-group:{group}"}}
    if by is MatchKind.ID:
        mapping(installed, other, by=by)
        assert roles_of(installed, ada) == {IN_ROOT: {f"scim-group:{group}", f"scim-group:{other}"}}


def test_what_two_groups_give_is_kept_until_the_last_of_them_is_gone(installed):
    ada = pushed_user(installed)
    one, two = pushed_group(installed, "team one", ada), pushed_group(installed, "team two", ada)
    mapping(installed, "team .*", by=MatchKind.PATTERN)
    installed.change(assignments.assign_role, ada, role=VIEWER)
    remove(installed, one, ada)
    assert roles_of(installed, ada) == {IN_ROOT: {"manual", f"scim-group:{two}"}}
    installed.change(groups.delete_group, two, ANY_VERSION, actor=PROVISIONER)
    assert roles_of(installed, ada) == {IN_ROOT: {"manual"}}
    installed.change(assignments.remove_role, ada, role=VIEWER)
    assert roles_of(installed, ada) == {}


def test_nested_groups_count_however_deep_and_however_they_come_together(installed):
    ada, eve = pushed_user(installed), pushed_user(installed, "eve")
    inner = pushed_group(installed, "inner", ada)
    middle = pushed_group(installed, "middle", inner)
    outer = pushed_group(installed, "outer")
    mapping(installed, "outer")
    source = {IN_ROOT: {f"scim-group:{outer}"}}
    add(installed, outer, middle)
    assert roles_of(installed, ada) == source
    add(installed, inner, eve)
    assert roles_of(installed, eve) == source
    add(installed, outer, ada)
    remove(installed, outer, middle)
    assert (roles_of(installed, ada), roles_of(installed, eve)) == (source, {})
    add(installed, outer, middle)
    remove(installed, outer, ada)
    assert (roles_of(installed, ada), roles_of(installed, eve)) == (source, source)
    installed.change(groups.delete_group, middle, ANY_VERSION, actor=PROVISIONER)
    assert (roles_of(installed, ada), roles_of(installed, eve)) == ({}, {})


def test_groups_in_a_circle_are_one(installed):
    ada = pushed_user(installed)
    one = pushed_group(installed, "one", ada)
    two = pushed_group(installed, "two", one)
    add(installed, one, two)
    mapping(installed, "t.*", by=MatchKind.PATTERN)
    assert roles_of(installed, ada) == {IN_ROOT: {f"scim-group:{two}"}}
    remove(installed, one, ada)
    assert roles_of(installed, ada) == {}


def test_a_renamed_group_gives_what_its_new_name_gives(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Sales", ada)
    mapping(installed, "Sales")
    mapping(installed, "Support", target(OPERATOR))
    rename(installed, group, "Support")
    assert roles_of(installed, ada) == {(ROOT_TEAM, OPERATOR): {f"scim-group:{group}"}}
    rename(installed, group, "Nothing")
    assert roles_of(installed, ada) == {}
    assert [each.id for each in installed.ask(mappings.list_unmapped_groups, skip=0, limit=10).items] == [group]


def test_a_changed_mapping_changes_what_its_members_hold_and_nothing_else(installed):
    ada, eve = pushed_user(installed), pushed_user(installed, "eve")
    pushed_group(installed, "Sales", ada)
    pushed_group(installed, "Support", eve)
    made = mapping(installed, "Sales")
    changed = installed.change(
        mappings.change_mapping,
        made.id,
        lambda old: replace(old, match_value="Support", targets=frozenset({target(OPERATOR)})),
        Expected(versions=frozenset({1})),
    )
    assert (changed.version, installed.ask(mappings.get_mapping, made.id)) == (2, changed)
    assert (roles_of(installed, ada), set(roles_of(installed, eve))) == ({}, {(ROOT_TEAM, OPERATOR)})
    with pytest.raises(VersionConflict):
        installed.change(mappings.delete_mapping, made.id, Expected(versions=frozenset({1})))
    assert installed.change(mappings.change_mapping, made.id, lambda old: old, ANY_VERSION) == changed
    installed.change(mappings.delete_mapping, made.id, ANY_VERSION)
    assert roles_of(installed, eve) == {}
    assert installed.ask(mappings.list_mappings) == ()
    types = [name for name in installed.event_types() if name.startswith("mapping.")]
    assert types == ["mapping.mapping.created", "mapping.mapping.changed", "mapping.mapping.deleted"]


def test_two_mappings_of_one_group_give_together(installed):
    ada, sales = pushed_user(installed), team(installed)
    pushed_group(installed, "Sales", ada)
    one = mapping(installed, "Sales", target(VIEWER), target(VIEWER, sales.id))
    mapping(installed, "S.*", target(VIEWER), by=MatchKind.PATTERN)
    installed.change(mappings.delete_mapping, one.id, ANY_VERSION)
    assert set(roles_of(installed, ada)) == {IN_ROOT}


def test_a_value_of_roles_gives_what_it_is_mapped_to_for_as_long_as_it_is_carried(installed):
    roles_value = [{"value": "Auditor"}, {"value": "Other"}]
    ada = pushed_user(installed, roles=roles_value)
    eve = pushed_user(installed, "eve")
    mapping(installed, "AUDITOR", source=SourceKind.SCIM_ROLE)
    source = {IN_ROOT: {"scim-role:Auditor"}}
    assert (roles_of(installed, ada), roles_of(installed, eve)) == (source, {})
    change = lambda user, given: installed.change(  # noqa: E731  # said twice below
        provisioned_users.change_user, user, setting(roles=given), ANY_VERSION, actor=PROVISIONER
    )
    change(eve, roles_value)
    assert roles_of(installed, eve) == source
    change(ada, [{"value": "Other"}, {"display": "no value"}, "odd", {"value": "x" * 2000}])
    assert roles_of(installed, ada) == {}
    installed.change(provisioned_users.delete_user, eve, ANY_VERSION, actor=PROVISIONER)
    assert installed.count_rows("assignment") == 0
    assert installed.count_rows("carried_value") == 1


@pytest.mark.parametrize("by, value", [(MatchKind.ID, "Auditor"), (MatchKind.PATTERN, "Aud.*")])
def test_a_value_that_comes_later_is_matched_too(installed, by, value):
    mapping(installed, value, by=by, source=SourceKind.SCIM_ROLE)
    ada = pushed_user(installed, roles=[{"value": "Auditor"}])
    assert roles_of(installed, ada) == {IN_ROOT: {"scim-role:Auditor"}}


def test_what_a_deactivated_user_would_hold_is_kept_up_to_date_and_counts_for_nothing(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Sales", ada)
    installed.change(users.deactivate_user, ada, reason="x")
    mapping(installed, "Sales", target(ADMIN))
    assert roles_of(installed, ada) == {(ROOT_TEAM, ADMIN): {f"scim-group:{group}"}}
    assert installed.ask(assignments.count_administrators) == 0
    installed.change(users.reactivate_user, ada)
    assert installed.ask(assignments.count_administrators) == 1


def test_the_last_administrator_survives_every_way_in_which_a_group_could_end(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "inner", ada)
    outer = pushed_group(installed, "outer", inner)
    made = mapping(installed, "outer", target(ADMIN))
    attempts = (
        lambda: remove(installed, inner, ada),
        lambda: remove(installed, outer, inner),
        lambda: rename(installed, outer, "other"),
        lambda: installed.change(groups.delete_group, inner, ANY_VERSION, actor=PROVISIONER),
        lambda: installed.change(groups.delete_group, outer, ANY_VERSION, actor=PROVISIONER),
        lambda: installed.change(mappings.delete_mapping, made.id, ANY_VERSION),
        lambda: installed.change(
            mappings.change_mapping, made.id, lambda old: replace(old, targets=frozenset({target()})), ANY_VERSION
        ),
        lambda: installed.change(provisioned_users.delete_user, ada, ANY_VERSION, actor=PROVISIONER),
    )
    for number, attempt in enumerate(attempts, 1):
        with pytest.raises(LastAdministrator):
            attempt()
        assert installed.ask(assignments.count_administrators) == 1
        assert installed.event_types().count("directory.user.protected") == number
    administrator(installed)
    remove(installed, inner, ada)
    assert roles_of(installed, ada) == {}


def test_two_administrators_cannot_both_go_with_one_group(installed):
    members = [pushed_user(installed, name) for name in ("ada", "eve")]
    group = pushed_group(installed, "Admins", *members)
    mapping(installed, "Admins", target(ADMIN))
    with pytest.raises(LastAdministrator):
        installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    remove(installed, group, members[0])
    assert installed.ask(assignments.count_administrators) == 1


def test_the_break_glass_user_keeps_what_makes_it_one(installed):
    administrator(installed)
    ada = pushed_user(installed)
    group = pushed_group(installed, "Admins", ada)
    mapping(installed, "Admins", target(ADMIN))
    installed.change(users.set_break_glass, ada)
    with pytest.raises(BreakGlassUser):
        remove(installed, group, ada)


def test_a_deleted_team_or_role_leaves_no_mapping_that_gives_it(installed):
    ada, sales = pushed_user(installed), team(installed)
    auditor = installed.change(roles.create_role, RoleDraft(name="Auditor", actions=frozenset({Action.AUDIT_READ})))
    pushed_group(installed, "Sales", ada)
    made = mapping(installed, "Sales", target(VIEWER, sales.id), target(auditor.id), target(VIEWER))
    installed.change(teams.delete_team, sales.id, ANY_VERSION)
    installed.change(roles.delete_role, auditor.id, ANY_VERSION)
    assert set(roles_of(installed, ada)) == {IN_ROOT}
    left = installed.ask(mappings.get_mapping, made.id)
    assert (left.targets, left.version) == ({target(VIEWER)}, 3)
    eve = pushed_user(installed, "eve")
    pushed_group(installed, "sales ", eve)
    mapping(installed, "Sales", target(OPERATOR))
    assert set(roles_of(installed, ada)) == {IN_ROOT, (ROOT_TEAM, OPERATOR)}


def test_nobody_maps_to_actions_that_they_do_not_hold(installed_sqlite):
    made = mapping(installed_sqlite, "Sales")
    someone = all_but(Action.AUDIT_READ)
    for attempt in (
        lambda: installed_sqlite.change(mappings.create_mapping, draft("x", target(ADMIN)), actor=someone),
        lambda: installed_sqlite.change(
            mappings.change_mapping,
            made.id,
            lambda old: replace(old, targets=old.targets | {target(ADMIN)}),
            ANY_VERSION,
            actor=someone,
        ),
    ):
        with pytest.raises(ActionNotHeld):
            attempt()
    powerful = mapping(installed_sqlite, "Admins", target(ADMIN))
    with pytest.raises(ActionNotHeld):
        installed_sqlite.change(
            mappings.change_mapping,
            powerful.id,
            lambda old: replace(old, match_value="Everybody"),
            ANY_VERSION,
            actor=someone,
        )
    installed_sqlite.change(mappings.delete_mapping, powerful.id, ANY_VERSION, actor=someone)


def test_a_mapping_names_teams_and_roles_that_are_there(installed):
    for bad in (target(RoleId("king")), target(VIEWER, TeamId("nowhere"))):
        with pytest.raises(NotFound):
            installed.change(mappings.create_mapping, draft("Sales", bad))
    with pytest.raises(BadMapping):
        installed.change(mappings.create_mapping, draft("(", by=MatchKind.PATTERN))
    assert installed.count_rows("mapping") == 0


def test_each_use_case_needs_its_action_and_a_mapping_that_is_there(installed_sqlite):
    writes = (
        lambda tx: mappings.change_mapping(tx, NOWHERE, lambda old: old, ANY_VERSION),
        lambda tx: mappings.delete_mapping(tx, NOWHERE, ANY_VERSION),
        lambda tx: mappings.approve_mapping(tx, NOWHERE),
        lambda tx: mappings.refuse_mapping(tx, NOWHERE),
    )
    for write in writes:
        with pytest.raises(NotFound):
            installed_sqlite.change(write)
        with pytest.raises(Forbidden):
            installed_sqlite.change(write, actor=all_but(Action.MAPPING_CHANGE))
    with pytest.raises(Forbidden):
        installed_sqlite.change(mappings.create_mapping, draft("x"), actor=all_but(Action.MAPPING_CHANGE))
    reads = (
        mappings.list_mappings,
        mappings.list_waiting,
        lambda tx: mappings.get_mapping(tx, NOWHERE),
        lambda tx: mappings.list_unmapped_groups(tx, skip=0, limit=1),
    )
    for read in reads:
        with pytest.raises(Forbidden):
            installed_sqlite.ask(read, actor=replace(ADMINISTRATOR, actions=frozenset()))
    with pytest.raises(NotFound):
        installed_sqlite.ask(mappings.get_mapping, NOWHERE)
