"""What would changes return, touch, give and take, in a rehearsal?"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from rolecall.authorization.actor import SYSTEM
from rolecall.connections.preview import decide
from rolecall.connections.preview.model import Foreseen, Known, Radius
from rolecall.directory import grounds, groups, reconcile
from rolecall.directory.events import ReconciliationStarted
from rolecall.directory.model import Ground, Held, UserId, ground_of
from rolecall.directory.roles import find_role_name
from rolecall.directory.teams import find_team_name
from rolecall.kernel.event import Event
from rolecall.storage.rehearsal import Rehearsing
from rolecall.storage.transaction import ReadTx, WriteTx

T = TypeVar("T")

_CHUNK: Final = 1_000


class Foreseer:
    """Tells the radius of changes that are rehearsed one after the other, and of all of them together.

    What a job would go on with after a change is done within it, and counts as part of it. What jobs have not come to
    the end of when the rehearsal begins is done first, and counts for nobody.
    """

    def __init__(self, rehearsing: Rehearsing) -> None:
        self._rehearsing = rehearsing
        self._system = rehearsing.acting(SYSTEM)
        under_way = self._system.run(reconcile.list_reconciling)
        self._reconcile(each.ground for each in under_way)
        self._first = len(rehearsing.happened)

    def foresee(self, play: Callable[[Rehearsing], T]) -> Foreseen[T]:
        """Let `play` run changes, and return what it returns, with the radius of its changes.

        Raises: what `play` raises; changes that it ran before that count for `total` all the same.
        """
        start = len(self._rehearsing.happened)
        value = play(self._rehearsing)
        begun = [event for event in self._rehearsing.happened[start:] if isinstance(event, ReconciliationStarted)]
        self._reconcile(ground_of(event.source) for event in begun)
        return Foreseen(value=value, radius=self._radius(start))

    def total(self) -> Radius:
        """Return the radius of everything so far: what one change took and the next gave back is in neither list."""
        return self._radius(self._first)

    def _radius(self, start: int) -> Radius:
        events = self._rehearsing.happened[start:]
        return self._system.run(lambda tx: _radius_of(tx, events))

    def _reconcile(self, begun: Iterable[Ground]) -> None:
        for ground in begun:
            while self._system.run(_slice_of(ground)) is not None:
                pass


def foresee(rehearsing: Rehearsing, change: Callable[[WriteTx], T]) -> Foreseen[T]:
    """Return what one change would return, and its radius, with what a job would make of it.

    Raises: what `change` raises.
    """
    return Foreseer(rehearsing).foresee(lambda within: within.run(change))


def _slice_of(ground: Ground) -> Callable[[WriteTx], object]:
    return lambda tx: reconcile.rehearse_slice(tx, ground)


def _radius_of(tx: ReadTx, events: Sequence[Event]) -> Radius:
    users = sorted(decide.users_in(events))
    chunks = [users[start : start + _CHUNK] for start in range(0, len(users), _CHUNK)]
    found = [grounds.find_holdings(tx, each) for each in chunks]
    held = frozenset[Held]().union(*(held for held, _active in found))
    active = frozenset[UserId]().union(*(active for _held, active in found))
    gained, lost = decide.effects_of(events, held, active)
    targets = {each.target for each in gained | lost}
    known = Known(
        members={each: groups.count_members(tx, each) for each in decide.groups_in(events)},
        team_names={each.team_id: find_team_name(tx, each.team_id) for each in targets},
        role_names={each.role: find_role_name(tx, each.role) for each in targets},
    )
    return decide.radius_of(events, gained, lost, known)
