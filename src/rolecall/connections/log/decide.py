"""What do events say of who gained and lost what?"""

from collections.abc import Iterable
from typing import Final

from rolecall.authorization.actor import ActorKind
from rolecall.connections.log.model import Counts, Effect, EffectKind
from rolecall.directory.events import (
    ReconciliationFinished,
    ReconciliationStarted,
    RoleAssigned,
    RoleRemoved,
    UserDeactivated,
    UserDeleted,
    UserReactivated,
)
from rolecall.events.model import LoggedEvent

_KINDS: Final = {
    RoleAssigned.type: EffectKind.ROLE_GAINED,
    RoleRemoved.type: EffectKind.ROLE_LOST,
    UserDeactivated.type: EffectKind.ACCESS_ENDED,
    UserReactivated.type: EffectKind.ACCESS_RESTORED,
    UserDeleted.type: EffectKind.USER_DELETED,
}
_ENDS: Final = frozenset({EffectKind.ACCESS_ENDED, EffectKind.USER_DELETED})

AT_ONCE: Final = frozenset({*_KINDS, ReconciliationStarted.type})
"""Types of events that tell what a call did in its own transaction."""
LATER: Final = frozenset({RoleAssigned.type, RoleRemoved.type, ReconciliationFinished.type})
"""Types of events that tell what a job made of it."""


def effects_of(events: Iterable[LoggedEvent], *, by_job: bool = False) -> tuple[Effect, ...]:
    """Return who gained and lost what, in the order of the events."""
    return tuple(_effect_of(event, by_job=by_job) for event in events if event.type in _KINDS)


def counts_of(events: Iterable[LoggedEvent]) -> Counts:
    """Return how much there is of each, in the events of one transaction."""
    types = [event.type for event in events]
    kinds = [_KINDS.get(each) for each in types]
    return Counts(
        gained=kinds.count(EffectKind.ROLE_GAINED),
        lost=kinds.count(EffectKind.ROLE_LOST),
        ended=sum(kind in _ENDS for kind in kinds),
        goes_on=ReconciliationStarted.type in types,
    )


def sources_begun(events: Iterable[LoggedEvent]) -> frozenset[str]:
    """Return the sources with which a job was to go on."""
    return frozenset(str(event.data["source"]) for event in events if event.type == ReconciliationStarted.type)


def followed(events: Iterable[LoggedEvent], sources: frozenset[str]) -> tuple[tuple[Effect, ...], frozenset[str]]:
    """Return what the job made for these sources, and those that it has not come to the end of.

    Another call may have begun the same source meanwhile: one job does both, so both calls show it.
    """
    waiting = set(sources)
    made = []
    for event in events:
        source = str(event.data["source"])
        if event.actor_kind != ActorKind.SYSTEM.value or source not in waiting:
            continue
        if event.type == ReconciliationFinished.type:
            waiting.remove(source)
        else:
            made.append(event)
    return effects_of(made, by_job=True), frozenset(waiting)


def _effect_of(event: LoggedEvent, *, by_job: bool) -> Effect:
    data = event.data
    named = {name: str(data[name]) for name in ("team_id", "role", "source") if name in data}
    return Effect(
        kind=_KINDS[event.type],
        at=event.happened_at,
        user_id=str(data["user_id"]),
        user_name=str(data["user_name"]),
        by_job=by_job,
        **named,
    )
