"""What follows from what happened, in the same transaction? Read it to know."""

from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from typing import Any, Final

from rolecall.authentication import api_keys
from rolecall.authentication.events import ApiKeyDeleted, ApiKeyExpirySet, ApiKeyRevoked
from rolecall.connections.events import ConnectionChanged
from rolecall.directory import installation, reconcile
from rolecall.directory.events import (
    GroupChanged,
    GroupCreated,
    GroupDeleted,
    GroupMembersChanged,
    PublicUrlSet,
    ReconciliationStarted,
    RoleAssigned,
    RoleChanged,
    RoleCreated,
    RoleDeleted,
    RoleRemoved,
    ScimEnabled,
    ScimSwitchedOff,
    TeamChanged,
    TeamCreated,
    TeamDeleted,
    UserChanged,
    UserDeactivated,
    UserDeleted,
    UserValuesChanged,
)
from rolecall.kernel.event import Event
from rolecall.mapping import choices, mappings, matching
from rolecall.storage.transaction import WriteTx

REACTIONS: Final[tuple[tuple[type[Event], Callable[[WriteTx, Any], None]], ...]] = (
    (UserDeactivated, api_keys.revoke_all_of_user),
    (UserDeleted, api_keys.revoke_all_of_user),
    (UserChanged, api_keys.tell_new_name),
    (ApiKeyDeleted, installation.raise_access_version),
    (ApiKeyRevoked, installation.raise_access_version),
    (TeamDeleted, api_keys.revoke_all_in_team),
    # Mappings first, so that what they give is known when it is given.
    (GroupCreated, matching.follow_group),
    (GroupChanged, matching.follow_group),
    (UserValuesChanged, matching.follow_values),
    (UserValuesChanged, reconcile.follow_values),
    (GroupMembersChanged, reconcile.follow_members),
    (GroupDeleted, reconcile.follow_group_deletion),
    (GroupDeleted, matching.forget_group),
    (TeamDeleted, mappings.forget_target),
    (RoleDeleted, mappings.forget_target),
    (RoleDeleted, reconcile.follow_role_deletion),
    (RoleDeleted, choices.forget_role),
    (TeamCreated, choices.follow_names),
    (TeamChanged, choices.follow_names),
    (RoleCreated, choices.follow_names),
    (RoleChanged, choices.follow_names),
    (ReconciliationStarted, installation.raise_access_version),
    (ReconciliationStarted, reconcile.enqueue_reconciliation),
    (TeamChanged, installation.raise_access_version),
    (RoleChanged, installation.raise_access_version),
    (RoleDeleted, installation.raise_access_version),
    (PublicUrlSet, installation.raise_access_version),
    (ScimEnabled, installation.raise_access_version),
    (ScimSwitchedOff, installation.raise_access_version),
    (ConnectionChanged, installation.raise_access_version),
    (ApiKeyExpirySet, installation.raise_access_version),
)

# Of these, one change may record very many: what follows looks at all that stand side by side, at once.
REACTIONS_TO_MANY: Final[tuple[tuple[type[Event], Callable[[WriteTx, Sequence[Any]], None]], ...]] = (
    (RoleAssigned, api_keys.tell_new_roles),
    (RoleRemoved, api_keys.tell_new_roles),
)

_FOLLOWS: Final = {kind: tuple(reaction for each, reaction in REACTIONS if each is kind) for kind in dict(REACTIONS)}
_FOLLOWS_MANY: Final = dict(REACTIONS_TO_MANY)


def react(tx: WriteTx) -> None:
    """Carry out what follows from the events of a transaction, in the order of `REACTIONS`.

    What a reaction records is reacted to in turn.
    """
    done = 0
    while done < len(tx.recorded):
        event = tx.recorded[done]
        to_many = _FOLLOWS_MANY.get(type(event))
        if to_many is not None:
            alike = _alike(tx.recorded, done)
            done += len(alike)
            to_many(tx, alike)
            continue
        done += 1
        for reaction in _FOLLOWS.get(type(event), ()):
            reaction(tx, event)


def _alike(recorded: Sequence[Event], start: int) -> list[Event]:
    """Return the events of one type that stand side by side from there on."""
    kind = type(recorded[start])
    return list(takewhile(lambda each: type(each) is kind, islice(recorded, start, None)))
