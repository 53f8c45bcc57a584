import pytest

from rolecall.jobs import queue, schedules
from rolecall.jobs.model import Declared


@pytest.fixture
def job_id(rolecall, on_installation):
    rolecall("admin", "migrate")
    return on_installation(lambda tx: queue.enqueue(tx, kind="test.do", payload={"user_id": "u"}))


def die(on_installation):
    def fail(tx):
        (job,) = queue.take_jobs(tx, kinds=["test.do"], runner="r", limit=1)
        queue.fail(tx, job, "It did not work.", again=False)

    on_installation(fail)


def test_jobs_are_listed_and_shown(rolecall, job_id):
    listed = rolecall("admin", "jobs", "list", "--json").json["jobs"]
    assert [(job["id"], job["state"], job["payload"]) for job in listed] == [(job_id, "waiting", {"user_id": "u"})]
    assert job_id in rolecall("admin", "jobs", "list").out
    assert rolecall("admin", "jobs", "list", "--state", "dead", "--json").json == {"jobs": []}
    assert rolecall("admin", "jobs", "list", "--kind", "test.other", "--json").json == {"jobs": []}
    assert rolecall("admin", "jobs", "show", job_id, "--json").json == listed[0]
    assert "max_attempts" in rolecall("admin", "jobs", "show", job_id).out


def test_how_far_a_job_is_stands_in_the_list(rolecall, job_id, on_installation):
    def advance(tx):
        (job,) = queue.take_jobs(tx, kinds=["test.do"], runner="r", limit=1)
        queue.advance(tx, job, done=3, total=10)

    on_installation(advance)
    assert "3 of 10" in rolecall("admin", "jobs", "list").out


def test_a_job_that_died_is_tried_again_or_cancelled(rolecall, job_id, on_installation):
    assert rolecall("admin", "jobs", "retry", job_id).code == 4
    die(on_installation)
    assert "It did not work." in rolecall("admin", "jobs", "list").out
    assert "waits for its turn" in rolecall("admin", "jobs", "retry", job_id).out
    assert "is cancelled" in rolecall("admin", "jobs", "cancel", job_id).out
    assert rolecall("admin", "jobs", "cancel", job_id).code == 4
    assert rolecall("admin", "jobs", "cancel", "nowhere").code == 3
    assert rolecall("admin", "audit", "tail", "--json").out.count("rolecall admin jobs") == 10


def test_a_running_job_that_is_cancelled_ends_at_its_next_step(rolecall, job_id, on_installation):
    on_installation(lambda tx: queue.take_jobs(tx, kinds=["test.do"], runner="r", limit=1))
    assert "ends at its next step" in rolecall("admin", "jobs", "cancel", job_id).out


def test_schedules_are_listed(rolecall, on_installation):
    rolecall("admin", "migrate")
    declared = Declared(name="hourly", cron="17 * * * *", kind="test.do")
    on_installation(lambda tx: schedules.settle_schedules(tx, [declared]))
    (listed,) = rolecall("admin", "schedules", "list", "--json").json["schedules"]
    assert (listed["name"], listed["cron"], listed["kind"], listed["last_at"]) == (
        "hourly",
        "17 * * * *",
        "test.do",
        None,
    )
    assert "never" in rolecall("admin", "schedules", "list").out
