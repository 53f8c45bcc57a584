"""Can a change have taken something from somebody, and from how many people may an hour's changes take something?"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from rolecall.connections.held.model import HeldChangeId, Losses
from rolecall.directory.events import ReconciliationStarted, RoleRemoved, UserDeactivated, UserDeleted
from rolecall.kernel.event import Event

WINDOW: Final = timedelta(hours=1)
_WHOLE: Final = 100


def may_take(events: Iterable[Event]) -> bool:
    """Return whether somebody can have lost something, at once or by a job that goes on."""
    return any(
        isinstance(event, RoleRemoved | UserDeactivated | ReconciliationStarted)
        or (isinstance(event, UserDeleted) and event.was_active and bool(event.lost))
        for event in events
    )


def begun_in(events: Iterable[Event]) -> list[str]:
    """Return the sources with which a job is to go on."""
    return sorted({event.source for event in events if isinstance(event, ReconciliationStarted)})


def limit(*, people: int, percent: int, holders: int) -> int:
    """Return how many people may lose something in an hour."""
    return max(people, holders * percent // _WHOLE)


def is_guarding(percent: int) -> bool:
    """Return whether there is a limit at all."""
    return percent < _WHOLE


def told(held_id: HeldChangeId, losses: Losses) -> str:
    """Return the sentence that says why a change is held."""
    return (
        f"Held as {held_id}: {_people(losses.losing)} would lose an assignment by this change, and with it "
        f"{losses.lost} within an hour by this connection; its guard allows {losses.limit}. Nothing was changed. "
        "An administrator can release or drop the held change."
    )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
