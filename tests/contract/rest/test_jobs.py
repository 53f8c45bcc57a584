"""What can be done with jobs and schedules over the REST API?"""

from datetime import timedelta

import pytest

from rolecall import later
from rolecall.authorization.actor import SYSTEM
from rolecall.jobs import queue, schedules
from tests.make.rest import reason_of, refused

JOBS = "/api/v1/jobs"


@pytest.fixture
def waiting(installed):
    """The ids of five jobs that wait, newest first: four of one kind, then one of another."""
    ids = []
    for number in range(5):
        kind = "test.send" if number else "test.count"
        ids.append(installed.change(queue.enqueue, kind=kind, payload={"number": number}))
        installed.clock.advance(timedelta(seconds=1))
    return ids[::-1]


def test_jobs_are_listed_page_after_page_newest_first(api, waiting):
    assert [job["id"] for job in api.walk(JOBS, page_size=2)] == waiting
    assert [job["id"] for job in api.walk(JOBS, page_size=5)] == waiting
    (shown,) = api.walk(JOBS, filter='kind eq "test.count"')
    assert shown == {
        "id": waiting[-1],
        "kind": "test.count",
        "state": "waiting",
        "payload": {"number": 0},
        "attempt": 0,
        "max_attempts": 10,
        "due_at": "2026-11-24T10:00:00.000Z",
        "done_count": 0,
        "total_count": None,
        "message": None,
        "error": None,
        "cancel_wanted": False,
        "request_id": shown["request_id"],
        "created_at": "2026-11-24T10:00:00.000Z",
        "started_at": None,
        "finished_at": None,
    }
    assert api.get(f"{JOBS}/{waiting[-1]}")["value"] == shown


def test_jobs_are_filtered_by_state_kind_and_time(api, waiting):
    api.post(f"{JOBS}/{waiting[1]}:cancel")
    both = 'kind eq "test.send" and not (state eq "cancelled")'
    assert [job["id"] for job in api.walk(JOBS, page_size=1, filter=both)] == [waiting[0], *waiting[2:4]]
    assert [job["id"] for job in api.walk(JOBS, filter='created_at ge "2026-11-24T10:00:03Z"')] == waiting[:2]
    refused(api.ask("GET", JOBS, params={"filter": 'message eq "x"'}), 400, "filter")


def test_a_job_is_cancelled_once_and_tried_again(api, installed, waiting):
    path = f"{JOBS}/{waiting[0]}"
    assert reason_of(refused(api.ask("POST", f"{path}:retry"), 409)) == "job_not_finished"
    assert api.post(f"{path}:cancel")["value"]["state"] == "cancelled"
    assert reason_of(refused(api.ask("POST", f"{path}:cancel"), 409)) == "job_finished"
    assert api.post(f"{path}:retry")["value"]["state"] == "waiting"
    assert installed.event_types()[-2:] == ["jobs.job.cancelled", "jobs.job.retried"]


def test_a_running_job_is_told_to_end(api, installed, waiting):
    installed.change(queue.take_jobs, kinds=["test.count"], runner="r", limit=1, actor=SYSTEM)
    shown = api.post(f"{JOBS}/{waiting[-1]}:cancel")["value"]
    assert (shown["state"], shown["cancel_wanted"], shown["attempt"]) == ("running", True, 1)


def test_a_job_that_is_not_there_is_not_found(api):
    for method, path in (("GET", ""), ("POST", ":retry"), ("POST", ":cancel")):
        refused(api.ask(method, f"{JOBS}/nothing{path}"), 404)


def test_schedules_are_listed_by_name(api, installed):
    installed.change(schedules.settle_schedules, later.DECLARED, actor=SYSTEM)
    listed = api.walk("/api/v1/schedules", page_size=1)
    assert [each["id"] for each in listed] == sorted(each.name for each in later.DECLARED)
    (shown,) = api.walk("/api/v1/schedules", filter=f'kind eq "{later.FORGET_EVENTS}"')
    assert shown == {
        "id": "forget-old-events",
        "cron": "37 3 * * *",
        "kind": later.FORGET_EVENTS,
        "next_at": "2026-11-25T03:37:00.000Z",
        "last_at": None,
        "last_job_id": None,
    }
