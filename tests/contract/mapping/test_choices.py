"""How do groups map by themselves, on either database?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory import groups, roles, teams
from rolecall.directory.model import ROOT_TEAM, EditProfile, RoleDraft
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.mapping import choices, mappings
from rolecall.mapping.errors import MappingMadeByName, MappingNotWaiting, RoleNeedsConsent
from rolecall.mapping.model import Choices, MadeBy, MappingState, MatchKind
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import ANY_VERSION, administrator, change_members, pushed_group, pushed_user, setting
from tests.make.mapping import VIEWER, mapping, roles_of, target, team

AUDITOR = RoleDraft(name="Auditor", actions=frozenset({Action.AUDIT_READ}))


def switch(installed, on=True, **named):
    return installed.change(choices.choose_convention, on=on, **named)


def rename(installed, group, name):
    change_members(installed, group, EditProfile(change=setting(displayName=name)))


def waiting(installed):
    return installed.ask(mappings.list_waiting)


def test_a_group_named_by_alias_and_role_maps_by_itself_once_that_is_switched_on(installed):
    ada, sales = pushed_user(installed), team(installed, alias="sales")
    before = pushed_group(installed, "Sales:Viewer", ada)
    assert roles_of(installed, ada) == {}
    assert switch(installed) == Choices(convention=True)
    after = pushed_group(installed, "root:operator", ada)
    assert roles_of(installed, ada) == {
        (sales.id, VIEWER): {f"scim-group:{before}"},
        (ROOT_TEAM, "operator"): {f"scim-group:{after}"},
    }
    made = installed.ask(mappings.list_mappings)
    assert {each.made_by for each in made} == {MadeBy.CONVENTION}
    switch(installed, on=False)
    assert (roles_of(installed, ada), installed.ask(mappings.list_mappings)) == ({}, ())


def test_teams_and_roles_that_come_later_are_looked_for_in_names(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "sales:auditor", ada)
    switch(installed)
    sales = team(installed, alias="SALES")
    auditor = installed.change(roles.create_role, AUDITOR)
    assert roles_of(installed, ada) == {(sales.id, auditor.id): {f"scim-group:{group}"}}
    installed.change(teams.change_team, sales.id, lambda old: replace(old, alias="other"), ANY_VERSION)
    assert roles_of(installed, ada) == {}
    installed.change(teams.change_team, sales.id, lambda old: replace(old, alias="sales"), ANY_VERSION)
    installed.change(roles.change_role, auditor.id, lambda old: replace(old, name="Reader"), ANY_VERSION)
    assert roles_of(installed, ada) == {}
    rename(installed, group, "sales:reader")
    assert set(roles_of(installed, ada)) == {(sales.id, auditor.id)}
    installed.change(roles.delete_role, auditor.id, ANY_VERSION)
    assert (roles_of(installed, ada), installed.ask(mappings.list_mappings)) == ({}, ())


def test_a_role_that_can_raise_access_waits_for_an_administrator(installed):
    administrator(installed)
    ada = pushed_user(installed)
    switch(installed)
    raising = installed.change(
        roles.create_role, RoleDraft(name="Helper", actions=frozenset({Action.ASSIGNMENT_CHANGE}))
    )
    group = pushed_group(installed, "Root:admin", ada)
    installed.clock.advance(timedelta(seconds=1))
    pushed_group(installed, "Root:helper", ada)
    assert roles_of(installed, ada) == {}
    for_admin, for_helper = waiting(installed)
    assert (for_admin.targets, for_helper.targets) == ({target(ADMIN)}, {target(raising.id)})
    assert "mapping.mapping.waiting" in installed.event_types()
    with pytest.raises(ActionNotHeld):
        installed.change(mappings.approve_mapping, for_admin.id, actor=all_but(Action.AUDIT_READ))
    approved = installed.change(mappings.approve_mapping, for_admin.id)
    assert (approved.state, roles_of(installed, ada)) == (
        MappingState.ACTIVE,
        {(ROOT_TEAM, ADMIN): {f"scim-group:{group}"}},
    )
    with pytest.raises(MappingNotWaiting):
        installed.change(mappings.approve_mapping, for_admin.id)
    refused = installed.change(mappings.refuse_mapping, for_helper.id)
    assert (refused.state, waiting(installed)) == (MappingState.REFUSED, ())


def test_what_was_refused_is_not_asked_again_until_the_name_asks_for_something_else(installed):
    switch(installed)
    group = pushed_group(installed, "Root:admin")
    installed.change(mappings.refuse_mapping, waiting(installed)[0].id)
    rename(installed, group, "ROOT:Admin")
    assert waiting(installed) == ()
    rename(installed, group, "Root:viewer")
    rename(installed, group, "Root:admin")
    assert len(waiting(installed)) == 1
    installed.change(mappings.refuse_mapping, waiting(installed)[0].id)
    (refused,) = installed.ask(mappings.list_mappings)
    assert installed.change(mappings.approve_mapping, refused.id).state is MappingState.ACTIVE


def test_a_mapping_that_follows_from_a_name_changes_with_that_name_only(installed):
    switch(installed)
    group = pushed_group(installed, "Root:viewer")
    (made,) = installed.ask(mappings.list_mappings)
    for attempt in (
        lambda: installed.change(mappings.delete_mapping, made.id, ANY_VERSION),
        lambda: installed.change(
            mappings.change_mapping, made.id, lambda old: replace(old, match_value="x"), ANY_VERSION
        ),
    ):
        with pytest.raises(MappingMadeByName):
            attempt()
    installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    assert installed.ask(mappings.list_mappings) == ()
    assert installed.count_rows("given") == installed.count_rows("mapped") == 0


def test_a_pushed_group_becomes_a_team_only_when_that_was_chosen_and_nothing_else_maps_it(installed):
    ada = pushed_user(installed)
    pushed_group(installed, "Early", ada)
    team(installed, "Taken")
    mapping(installed, "Mapped.*", by=MatchKind.PATTERN)
    assert installed.change(choices.choose_group_teams, VIEWER).group_team_role == VIEWER
    for name in ("Sales", "Taken", "Root", "Mapped one"):
        pushed_group(installed, name, ada)
    sales = installed.ask(teams.get_team_by_name, "Sales")
    assert sales.provider_ids == frozenset()
    assert set(roles_of(installed, ada)) == {(sales.id, VIEWER), (ROOT_TEAM, VIEWER)}
    assert {each.name for each in installed.ask(teams.list_teams)} == {"Root", "Taken", "Sales"}
    installed.change(choices.choose_group_teams, None)
    pushed_group(installed, "Late", ada)
    assert len(installed.ask(teams.list_teams)) == 3


def test_a_team_that_a_group_became_stays_when_the_group_goes(installed):
    installed.change(choices.choose_group_teams, VIEWER)
    ada = pushed_user(installed)
    group = pushed_group(installed, "Sales", ada)
    installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    assert roles_of(installed, ada) == {}
    assert installed.ask(teams.get_team_by_name, "Sales")
    assert installed.ask(mappings.list_mappings) == ()


def test_no_name_alone_gives_a_role_that_can_raise_access(installed_sqlite):
    helper = installed_sqlite.change(
        roles.create_role, RoleDraft(name="Helper", actions=frozenset({Action.ASSIGNMENT_CHANGE}))
    )
    for role in (ADMIN, helper.id):
        with pytest.raises(RoleNeedsConsent):
            installed_sqlite.change(choices.choose_group_teams, role)
    with pytest.raises(NotFound):
        installed_sqlite.change(choices.choose_group_teams, RoleId("king"))


def test_a_role_that_is_gone_is_given_to_no_new_team(installed):
    auditor = installed.change(roles.create_role, AUDITOR)
    installed.change(choices.choose_group_teams, auditor.id)
    installed.change(roles.delete_role, auditor.id, ANY_VERSION)
    assert installed.ask(choices.get_choices) == Choices()
    pushed_group(installed, "Sales")
    assert len(installed.ask(teams.list_teams)) == 1


def test_choosing_the_same_again_changes_nothing(installed_sqlite):
    for _ in range(2):
        switch(installed_sqlite)
        installed_sqlite.change(choices.choose_group_teams, VIEWER)
    assert installed_sqlite.event_types() == ["mapping.convention.chosen", "mapping.group-teams.chosen"]


def test_each_choice_needs_its_action_and_all_that_it_could_give(installed_sqlite):
    for attempt in (
        lambda actor: switch(installed_sqlite, actor=actor),
        lambda actor: installed_sqlite.change(choices.choose_group_teams, VIEWER, actor=actor),
    ):
        with pytest.raises(Forbidden):
            attempt(all_but(Action.MAPPING_CHANGE))
    with pytest.raises(ActionNotHeld):
        switch(installed_sqlite, actor=all_but(Action.AUDIT_READ))
    with pytest.raises(ActionNotHeld):
        installed_sqlite.change(choices.choose_group_teams, VIEWER, actor=all_but(Action.TEAM_LIST))
    with pytest.raises(Forbidden):
        installed_sqlite.ask(choices.get_choices, actor=all_but(Action.MAPPING_LIST))
