import pytest

from rolecall.authorization.actions import IN_ANY_TEAM, Action
from rolecall.authorization.roles import ADMIN, BUILT_IN_ROLES, ROLE_ACTIONS, ROOT, SCIM_PROVISIONER, given_in


def test_the_built_in_roles_have_the_names_that_are_published():
    assert list(BUILT_IN_ROLES) == [
        "admin",
        "operator",
        "viewer",
        "watcher",
        "access_reviewer",
        "reassigner",
        "integrations_manager",
        "csv_manager",
        "scim_provisioner",
        "oaa_push",
    ]


def test_an_administrator_may_do_everything():
    assert ROLE_ACTIONS[ADMIN] == frozenset(Action)


def test_a_scim_provisioner_may_do_scim_and_nothing_else():
    assert ROLE_ACTIONS[SCIM_PROVISIONER] == {Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}


def test_an_integrations_manager_sees_what_it_needs_without_another_role():
    assert ROLE_ACTIONS["viewer"] <= ROLE_ACTIONS["integrations_manager"]


def test_every_role_says_what_it_is_for():
    assert all(role.name and role.description for role in BUILT_IN_ROLES.values())


def test_a_role_gives_all_its_actions_in_root_and_elsewhere_only_what_a_team_can_have():
    everything = frozenset(Action)
    assert given_in(ROOT, everything) == everything
    assert given_in("another", everything) == IN_ANY_TEAM
    assert given_in("another", ROLE_ACTIONS[SCIM_PROVISIONER]) == frozenset()


def test_nobody_can_change_what_a_role_may_do():
    with pytest.raises(TypeError):
        ROLE_ACTIONS[SCIM_PROVISIONER] = frozenset(Action)  # type: ignore[index]  # that is the point
