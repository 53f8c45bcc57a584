"""What can be done with held changes?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.authorization.check import require
from rolecall.connections.decide import acting_within
from rolecall.connections.events import ChangeHeld, HeldChangeDropped, HeldChangeReleased
from rolecall.connections.held import store
from rolecall.connections.held.errors import AlreadyDecided
from rolecall.connections.held.model import Decision, HeldChange, HeldChangeId, HeldSearch, HeldState, Sent
from rolecall.kernel.errors import DomainError, NotFound
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import Journal, ReadTx, WriteTx


def hold(tx: WriteTx, held: HeldChange, *, sealed_body: str | None) -> HeldChangeId:
    """Keep a change that was just refused, or note that it was sent again; return the id under which it is held.

    For the guard, after the rollback. Needs no action: it allows nothing.
    """
    held_id, tries = store.add_held_change(tx, held, sealed_body=sealed_body)
    if tries == 1:
        tx.record(
            ChangeHeld(
                connection_id=held.connection_id,
                name=held.connection_name,
                held_change_id=held_id,
                method=held.sent.method,
                path=held.sent.path,
                losing=held.losses.losing,
                lost=held.losses.lost,
                limit=held.losses.limit,
            )
        )
    return held_id


def place_of_body(held_id: HeldChangeId) -> str:
    """Return the place for which the body of a held change has to be sealed."""
    return store.place_of_body(held_id)


def get_held_change(tx: ReadTx, held_id: str) -> HeldChange:
    """Return one held change, without its body.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.HELD_CHANGE_LIST)
    return _known(store.find_held_change(tx, held_id), held_id)


def list_held_changes(tx: ReadTx, wanted: HeldSearch) -> list[HeldChange]:
    """Return held changes without their bodies, oldest or newest first.

    Raises: Forbidden.
    """
    require(tx.actor, Action.HELD_CHANGE_LIST)
    return store.list_held_changes(tx, wanted)


def get_sent(tx: ReadTx, keys: KeyRing, held_id: str) -> tuple[HeldChange, Sent]:
    """Return a change that is still held, and what was sent, with its body.

    Whoever shows it shows no secret of the body.

    Raises: Forbidden, NotFound, AlreadyDecided, SecretKeyMissing, SealBroken.
    """
    held = get_held_change(tx, held_id)
    _check_undecided(held)
    sealed = store.find_sealed_body(tx, held.id)
    body = b"" if sealed is None else keys.unseal(sealed, place=store.place_of_body(held.id)).encode()
    return held, replace(held.sent, body=body)


def as_connection(actor: Actor, held: HeldChange) -> Actor:
    """Return who makes or rehearses a held change: the same person, within what the connection may touch.

    Raises: Forbidden.
    """
    require(actor, Action.HELD_CHANGE_LIST)
    return acting_within(actor, held.connection_id)


def release_held_change(tx: WriteTx, held_id: str, perform: Callable[[WriteTx], int]) -> HeldChange:
    """Make a held change by `perform`, which returns the status of its answer. To be called `as_connection`.

    It has no limit, and what is lost by it counts for none.

    Raises: Forbidden, NotFound, AlreadyDecided, and what `perform` is refused with: then it stays held.
    """
    require(tx.actor, Action.HELD_CHANGE_DECIDE)
    held = _get_to_decide(tx, held_id)
    decision = _decision(tx, status=perform(tx))
    store.save_decision(tx, held.id, HeldState.RELEASED, decision)
    tx.record(
        HeldChangeReleased(
            connection_id=held.connection_id,
            name=held.connection_name,
            held_change_id=held.id,
            status=decision.status or 0,
        )
    )
    return replace(held, state=HeldState.RELEASED, decision=decision, refusal=None)


def drop_held_change(tx: WriteTx, held_id: str) -> HeldChange:
    """Decide that a held change will not be made. If it is sent again, it is looked at anew.

    Raises: Forbidden, NotFound, AlreadyDecided.
    """
    require(tx.actor, Action.HELD_CHANGE_DECIDE)
    held = _get_to_decide(tx, held_id)
    decision = _decision(tx, status=None)
    store.save_decision(tx, held.id, HeldState.DROPPED, decision)
    tx.record(HeldChangeDropped(connection_id=held.connection_id, name=held.connection_name, held_change_id=held.id))
    return replace(held, state=HeldState.DROPPED, decision=decision, refusal=None)


def count_held(tx: ReadTx, connection_id: str) -> int:
    """Return how many changes of a connection are held.

    Raises: Forbidden.
    """
    require(tx.actor, Action.HELD_CHANGE_LIST)
    return store.count_held(tx, connection_id)


@dataclass(frozen=True, slots=True)
class ReleaseJournal:
    """Writes down the call that releases a change; when it is refused, also why, beside the change that stays held."""

    inner: Journal
    held_id: str

    def intend(self, tx: WriteTx) -> None:
        """Write the intent."""
        self.inner.intend(tx)

    def applied(self, tx: WriteTx) -> None:
        """Write the result."""
        self.inner.applied(tx)

    def refused(self, tx: WriteTx, error: DomainError) -> None:
        """Write the refusal, for the log and for whoever looks at the held change next."""
        self.inner.refused(tx, error)
        store.save_refusal(tx, self.held_id, f"{error.code}: {error.detail}")


def delete_decided(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Delete held changes that were decided before an instant, at most `limit`; return how many.

    Raises: Forbidden.
    """
    require(tx.actor, Action.HELD_CHANGE_DECIDE)
    return store.delete_decided(tx, before=before, limit=limit)


def _get_to_decide(tx: WriteTx, held_id: str) -> HeldChange:
    held = _known(store.find_held_change_to_decide(tx, held_id), held_id)
    _check_undecided(held)
    return held


def _check_undecided(held: HeldChange) -> None:
    if held.state is not HeldState.HELD:
        raise AlreadyDecided(f"The change was {held.state.value.lower()} already.", held_change_id=held.id)


def _decision(tx: WriteTx, *, status: int | None) -> Decision:
    return Decision(at=tx.now, user_id=tx.actor.user_id, user_name=tx.actor.user_name, status=status)


def _known(held: HeldChange | None, held_id: str) -> HeldChange:
    if held is None:
        raise NotFound(f"There is no held change with the id {held_id}.", held_change_id=held_id)
    return held
