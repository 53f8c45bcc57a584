import re

import pytest

from rolecall.authorization.actions import IN_ANY_TEAM, RAISING, Action


@pytest.mark.parametrize("action", Action)
def test_an_action_is_named_by_noun_and_verb(action):
    assert re.fullmatch(r"[a-z_]+:[a-z_]+", action.value)
    assert action.name.lower() == action.value.replace(":", "_")


def test_actions_stand_in_the_order_of_the_alphabet():
    assert [action.value for action in Action] == sorted(action.value for action in Action)


def test_whatever_changes_who_has_access_can_raise_somebody():
    words = ("api_key:create", "assignment:change", "mapping:change", "role:change", "user:create", "user:delete")
    assert {Action(word) for word in words if word in {action.value for action in Action}} <= RAISING


def test_a_team_can_have_nothing_that_is_about_the_installation_as_a_whole():
    nouns = {action.value.partition(":")[0] for action in IN_ANY_TEAM}
    assert nouns.isdisjoint({"audit", "setting", "provisioned", "metrics", "api_key", "user", "group"})
