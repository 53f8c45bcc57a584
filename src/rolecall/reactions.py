"""What follows from what happened, in the same transaction? Read it to know."""

from collections.abc import Callable
from typing import Any, Final

from rolecall.authentication import api_keys
from rolecall.authentication.events import ApiKeyDeleted, ApiKeyRevoked
from rolecall.directory import installation
from rolecall.directory.events import (
    PublicUrlSet,
    RoleAssigned,
    RoleChanged,
    RoleDeleted,
    RoleRemoved,
    ScimEnabled,
    TeamChanged,
    TeamDeleted,
    UserChanged,
    UserDeactivated,
    UserDeleted,
)
from rolecall.kernel.event import Event
from rolecall.storage.transaction import WriteTx

REACTIONS: Final[tuple[tuple[type[Event], Callable[[WriteTx, Any], None]], ...]] = (
    (UserDeactivated, api_keys.revoke_all_of_user),
    (UserDeleted, api_keys.revoke_all_of_user),
    (UserChanged, api_keys.tell_new_name),
    (ApiKeyDeleted, installation.raise_access_version),
    (ApiKeyRevoked, installation.raise_access_version),
    (RoleAssigned, api_keys.tell_new_roles),
    (RoleRemoved, api_keys.tell_new_roles),
    (TeamDeleted, api_keys.revoke_all_in_team),
    (TeamChanged, installation.raise_access_version),
    (RoleChanged, installation.raise_access_version),
    (RoleDeleted, installation.raise_access_version),
    (PublicUrlSet, installation.raise_access_version),
    (ScimEnabled, installation.raise_access_version),
)


def react(tx: WriteTx) -> None:
    """Carry out what follows from the events of a transaction, in the order of `REACTIONS`.

    What a reaction records is reacted to in turn.
    """
    done = 0
    while done < len(tx.recorded):
        event = tx.recorded[done]
        done += 1
        for kind, reaction in REACTIONS:
            if isinstance(event, kind):
                reaction(tx, event)
