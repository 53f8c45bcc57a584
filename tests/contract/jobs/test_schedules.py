"""Is every due time made up for once, on either database?"""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from rolecall.authorization.actor import SYSTEM
from rolecall.jobs import jobs, queue, schedules
from rolecall.jobs.errors import BadCron
from rolecall.jobs.model import Declared, JobState

HOURLY = Declared(name="hourly", cron="0 * * * *", kind="test.hourly")
DAILY = Declared(name="daily", cron="30 6 * * *", kind="test.daily")


def settle(installed, *declared):
    installed.change(schedules.settle_schedules, declared, actor=SYSTEM)


def waiting(installed):
    return [job.kind for job in installed.ask(jobs.list_jobs, limit=99, state=JobState.WAITING)]


def test_schedules_are_kept_with_their_next_time(installed):
    settle(installed, HOURLY, DAILY)
    daily, hourly = installed.ask(schedules.list_schedules)
    assert (hourly.name, hourly.cron, hourly.kind) == ("hourly", "0 * * * *", "test.hourly")
    assert hourly.next_at == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert daily.next_at == datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
    assert (hourly.last_at, hourly.last_job_id) == (None, None)
    assert installed.ask(schedules.next_scheduled) == hourly.next_at


def test_a_job_is_added_when_its_time_has_come_and_not_before(installed):
    settle(installed, HOURLY)
    installed.clock.advance(timedelta(minutes=59))
    installed.change(schedules.enqueue_due)
    assert waiting(installed) == []
    installed.clock.advance(timedelta(minutes=1))
    installed.change(schedules.enqueue_due)
    installed.change(schedules.enqueue_due)
    assert waiting(installed) == ["test.hourly"]
    (hourly,) = installed.ask(schedules.list_schedules)
    assert (hourly.last_at, hourly.next_at) == (installed.clock.now, installed.clock.now + timedelta(hours=1))
    assert installed.ask(jobs.get_job, hourly.last_job_id).kind == "test.hourly"


def test_times_that_passed_while_nobody_served_are_made_up_for_by_one_job(installed):
    settle(installed, HOURLY)
    installed.clock.advance(timedelta(days=3, minutes=5))
    installed.change(schedules.enqueue_due)
    assert waiting(installed) == ["test.hourly"]
    (hourly,) = installed.ask(schedules.list_schedules)
    assert hourly.next_at == datetime(2026, 11, 27, 11, tzinfo=UTC)


def test_no_job_is_added_beside_one_that_still_waits(installed):
    settle(installed, HOURLY)
    for _ in range(2):
        installed.clock.advance(timedelta(hours=1))
        installed.change(schedules.enqueue_due)
    assert waiting(installed) == ["test.hourly"]
    installed.change(queue.take_jobs, kinds=["test.hourly"], runner="r", limit=1)
    installed.clock.advance(timedelta(hours=1))
    installed.change(schedules.enqueue_due)
    assert waiting(installed) == ["test.hourly"]


def test_several_processes_add_one_job_for_a_time(installed):
    settle(installed, HOURLY)
    installed.clock.advance(timedelta(hours=1))
    threads = [threading.Thread(target=installed.change, args=(schedules.enqueue_due,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert installed.count_rows("job") == 1


def test_what_is_declared_anew_is_kept_anew_and_the_rest_keeps_its_time(installed):
    settle(installed, HOURLY, DAILY)
    installed.clock.advance(timedelta(minutes=90))
    settle(installed, HOURLY, Declared(name="daily", cron="0 12 * * *", kind="test.daily"))
    daily, hourly = installed.ask(schedules.list_schedules)
    assert hourly.next_at == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert daily.next_at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    settle(installed, DAILY)
    assert [each.name for each in installed.ask(schedules.list_schedules)] == ["daily"]


def test_an_expression_that_cannot_be_leaves_everything_as_it_was(installed):
    settle(installed, HOURLY)
    with pytest.raises(BadCron):
        settle(installed, DAILY, Declared(name="bad", cron="often", kind="test.bad"))
    assert [each.name for each in installed.ask(schedules.list_schedules)] == ["hourly"]
