"""May this actor do this?"""

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.kernel.errors import Forbidden


def require(actor: Actor, action: Action) -> None:
    """Return when the actor may do it.

    Raises: Forbidden, naming the action.
    """
    if action not in actor.actions:
        raise Forbidden(f"This needs the action {action.value}, which the caller does not hold.", action=action.value)
