from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.jobs import decide
from rolecall.jobs.errors import BadCron, JobFinished, JobNotFinished
from rolecall.jobs.model import Job, JobId, JobState

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
WAITING = Job(
    id=JobId("j"),
    kind="test.do",
    payload={},
    state=JobState.WAITING,
    dedup_key=None,
    attempt=0,
    max_attempts=3,
    lease=timedelta(seconds=60),
    due_at=NOW,
    runner=None,
    done_count=0,
    total_count=None,
    message=None,
    error=None,
    cancel_wanted=False,
    request_id=None,
    created_at=NOW,
    started_at=None,
    finished_at=None,
)
RUNNING = decide.taken(WAITING, runner="r", now=NOW)


def failed(job, **changed):
    return decide.failed(job, "why", **{"jitter": 0.0, "again": True, "now": NOW, **changed})


def test_pauses_double_from_five_seconds_to_an_hour():
    pauses = [decide.pause_after(attempt, jitter=0).total_seconds() for attempt in range(1, 13)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert decide.pause_after(10_000, jitter=0) == timedelta(hours=1)


@given(st.integers(1, 50), st.floats(0, 1))
def test_jitter_makes_a_pause_longer_by_a_quarter_at_most(attempt, jitter):
    plain = decide.pause_after(attempt, jitter=0)
    assert plain <= decide.pause_after(attempt, jitter=jitter) <= plain * 1.25


def test_a_job_that_is_taken_belongs_to_its_runner_until_its_lease_ends():
    assert (RUNNING.state, RUNNING.runner, RUNNING.attempt) == (JobState.RUNNING, "r", 1)
    assert RUNNING.due_at == NOW + timedelta(seconds=60)


def test_a_job_whose_lease_ended_is_taken_by_another_runner_as_a_further_attempt():
    again = decide.taken(RUNNING, runner="other", now=NOW)
    assert (again.state, again.runner, again.attempt) == (JobState.RUNNING, "other", 2)


def test_a_job_that_kills_its_process_each_time_dies():
    last = replace(RUNNING, attempt=3)
    dead = decide.taken(last, runner="other", now=NOW)
    assert (dead.state, dead.finished_at, dead.runner) == (JobState.DEAD, NOW, None)
    assert "Attempt 3 ended without a word" in dead.error


def test_a_job_that_waits_for_its_last_attempt_gets_it():
    assert decide.taken(replace(WAITING, attempt=2), runner="r", now=NOW).state is JobState.RUNNING


def test_a_job_that_is_to_end_and_lost_its_runner_ends():
    assert decide.taken(replace(RUNNING, cancel_wanted=True), runner="r", now=NOW).state is JobState.CANCELLED


def test_telling_how_far_it_is_renews_the_lease():
    later = NOW + timedelta(seconds=50)
    job = decide.advanced(RUNNING, done=2, total=5, message="halfway", now=later)
    assert (job.done_count, job.total_count, job.message) == (2, 5, "halfway")
    assert job.due_at == later + timedelta(seconds=60)


def test_a_finished_job_is_done_and_its_earlier_errors_are_forgotten():
    job = decide.finished(replace(RUNNING, error="first time"), now=NOW)
    assert (job.state, job.error, job.finished_at) == (JobState.DONE, None, NOW)


def test_a_failed_job_waits_for_its_next_attempt():
    job = failed(replace(RUNNING, attempt=2))
    assert (job.state, job.error, job.due_at) == (JobState.WAITING, "why", NOW + timedelta(seconds=10))


@pytest.mark.parametrize("attempt, again", [(3, True), (1, False)])
def test_a_job_that_failed_for_the_last_time_is_dead(attempt, again):
    job = failed(replace(RUNNING, attempt=attempt), again=again)
    assert (job.state, job.finished_at) == (JobState.DEAD, NOW)


def test_a_job_that_is_to_end_and_fails_has_ended():
    assert failed(replace(RUNNING, cancel_wanted=True)).state is JobState.CANCELLED


def test_an_error_is_kept_in_part():
    assert len(decide.failed(RUNNING, "x" * 5_000, jitter=0, again=True, now=NOW).error) == decide.LONGEST_ERROR


def test_a_job_that_is_given_back_is_due_at_once_and_the_attempt_does_not_count():
    job = decide.given_back(RUNNING, now=NOW)
    assert (job.state, job.attempt, job.due_at, job.runner) == (JobState.WAITING, 0, NOW, None)


def test_a_job_beside_another_that_does_the_same_ends_and_names_it():
    job = decide.superseded(RUNNING, "k", now=NOW)
    assert (job.state, job.message) == (JobState.CANCELLED, "The job k does the same.")


def test_cancelling_ends_a_waiting_job_and_asks_a_running_one():
    assert decide.cancelled(WAITING, now=NOW).state is JobState.CANCELLED
    asked = decide.cancelled(RUNNING, now=NOW)
    assert (asked.state, asked.cancel_wanted) == (JobState.RUNNING, True)
    ended = decide.ended_on_wish(asked, now=NOW)
    assert (ended.state, ended.cancel_wanted) == (JobState.CANCELLED, False)


@pytest.mark.parametrize("state", [JobState.DONE, JobState.DEAD, JobState.CANCELLED])
def test_only_what_has_ended_is_tried_again_and_only_what_has_not_is_cancelled(state):
    ended = replace(WAITING, state=state, attempt=3, finished_at=NOW)
    with pytest.raises(JobFinished, match=state.value):
        decide.cancelled(ended, now=NOW)
    again = decide.retried(ended, now=NOW)
    assert (again.state, again.attempt, again.finished_at) == (JobState.WAITING, 0, None)


@pytest.mark.parametrize("job", [WAITING, RUNNING])
def test_what_has_not_ended_is_not_tried_again(job):
    with pytest.raises(JobNotFinished):
        decide.retried(job, now=NOW)


@pytest.mark.parametrize(
    "cron, due",
    [
        ("* * * * *", datetime(2026, 11, 24, 10, 1, tzinfo=UTC)),
        ("17 * * * *", datetime(2026, 11, 24, 10, 17, tzinfo=UTC)),
        ("0 10 * * *", datetime(2026, 11, 25, 10, 0, tzinfo=UTC)),
        ("0 9 * * mon", datetime(2026, 11, 30, 9, 0, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_the_next_time_lies_behind_now(cron, due):
    assert decide.next_due(cron, after=NOW) == due


@pytest.mark.parametrize("cron", ["", "* * * *", "61 * * * *", "@hourly", "0 0 31 2 *"])
def test_an_expression_that_never_comes_true_is_refused(cron):
    with pytest.raises(BadCron, match="cron expression"):
        decide.next_due(cron, after=NOW)
