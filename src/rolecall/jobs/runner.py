"""Who does the jobs, and when?"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from rolecall.authorization.actor import SYSTEM
from rolecall.jobs import queue, schedules
from rolecall.jobs.errors import GiveUp, JobCancelWanted, JobLeaseLost
from rolecall.jobs.model import Declared, Job, JobId, JobState
from rolecall.kernel.clock import Clock
from rolecall.kernel.errors import DomainError
from rolecall.kernel.ids import new_id
from rolecall.storage.notices import Notices
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.logging import get_logger, mask, with_fields

_log = get_logger(__name__)

Handler: TypeAlias = Callable[[Transactions, Job], None]
"""What is done for jobs of one kind. Runs in a thread and outside any transaction, and makes many small ones.

In each it calls `queue.advance`, unless it is through within its lease. It may run more than once for one job,
so it must not matter if what it does has been done already. Any exception lets it be tried again, `GiveUp` ends it.
"""

THREADS: Final = 4
_LONGEST_PAUSE_SECONDS: Final = 1.0
_SHORTEST_PAUSE_SECONDS: Final = 0.05
_GRACE_SECONDS: Final = 5.0


class Runner:
    """Takes jobs that are due and does them in threads of its own; adds those that schedules ask for.

    Any number of runners, in one process or in many, may share a database. `stop` waits a few seconds for
    what runs, then gives it back: the next runner goes on with it at once.
    """

    def __init__(
        self,
        transactions: Transactions,
        notices: Notices,
        *,
        clock: Clock,
        handlers: Mapping[str, Handler],
        declared: tuple[Declared, ...] = (),
        observe: Callable[[str, str], None] = lambda _kind, _outcome: None,
    ) -> None:
        self._transactions = transactions
        self._notices = notices
        self._clock = clock
        self._handlers = handlers
        self._declared = declared
        self._observe = observe
        self._name = new_id(clock())
        self._stopping = threading.Event()
        self._changing = threading.Condition()
        self._running: dict[JobId, Job] = {}
        self._thread = threading.Thread(target=self._serve, name="rolecall-jobs", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def stop(self, grace_seconds: float = _GRACE_SECONDS) -> None:
        """Take no more jobs, wait for those that run, give back those that take longer."""
        self._stopping.set()
        self._notices.wake()
        self._thread.join()
        with self._changing:
            self._changing.wait_for(lambda: not self._running, timeout=grace_seconds)
            left = list(self._running.values())
        for job in left:
            # Whatever it would still write is refused from here on: it is no longer this runner's.
            self._note(job, queue.give_back)

    def _serve(self) -> None:
        settled, woken = False, True
        while not self._stopping.is_set():
            pause = _LONGEST_PAUSE_SECONDS
            try:
                if not settled:
                    self._write(partial(schedules.settle_schedules, declared=self._declared))
                    settled = True
                pause = self._take(look_first=not woken)
            except Exception:  # noqa: BLE001  # the runner outlives any failure
                # Most often the database is away for a while; the jobs are still there when it is back.
                _log.warning("Jobs cannot be taken now.", exc_info=True)
            woken = self._notices.wait(pause)
        self._notices.close()

    def _take(self, *, look_first: bool) -> float:
        """Begin what is due, as far as there are free threads; return how many seconds there is nothing to do.

        Looking first is cheap. But it may be too early for what this process was just told of, on SQLite: only
        whoever writes stands in line behind that.
        """
        free = THREADS - len(self._running)
        if free == 0:
            return _LONGEST_PAUSE_SECONDS
        if look_first:
            seconds = self._seconds_to_next()
            if seconds > 0:
                return seconds
        taken = self._write(partial(self._take_due, limit=free))
        for job in taken:
            with self._changing:
                self._running[job.id] = job
            threading.Thread(target=self._run, args=(job,), name=f"rolecall-job-{job.kind}", daemon=True).start()
        if taken:
            return 0.0
        # Nothing taken though something is due: another runner is just taking it.
        return max(self._seconds_to_next(), _SHORTEST_PAUSE_SECONDS)

    def _seconds_to_next(self) -> float:
        def ask(tx: ReadTx) -> float:
            due = [at for at in (queue.next_due(tx, self._handlers), schedules.next_scheduled(tx)) if at is not None]
            return min(((at - tx.now).total_seconds() for at in due), default=_LONGEST_PAUSE_SECONDS)

        return min(self._transactions.run_read(SYSTEM, ask), _LONGEST_PAUSE_SECONDS)

    def _take_due(self, tx: WriteTx, *, limit: int) -> tuple[Job, ...]:
        schedules.enqueue_due(tx)
        return queue.take_jobs(tx, kinds=self._handlers, runner=self._name, limit=limit)

    def _run(self, job: Job) -> None:
        with with_fields(job_id=job.id, request_id=job.request_id):
            try:
                outcome = self._do(job)
            finally:
                with self._changing:
                    self._running.pop(job.id)
                    self._changing.notify_all()
                self._notices.wake()
            self._observe(job.kind, outcome)

    def _do(self, job: Job) -> str:
        """Do a job and note how it went; return what became of it."""
        try:
            self._handlers[job.kind](self._transactions, job)
        except JobLeaseLost:
            _log.warning("A job was silent for longer than its lease; another runner has it.", kind=job.kind)
            return "lost"
        except JobCancelWanted:
            return self._note(job, queue.end_on_wish, otherwise="cancelled")
        except GiveUp as error:
            return self._note(job, partial(queue.fail, error=_words(error), again=False))
        except Exception as error:  # noqa: BLE001  # whatever a job does wrong is noted with it
            unforeseen = not isinstance(error, DomainError)
            _log.warning(
                "A job failed.", kind=job.kind, attempt=job.attempt, because=_words(error), exc_info=unforeseen
            )
            return self._note(job, partial(queue.fail, error=_words(error)))
        return self._note(job, queue.finish, otherwise="done")

    def _note(self, job: Job, step: Callable[[WriteTx, Job], Job | None], *, otherwise: str = "given back") -> str:
        try:
            after = self._transactions.run_write(queue.actor_for(job), lambda tx: step(tx, job))
        except DomainError as error:
            # The lease was lost, or the database is away: then the lease ends, and somebody takes the job anew.
            _log.warning("What became of a job could not be noted.", kind=job.kind, because=error.detail)
            return "lost"
        if after is None:
            return otherwise
        return "failed" if after.state is JobState.WAITING else after.state.value

    def _write(self, change: Callable[[WriteTx], "tuple[Job, ...] | None"]) -> tuple[Job, ...]:
        return self._transactions.run_write(SYSTEM, change) or ()


def _words(error: Exception) -> str:
    """Return why a job failed, as far as it may be kept: without secrets, and without NUL, which no column takes."""
    said = error.detail if isinstance(error, DomainError) else str(error)
    return mask(f"{type(error).__name__}: {said}" if said else type(error).__name__).replace("\x00", "")
