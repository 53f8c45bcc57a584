"""Who loses an assignment by what a SCIM connection does, and when is that too much?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rolecall.connections.guard import decide, store
from rolecall.connections.guard.store import Limits
from rolecall.connections.held.changes import hold, place_of_body
from rolecall.connections.held.errors import ChangeIsHeld
from rolecall.connections.held.model import HeldChange, HeldChangeId, HeldState, Losses, Sent
from rolecall.connections.preview.decide import effects_of, users_in
from rolecall.directory import grounds, reconcile
from rolecall.directory.model import UserId, ground_of
from rolecall.kernel.ids import new_id
from rolecall.storage.errors import Remembered
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import WriteTx

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Holds what a SCIM connection sends, when it takes something from too many people within an hour."""

    keys: KeyRing
    """With which is sealed what was sent."""

    def over(self, change: Callable[[WriteTx], T], sent: Callable[[], Sent]) -> Callable[[WriteTx], T]:
        """Return the change as a connection may make it. It is checked behind the reactions.

        That asks the database nothing, and `sent` for nothing, unless somebody may have lost something.

        Raises, when the change is run to its end: ChangeIsHeld.
        """

        def run(tx: WriteTx) -> T:
            tx.checks.append(lambda tx: self._check(tx, sent))
            return change(tx)

        return run

    def _check(self, tx: WriteTx, sent: Callable[[], Sent]) -> None:
        connection_id = tx.actor.connection_id
        if connection_id is None or not decide.may_take(tx.recorded):
            return
        losing = _losing(tx)
        if not losing:
            return
        # Behind all other locks; only whoever takes something waits for others of the same connection.
        limits = store.lock_limits(tx, connection_id, retry_key=sent().retry_key(connection_id))
        if limits is None or limits.is_validation or not decide.is_guarding(limits.percent):
            return
        most = decide.limit(people=limits.people, percent=limits.percent, holders=limits.holders)
        lost = store.add_losses(tx, connection_id, losing, since=tx.now - decide.WINDOW)
        # Somebody decides about it, also when the hour has room for it again by now.
        if limits.held_id is not None or lost > most:
            raise self._held(tx, limits, sent(), Losses(losing=len(losing), lost=lost, limit=most))

    def _held(self, tx: WriteTx, limits: Limits, sent: Sent, losses: Losses) -> ChangeIsHeld:
        held_id = HeldChangeId(new_id(tx.now))
        held = HeldChange(
            id=held_id,
            connection_id=limits.connection_id,
            connection_name=limits.name,
            state=HeldState.HELD,
            sent=sent,
            losses=losses,
            request_id=tx.actor.request_id,
            tries=1,
            held_at=tx.now,
            last_tried_at=tx.now,
        )
        # Before the rollback: where it cannot be sealed, the call is refused for that.
        sealed = self.keys.seal(sent.body.decode(), place=place_of_body(held_id)) if sent.body else None

        def remember(error: Remembered, tx: WriteTx) -> None:
            error.about["held_change_id"] = kept = hold(tx, held, sealed_body=sealed)
            error.detail = decide.told(kept, losses)

        known = limits.held_id or held_id
        return ChangeIsHeld(decide.told(known, losses), remember=remember, held_change_id=known)


def _losing(tx: WriteTx) -> frozenset[UserId]:
    """Return who loses an assignment by all that has happened, and by what jobs will make of it."""
    users = users_in(tx.recorded)
    held, active = grounds.find_holdings(tx, users) if users else (frozenset(), frozenset())
    _gained, lost = effects_of(tx.recorded, held, active)
    at_once = frozenset(each.user_id for each in lost)
    return at_once.union(*(reconcile.list_losing(tx, ground_of(source)) for source in decide.begun_in(tx.recorded)))
