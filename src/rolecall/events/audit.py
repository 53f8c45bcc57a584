"""Who called what, with which outcome?

Each call leaves a *result*; each write also an *intent*, handed over before the change is tried. An
intent without a result means: not applied.
"""

from dataclasses import dataclass

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events import store
from rolecall.events.calls import Call
from rolecall.events.model import AuditRecord
from rolecall.kernel.errors import DomainError
from rolecall.storage.transaction import ReadTx, WriteTx


@dataclass(frozen=True, slots=True)
class CallJournal:
    """Writes one call down beside its change: the intent before, the result with it."""

    call: Call

    def intend(self, tx: WriteTx) -> None:
        """Write the intent."""
        store.insert_intent(tx, self.call)

    def applied(self, tx: WriteTx) -> None:
        """Write the result together with the change."""
        store.insert_result(tx, self.call)
        self.call.recorded = True

    def refused(self, tx: WriteTx, error: DomainError) -> None:
        """Write the refusal after the rollback."""
        self.call.refuse(error)
        store.insert_result(tx, self.call)
        self.call.recorded = True


def record_results(tx: WriteTx, calls: list[Call]) -> None:
    """Write the results of calls that changed nothing: reads and refusals, many at a time."""
    store.insert_results(tx, calls)


def list_records(tx: ReadTx, *, limit: int, before: int | None = None) -> tuple[AuditRecord, ...]:
    """Return the newest records first, at most `limit`, with sequence numbers below `before`.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    return store.list_records(tx, limit=limit, before=before)
