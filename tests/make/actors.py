"""Who asks, in tests?"""

from dataclasses import replace

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor, ActorKind
from rolecall.authorization.roles import ADMIN, ROLE_ACTIONS, SCIM_PROVISIONER

ADMINISTRATOR = Actor(
    kind=ActorKind.API_KEY,
    actions=ROLE_ACTIONS[ADMIN],
    user_name="an administrator",
    request_id="request-of-administrator",
)
PROVISIONER = Actor(
    kind=ActorKind.API_KEY,
    actions=ROLE_ACTIONS[SCIM_PROVISIONER],
    user_name="an identity provider",
    request_id="request-of-provider",
)


def all_but(action: Action) -> Actor:
    """Somebody who may do everything but this."""
    return replace(ADMINISTRATOR, actions=ADMINISTRATOR.actions - {action})
