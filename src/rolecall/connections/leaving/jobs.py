"""How does a SCIM connection leave, and come back, in the background?"""

from rolecall.connections.leaving.decommissioning import leave_slice, return_slice, settle_slice
from rolecall.connections.leaving.model import Leaving
from rolecall.jobs import queue
from rolecall.jobs.model import Job
from rolecall.storage.transaction import WriteTx
from rolecall.storage.transactions import Transactions


def leave(transactions: Transactions, job: Job) -> None:
    """Let all that a connection owns become what was chosen, some of it a transaction."""
    connection_id = str(job.payload["connection_id"])

    def step(tx: WriteTx) -> Leaving | None:
        return _noted(tx, job, leave_slice(tx, connection_id))

    while transactions.run_write(queue.actor_for(job), step) is not None:
        pass


def come_back(transactions: Transactions, job: Job) -> None:
    """Bring back all that a connection has left, some of it a transaction."""
    connection_id = str(job.payload["connection_id"])

    def step(tx: WriteTx) -> Leaving | None:
        return _noted(tx, job, return_slice(tx, connection_id))

    while transactions.run_write(queue.actor_for(job), step) is not None:
        pass


def settle(transactions: Transactions, job: Job) -> None:
    """End the time to undo, unless it has been undone."""
    connection_id = str(job.payload["connection_id"])
    deleted = 0

    def step(tx: WriteTx) -> int:
        found = settle_slice(tx, connection_id)
        queue.advance(tx, job, done=deleted + found)
        return found

    while found := transactions.run_write(queue.actor_for(job), step):
        deleted += found


def _noted(tx: WriteTx, job: Job, progress: Leaving | None) -> Leaving | None:
    if progress is not None:
        queue.advance(tx, job, done=progress.done, total=progress.total, message=progress.stage.value)
    return progress
