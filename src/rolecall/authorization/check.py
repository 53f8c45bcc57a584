"""May this actor do this?"""

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ROOT
from rolecall.kernel.errors import Forbidden


def require(actor: Actor, action: Action) -> None:
    """Return when the actor may do it.

    Raises: Forbidden, naming the action.
    """
    if action not in actor.actions:
        raise Forbidden(f"This needs the action {action.value}, which the caller does not hold.", action=action.value)


def require_may_grant(actor: Actor, actions: frozenset[Action], *, team_id: str = ROOT) -> None:
    """Return when the actor may let somebody have these actions in a team: nobody grants what they do not hold.

    What an actor holds in Root it holds everywhere; what it holds in another team, there alone.

    Raises: ActionNotHeld, naming the actions.
    """
    if actor.team_id not in {None, ROOT, team_id}:
        raise ActionNotHeld("Somebody who acts in one team gives nothing in another.", team_id=team_id)
    missing = sorted(action.value for action in actions - actor.actions)
    if missing:
        raise ActionNotHeld(
            f"Nobody grants an action that they do not hold; the caller does not hold: {', '.join(missing)}.",
            actions=", ".join(missing),
        )
