"""Does a runner do what it takes, whatever happens to it, on either database?"""

import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from rolecall.authorization.actor import SYSTEM
from rolecall.jobs import jobs, queue, schedules
from rolecall.jobs.errors import GiveUp
from rolecall.jobs.model import Declared, JobState
from rolecall.jobs.runner import THREADS
from rolecall.kernel.clock import system_clock
from tests.make.jobs import SHORT_LEASE, WRITE, running, state_of, transactions_on, wait_until

KIND = "test.do"


@dataclass
class Doer:
    """Notes the jobs that it is given, and may be held up or fail."""

    jobs: list = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def __call__(self, _transactions, job):
        self.jobs.append(job)
        assert self.go_on.wait(20)
        if self.error is not None:
            raise self.error


@pytest.fixture
def doer():
    return Doer()


@pytest.fixture
def url(installed):
    # A connection that stays open, as a server has: two that open an SQLite file at once may find it locked.
    assert installed.count_rows("job") == 0
    return installed.database.url


def enqueued(transactions, **options):
    def add(tx):
        return queue.enqueue(tx, **{"kind": KIND, "payload": {}, **options})

    return transactions.run_write(SYSTEM, add)


def shown(transactions, job_id):
    return transactions.run_read(SYSTEM, lambda tx: jobs.get_job(tx, job_id))


def test_a_job_is_done_as_soon_as_it_is_committed(url, doer):
    doer.go_on.set()
    with running(url, {KIND: doer}) as (transactions, _):
        for number in range(5):
            job_id = enqueued(transactions, payload={"number": number})
            wait_until(lambda job_id=job_id: state_of(transactions, job_id) is JobState.DONE)
            job = shown(transactions, job_id)
            # Well below the second after which it would have been found by looking.
            assert job.started_at - job.created_at < timedelta(seconds=0.5)
    assert [job.payload["number"] for job in doer.jobs] == list(range(5))


def test_a_job_of_another_process_is_found_too(url, doer):
    doer.go_on.set()
    with running(url, {KIND: doer}) as (transactions, _), transactions_on(url) as (others, _):
        job_id = enqueued(others)
        wait_until(lambda: state_of(transactions, job_id) is JobState.DONE)


def test_as_many_jobs_run_at_once_as_there_are_threads(url, doer):
    with running(url, {KIND: doer}) as (transactions, _):
        ids = [enqueued(transactions) for _ in range(THREADS + 3)]
        wait_until(lambda: len(doer.jobs) == THREADS)
        states = [state_of(transactions, job_id) for job_id in ids]
        assert states.count(JobState.RUNNING) == THREADS
        doer.go_on.set()
        wait_until(lambda: all(state_of(transactions, job_id) is JobState.DONE for job_id in ids))


def test_two_runners_do_every_job_once(url):
    seen = []

    def do(_transactions, job):
        seen.append(job.id)

    with transactions_on(url) as (transactions, _):
        ids = [enqueued(transactions) for _ in range(60)]
        with running(url, {KIND: do}), running(url, {KIND: do}):
            wait_until(lambda: all(state_of(transactions, job_id) is JobState.DONE for job_id in ids))
    assert sorted(seen) == sorted(ids)


def test_a_job_that_fails_waits_for_its_next_attempt_with_its_error(url, doer):
    doer.error = ValueError("no \x00 luck with Bearer abcdefghijkl")
    doer.go_on.set()
    with running(url, {KIND: doer}) as (transactions, _):
        job_id = enqueued(transactions)
        wait_until(lambda: shown(transactions, job_id).error is not None)
        job = shown(transactions, job_id)
    assert (job.state, job.attempt) == (JobState.WAITING, 1)
    assert job.error == "ValueError: no  luck with Bearer [masked]"
    assert timedelta(seconds=4) < job.due_at - job.started_at < timedelta(seconds=8)


def test_a_job_that_says_so_is_not_tried_again(url, doer):
    doer.error = GiveUp("The subscription is gone.")
    doer.go_on.set()
    with running(url, {KIND: doer}) as (transactions, _):
        job_id = enqueued(transactions)
        wait_until(lambda: state_of(transactions, job_id) is JobState.DEAD)
        assert shown(transactions, job_id).error == "GiveUp: The subscription is gone."


def test_a_running_job_that_is_cancelled_ends_at_its_next_step(url):
    steps = []

    def step_by_step(transactions, job):
        while True:
            transactions.run_write(SYSTEM, lambda tx: queue.advance(tx, job, done=len(steps)))
            steps.append(job.id)

    with running(url, {KIND: step_by_step}) as (transactions, _):
        job_id = enqueued(transactions)
        wait_until(lambda: len(steps) > 2)
        transactions.run_write(SYSTEM, lambda tx: jobs.cancel_job(tx, job_id))
        wait_until(lambda: state_of(transactions, job_id) is JobState.CANCELLED)
        assert shown(transactions, job_id).done_count > 1


def test_a_runner_that_stops_waits_for_what_is_nearly_done(url, doer):
    with running(url, {KIND: doer}) as (transactions, runner):
        job_id = enqueued(transactions)
        wait_until(lambda: doer.jobs)
        threading.Timer(0.2, doer.go_on.set).start()
        runner.stop(grace_seconds=20)
        assert state_of(transactions, job_id) is JobState.DONE


def test_a_runner_that_stops_gives_back_what_takes_longer(url, doer):
    with running(url, {KIND: doer}) as (transactions, runner):
        job_id = enqueued(transactions)
        wait_until(lambda: doer.jobs)
        runner.stop(grace_seconds=0)
        job = shown(transactions, job_id)
        assert (job.state, job.attempt) == (JobState.WAITING, 0)
        doer.go_on.set()
        # The thread that still had it has nothing more to say.
        wait_until(lambda: not any(thread.name == f"rolecall-job-{KIND}" for thread in threading.enumerate()))
        assert state_of(transactions, job_id) is JobState.WAITING


def test_what_a_schedule_asks_for_is_done(url, doer):
    doer.go_on.set()
    now = system_clock()
    ahead = timedelta()

    def clock():
        return now + ahead

    declared = (Declared(name="daily", cron=f"{(now.minute + 5) % 60} * * * *", kind=KIND),)
    with running(url, {KIND: doer}, declared, clock) as (transactions, _):
        wait_until(lambda: transactions.run_read(SYSTEM, schedules.list_schedules))
        ahead = timedelta(hours=1)
        wait_until(lambda: doer.jobs)
    assert len(doer.jobs) == 1


def test_a_job_whose_process_is_killed_comes_back_after_its_lease(url, installed, tmp_path):
    with transactions_on(url) as (transactions, _):
        job_id = enqueued(transactions, kind=WRITE, lease=SHORT_LEASE)
        for attempt in ("1", "2"):
            process = subprocess.Popen([sys.executable, "-m", "tests.make.jobs", url, str(tmp_path)])
            try:
                wait_until((tmp_path / attempt).exists)
            finally:
                process.kill()
                process.wait()
        assert shown(transactions, job_id).state is JobState.RUNNING
        done = threading.Event()
        with running(url, {WRITE: lambda *_: done.set()}):
            assert done.wait(20)
            wait_until(lambda: state_of(transactions, job_id) is JobState.DONE)
        assert shown(transactions, job_id).attempt == 3


def test_a_runner_outlives_a_database_that_is_away(installed_postgresql, postgresql, doer):
    doer.go_on.set()
    url = installed_postgresql.database.url
    name = urlsplit(installed_postgresql.database.plain_url).path.removeprefix("/")
    with running(url, {KIND: doer}) as (transactions, _):
        postgresql.refuse_connections(name)
        postgresql.accept_connections(name)
        job_id = enqueued(transactions)
        wait_until(lambda: state_of(transactions, job_id) is JobState.DONE)
