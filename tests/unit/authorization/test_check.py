import pytest
from hypothesis import given
from hypothesis.strategies import frozensets, none, sampled_from

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import COMMAND_LINE, NOBODY, SYSTEM, Actor, ActorKind
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ROOT
from rolecall.kernel.errors import Forbidden
from tests.make.actors import PROVISIONER, all_but


@pytest.mark.parametrize("action", Action)
def test_who_holds_an_action_may_do_it(action):
    require(Actor(kind=ActorKind.API_KEY, actions=frozenset({action})), action)


@pytest.mark.parametrize("action", Action)
def test_who_holds_all_others_may_not(action):
    with pytest.raises(Forbidden) as refused:
        require(all_but(action), action)
    assert refused.value.about == {"action": action.value}
    assert action.value in refused.value.detail


@pytest.mark.parametrize("action", Action)
def test_nobody_may_do_nothing_and_rolecall_itself_and_the_command_line_everything(action):
    require(SYSTEM, action)
    require(COMMAND_LINE, action)
    with pytest.raises(Forbidden):
        require(NOBODY, action)


def test_a_provisioner_may_not_make_keys():
    with pytest.raises(Forbidden):
        require(PROVISIONER, Action.API_KEY_CREATE)


ACTIONS = frozensets(sampled_from(Action))
TEAMS = sampled_from([ROOT, "sales", "support"])


@given(held=ACTIONS, granted=ACTIONS, acts_in=none() | TEAMS, team=TEAMS)
def test_nobody_grants_what_they_do_not_hold_where_they_do_not_hold_it(held, granted, acts_in, team):
    actor = Actor(kind=ActorKind.API_KEY, actions=held, team_id=acts_in)
    may = granted <= held and acts_in in {None, ROOT, team}
    if may:
        require_may_grant(actor, granted, team_id=team)
        return
    with pytest.raises(ActionNotHeld) as refused:
        require_may_grant(actor, granted, team_id=team)
    missing = ", ".join(sorted(action.value for action in granted - held))
    assert refused.value.about in ({"actions": missing}, {"team_id": team})
