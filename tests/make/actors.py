"""Who asks, in tests?"""

from dataclasses import replace

from rolecall.authorization.actions import ROLE_ACTIONS, Action, RoleName
from rolecall.authorization.actor import Actor, ActorKind

ADMINISTRATOR = Actor(
    kind=ActorKind.API_KEY,
    actions=ROLE_ACTIONS[RoleName.ADMIN],
    user_name="an administrator",
    request_id="request-of-administrator",
)
PROVISIONER = Actor(
    kind=ActorKind.API_KEY,
    actions=ROLE_ACTIONS[RoleName.SCIM_PROVISIONER],
    user_name="an identity provider",
    request_id="request-of-provider",
)


def all_but(action: Action) -> Actor:
    """Somebody who may do everything but this."""
    return replace(ADMINISTRATOR, actions=ADMINISTRATOR.actions - {action})
