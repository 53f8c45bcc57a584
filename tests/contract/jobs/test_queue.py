"""Does every job that was asked for get done, on either database?"""

import threading
from datetime import timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.jobs import jobs, queue, schedules
from rolecall.jobs.errors import JobCancelWanted, JobFinished, JobLeaseLost, JobNotFinished, JobRepeated
from rolecall.jobs.model import JobId, JobState
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import PROVISIONER, all_but

KIND = "test.do"
LEASE = timedelta(seconds=60)


def enqueued(installed, **options):
    return installed.change(queue.enqueue, **{"kind": KIND, "payload": {}, "lease": LEASE, **options})


def taken(installed, *, runner="r", limit=10, kinds=(KIND,)):
    return installed.change(queue.take_jobs, kinds=kinds, runner=runner, limit=limit, actor=SYSTEM)


def state_of(installed, job_id):
    return installed.ask(jobs.get_job, job_id).state


def test_a_job_comes_out_as_it_went_in(installed):
    job_id = enqueued(installed, payload={"user_id": "ü", "n": [1, None]}, actor=PROVISIONER)
    (job,) = taken(installed)
    assert (job.id, job.payload, job.attempt, job.runner) == (job_id, {"user_id": "ü", "n": [1, None]}, 1, "r")
    assert job.request_id == PROVISIONER.request_id
    assert job.due_at == installed.clock.now + LEASE
    assert installed.ask(jobs.get_job, job_id) == job


def test_a_job_is_there_only_when_its_transaction_commits(installed):
    def fails(tx):
        queue.enqueue(tx, kind=KIND, payload={})
        raise NotFound("Refused.")

    with pytest.raises(NotFound):
        installed.change(fails)
    assert taken(installed) == ()


def test_what_is_due_longest_is_taken_first_and_nothing_before_its_time(installed):
    now = installed.clock.now
    late = enqueued(installed, run_at=now + timedelta(minutes=1))
    second = enqueued(installed)
    first = enqueued(installed, run_at=now - timedelta(minutes=1))
    assert [job.id for job in taken(installed, limit=1)] == [first]
    assert [job.id for job in taken(installed)] == [second]
    installed.clock.advance(timedelta(minutes=1))
    assert late in [job.id for job in taken(installed)]


def test_only_kinds_that_are_known_are_taken(installed):
    enqueued(installed, kind="test.of-a-newer-version")
    assert taken(installed) == ()
    assert installed.ask(queue.next_due, [KIND]) is None
    assert len(taken(installed, kinds=["test.of-a-newer-version"])) == 1


def test_a_job_that_is_taken_is_nobody_elses_until_its_lease_ends(installed):
    enqueued(installed)
    (job,) = taken(installed)
    installed.clock.advance(LEASE - timedelta(seconds=1))
    assert taken(installed, runner="other") == ()
    assert installed.ask(queue.next_due, [KIND]) == job.due_at
    installed.clock.advance(timedelta(seconds=1))
    (again,) = taken(installed, runner="other")
    assert (again.id, again.attempt, again.runner) == (job.id, 2, "other")


def test_whoever_lost_the_lease_can_write_nothing_more(installed):
    enqueued(installed)
    (job,) = taken(installed)
    installed.clock.advance(LEASE)
    (again,) = taken(installed, runner="r")
    for step in (queue.finish, queue.give_back, queue.end_on_wish):
        with pytest.raises(JobLeaseLost):
            installed.change(step, job)
    with pytest.raises(JobLeaseLost):
        installed.change(queue.advance, job, done=1)
    with pytest.raises(JobLeaseLost):
        installed.change(queue.fail, job, "why")
    installed.change(queue.finish, again)
    assert state_of(installed, job.id) is JobState.DONE


def test_telling_how_far_it_is_keeps_a_job(installed):
    job_id = enqueued(installed)
    (job,) = taken(installed)
    for done in range(1, 4):
        installed.clock.advance(LEASE - timedelta(seconds=1))
        installed.change(queue.advance, job, done=done, total=3, message=f"slice {done}")
        assert taken(installed, runner="other") == ()
    shown = installed.ask(jobs.get_job, job_id)
    assert (shown.done_count, shown.total_count, shown.message) == (3, 3, "slice 3")


def test_a_failed_job_is_tried_again_after_a_pause_and_dies_in_the_end(installed):
    job_id = enqueued(installed, max_attempts=3)
    for attempt in (1, 2, 3):
        (job,) = taken(installed)
        assert job.attempt == attempt
        after = installed.change(queue.fail, job, f"fault {attempt}", actor=SYSTEM)
        assert taken(installed) == ()
        installed.clock.advance(after.due_at - installed.clock.now)
    dead = installed.ask(jobs.get_job, job_id)
    assert (dead.state, dead.error, dead.attempt) == (JobState.DEAD, "fault 3", 3)
    (event,) = installed.events()
    assert (event.type, event.severity, event.subject_id) == ("jobs.job.died", "WARNING", job_id)
    assert event.data == {"job_id": job_id, "kind": KIND, "attempts": 3, "error": "fault 3"}
    assert taken(installed) == ()


def test_a_job_that_kills_whoever_runs_it_dies_and_that_is_told(installed):
    job_id = enqueued(installed, max_attempts=2)
    for _ in range(2):
        assert len(taken(installed)) == 1
        installed.clock.advance(LEASE)
    assert taken(installed) == ()
    assert state_of(installed, job_id) is JobState.DEAD
    assert installed.event_types() == ["jobs.job.died"]


def test_while_a_job_waits_no_other_with_its_key_is_added(installed):
    first = enqueued(installed, dedup_key="k")
    assert enqueued(installed, dedup_key="k") == first
    assert enqueued(installed, dedup_key="other") != first
    assert enqueued(installed, dedup_key="k", kind="test.other") != first
    assert installed.count_rows("job") == 3


def test_while_a_job_runs_another_with_its_key_waits_and_then_follows(installed):
    first = enqueued(installed, dedup_key="k")
    (job,) = taken(installed)
    second = enqueued(installed, dedup_key="k")
    assert second != first
    assert taken(installed) == ()
    assert installed.ask(queue.next_due, [KIND]) == job.due_at
    installed.change(queue.finish, job)
    assert [each.id for each in taken(installed)] == [second]


def test_a_job_that_fails_beside_another_that_waits_leaves_the_work_to_it(installed):
    first = enqueued(installed, dedup_key="k")
    (job,) = taken(installed)
    second = enqueued(installed, dedup_key="k")
    installed.change(queue.fail, job, "why")
    ended = installed.ask(jobs.get_job, first)
    assert (ended.state, ended.message) == (JobState.CANCELLED, f"The job {second} does the same.")
    assert [each.id for each in taken(installed)] == [second]


def test_a_job_that_is_given_back_is_taken_at_once_and_the_attempt_does_not_count(installed):
    enqueued(installed)
    (job,) = taken(installed)
    installed.change(queue.give_back, job)
    (again,) = taken(installed, runner="other")
    assert (again.id, again.attempt) == (job.id, 1)


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_step(installed):
    waiting = enqueued(installed, run_at=installed.clock.now + timedelta(days=1))
    running = enqueued(installed)
    (job,) = taken(installed)
    assert installed.change(jobs.cancel_job, waiting).state is JobState.CANCELLED
    assert installed.change(jobs.cancel_job, running).cancel_wanted
    with pytest.raises(JobCancelWanted):
        installed.change(queue.advance, job, done=1)
    installed.change(queue.end_on_wish, job)
    assert state_of(installed, running) is JobState.CANCELLED
    assert installed.event_types() == ["jobs.job.cancelled", "jobs.job.cancelled"]
    with pytest.raises(JobFinished):
        installed.change(jobs.cancel_job, running)


def test_a_dead_job_is_tried_again_when_somebody_wants_it(installed):
    job_id = enqueued(installed, max_attempts=1)
    (job,) = taken(installed)
    with pytest.raises(JobNotFinished):
        installed.change(jobs.retry_job, job_id)
    installed.change(queue.fail, job, "why", again=False)
    installed.change(jobs.retry_job, job_id)
    (again,) = taken(installed)
    assert (again.id, again.attempt) == (job_id, 1)
    assert installed.event_types() == ["jobs.job.died", "jobs.job.retried"]


def test_a_dead_job_is_not_tried_again_beside_one_that_does_the_same(installed):
    job_id = enqueued(installed, dedup_key="k")
    (job,) = taken(installed)
    installed.change(queue.fail, job, "why", again=False)
    other = enqueued(installed, dedup_key="k")
    with pytest.raises(JobRepeated, match=other):
        installed.change(jobs.retry_job, job_id)


def test_jobs_are_listed_newest_first_by_state_and_kind_a_page_at_a_time(installed):
    made = []
    for number in range(4):
        installed.clock.advance(timedelta(milliseconds=1))
        made.append(enqueued(installed, kind=f"test.{number % 2}"))
    listed = installed.ask(jobs.list_jobs, limit=3)
    assert [job.id for job in listed] == made[:0:-1]
    assert [job.id for job in installed.ask(jobs.list_jobs, limit=3, before=listed[-1].id)] == made[:1]
    assert [job.id for job in installed.ask(jobs.list_jobs, limit=9, kind="test.0")] == [made[2], made[0]]
    assert installed.ask(jobs.list_jobs, limit=9, state=JobState.RUNNING) == ()


def test_finished_jobs_are_forgotten_oldest_first_and_open_ones_never(installed):
    ended = []
    for _ in range(3):
        installed.clock.advance(timedelta(days=1))
        ended.append(enqueued(installed))
        (job,) = taken(installed)
        installed.change(queue.finish, job)
    kept = enqueued(installed)
    now = installed.clock.now
    assert installed.change(jobs.delete_finished, before=now, limit=1) == 1
    assert installed.change(jobs.delete_finished, before=now, limit=9) == 1
    assert {job.id for job in installed.ask(jobs.list_jobs, limit=9)} == {ended[2], kept}


@pytest.mark.parametrize(
    "use_case, arguments, action",
    [
        (jobs.list_jobs, {"limit": 1}, Action.JOB_LIST),
        (jobs.get_job, {"job_id": JobId("x")}, Action.JOB_LIST),
        (jobs.retry_job, {"job_id": JobId("x")}, Action.JOB_CHANGE),
        (jobs.cancel_job, {"job_id": JobId("x")}, Action.JOB_CHANGE),
        (jobs.delete_finished, {"before": None, "limit": 1}, Action.JOB_CHANGE),
        (schedules.list_schedules, {}, Action.JOB_LIST),
        (schedules.settle_schedules, {"declared": ()}, Action.JOB_CHANGE),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_looking_after_jobs_needs_its_action(installed_sqlite, use_case, arguments, action):
    with pytest.raises(Forbidden):
        installed_sqlite.change(use_case, **arguments, actor=all_but(action))


@pytest.mark.parametrize("use_case", [jobs.get_job, jobs.retry_job, jobs.cancel_job])
def test_a_job_that_is_not_there_is_not_found(installed, use_case):
    with pytest.raises(NotFound, match="nowhere"):
        installed.change(use_case, JobId("nowhere"))


def test_runners_side_by_side_never_take_one_job_twice(installed):
    made = {enqueued(installed) for _ in range(40)}
    seen = []

    def take(runner):
        while jobs_taken := taken(installed, runner=runner, limit=3):
            seen.extend(job.id for job in jobs_taken)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A runner that found nothing because others held what was left may have stopped early: take the rest.
    take("last")
    assert len(seen) == 40
    assert set(seen) == made


def test_enqueuing_one_key_from_many_sides_adds_one_job(installed):
    ids = []

    def add():
        ids.append(enqueued(installed, dedup_key="k"))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
