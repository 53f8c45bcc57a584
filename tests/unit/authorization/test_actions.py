import re

import pytest

from rolecall.authorization.actions import ROLE_ACTIONS, Action, RoleName


def test_every_role_has_its_actions():
    assert set(ROLE_ACTIONS) == set(RoleName)
    assert all(ROLE_ACTIONS.values())


def test_an_administrator_may_do_everything():
    assert ROLE_ACTIONS[RoleName.ADMIN] == frozenset(Action)


def test_a_scim_provisioner_may_do_scim_and_nothing_else():
    assert ROLE_ACTIONS[RoleName.SCIM_PROVISIONER] == {Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}


@pytest.mark.parametrize("action", Action)
def test_an_action_is_named_by_noun_and_verb(action):
    assert re.fullmatch(r"[a-z_]+:[a-z_]+", action.value)
    assert action.name.lower() == action.value.replace(":", "_")


def test_actions_stand_in_the_order_of_the_alphabet():
    assert [action.value for action in Action] == sorted(action.value for action in Action)


def test_nobody_can_change_what_a_role_may_do():
    with pytest.raises(TypeError):
        ROLE_ACTIONS[RoleName.SCIM_PROVISIONER] = frozenset(Action)  # type: ignore[index]  # that is the point
