import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import COMMAND_LINE, NOBODY, SYSTEM, Actor, ActorKind
from rolecall.authorization.check import require
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
