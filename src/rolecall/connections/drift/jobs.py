"""How are any number of differences repaired in the background?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from rolecall.authorization.actor import Actor
from rolecall.connections.drift.differences import as_provider, list_next, repair_listed
from rolecall.connections.drift.model import Difference, DriftKind, DriftSearch
from rolecall.jobs import queue
from rolecall.jobs.errors import JobCancelWanted, JobLeaseLost
from rolecall.jobs.model import Job
from rolecall.kernel.errors import DomainError, Unavailable
from rolecall.storage.transaction import WriteTx
from rolecall.storage.transactions import Transactions

SLICE: Final = 100
"""Differences of one transaction."""


@dataclass(slots=True, kw_only=True)
class _Repairing:
    """A job under way, and how far it is."""

    transactions: Transactions
    job: Job
    actor: Actor
    done: int = 0
    refused: int = 0

    def repair(self, some: Sequence[Difference]) -> bool:
        """Repair these in one transaction; return whether none of them was refused."""
        try:
            self.done = self.transactions.run_write(self.actor, partial(self._step, some=some))
        except (JobCancelWanted, JobLeaseLost, Unavailable):
            raise
        except DomainError:
            return False
        return True

    def _step(self, tx: WriteTx, *, some: Sequence[Difference]) -> int:
        done = self.done + repair_listed(tx, [each.id for each in some])
        queue.advance(tx, self.job, done=done, message=f"{self.refused} refused")
        return done


def repair(transactions: Transactions, job: Job) -> None:
    """Make all chosen things as the provider says, some a transaction. What is refused is passed over and stays.

    May begin anew at any time: what is repaired is in the list no more.
    """
    kind, about = job.payload["kind"], job.payload["about"]
    connection_id = str(job.payload["connection_id"])
    actor = as_provider(queue.actor_for(job), connection_id)
    repairing = _Repairing(transactions=transactions, job=job, actor=actor)
    wanted = DriftSearch(
        connection_id=connection_id,
        kind=None if kind is None else DriftKind(str(kind)),
        about=None if about is None else str(about),
        limit=SLICE,
    )
    while found := transactions.run_read(actor, partial(list_next, wanted=wanted)):
        if not repairing.repair(found):
            # One of them is refused, and would hold up the others.
            repairing.refused += [repairing.repair([each]) for each in found].count(False)
        wanted = replace(wanted, after=(found[-1].connection_id, found[-1].position))
