"""How does a test run jobs as a server does, in this process or in one that it may kill?

`python -m tests.make.jobs URL FOLDER` serves jobs of the kind `test.write` until it is ended.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rolecall import reactions
from rolecall.authorization.actor import SYSTEM
from rolecall.events import log
from rolecall.jobs import queue
from rolecall.jobs.jobs import get_job
from rolecall.jobs.model import Declared, Job, JobId, JobState
from rolecall.jobs.runner import Handler, Runner
from rolecall.kernel.clock import Clock, system_clock
from rolecall.storage.engine import open_database
from rolecall.storage.notices import Notices
from rolecall.storage.transactions import Transactions

WRITE = "test.write"
SHORT_LEASE = timedelta(seconds=1)
_SECONDS = 20.0


@contextmanager
def transactions_on(url: str, clock: Clock = system_clock) -> Iterator[tuple[Transactions, Notices]]:
    """Open a migrated database as `main` does; close it at the end."""
    database = open_database(url)
    notices = Notices(database, queue.CHANNEL)
    steps = (reactions.react, log.append_recorded, notices.pass_on)
    transactions = Transactions(database, clock=clock, before_commit=steps)
    try:
        yield transactions, notices
    finally:
        transactions.close()


@contextmanager
def running(
    url: str, handlers: Mapping[str, Handler], declared: tuple[Declared, ...] = (), clock: Clock = system_clock
) -> Iterator[tuple[Transactions, Runner]]:
    """Do jobs on a migrated database for as long as the block lasts."""
    with transactions_on(url, clock) as (transactions, notices):
        runner = Runner(transactions, notices, clock=clock, handlers=handlers, declared=declared)
        runner.start()
        try:
            yield transactions, runner
        finally:
            runner.stop(grace_seconds=0)


def wait_until(holds: Callable[[], bool], seconds: float = _SECONDS) -> None:
    """Return as soon as something holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.005)


def state_of(transactions: Transactions, job_id: JobId) -> JobState:
    """Return where a job is."""
    return transactions.run_read(SYSTEM, lambda tx: get_job(tx, job_id)).state


def write_attempt(transactions: Transactions, job: Job, folder: Path) -> None:
    """Leave a file for this attempt, then never come to an end."""
    (folder / str(job.attempt)).touch()
    time.sleep(3_600)


if __name__ == "__main__":
    where = Path(sys.argv[2])
    with running(sys.argv[1], {WRITE: lambda transactions, job: write_attempt(transactions, job, where)}):
        time.sleep(3_600)
