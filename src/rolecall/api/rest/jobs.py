"""Which calls are there on jobs and schedules?"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, many, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.filters import FieldType, FilterField, describe, parse_filter
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import Shown, instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authorization.actions import Action
from rolecall.jobs import jobs, schedules
from rolecall.jobs.model import Job, JobId, Schedule
from rolecall.kernel.document import Json
from rolecall.storage.transaction import ReadTx, WriteTx

JOB_FIELDS: Final = (
    FilterField(name="state", type=FieldType.TEXT, path=("state",)),
    FilterField(name="kind", type=FieldType.TEXT, path=("kind",)),
    FilterField(name="created_at", type=FieldType.INSTANT, path=("created_at",)),
)
SCHEDULE_FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="kind", type=FieldType.TEXT, path=("kind",)),
    FilterField(name="next_at", type=FieldType.INSTANT, path=("next_at",)),
)

JobFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(JOB_FIELDS))]
JobIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The job's id.")]
ScheduleFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(SCHEDULE_FIELDS))]
ScheduleOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(SCHEDULE_FIELDS)))]


class ShownJob(Shown):
    """Something that is done in the background."""

    id: str
    kind: str = Field(description="What is done: `room.verb-noun`.")
    state: str = Field(description="`waiting`, `running`, `done`, `dead` (somebody has to look), or `cancelled`.")
    payload: dict[str, object] = Field(description="With what it is done.")
    attempt: int = Field(description="How often it has been begun.")
    max_attempts: int
    due_at: str = Field(description="When it may be taken; while it runs, the end of its lease.")
    done_count: int
    total_count: int | None
    message: str | None = Field(description="How far it is, in words.")
    error: str | None = Field(description="Why it failed last.")
    cancel_wanted: bool = Field(description="Whether it runs, and ends at its next step.")
    request_id: str | None = Field(description="Of the call that asked for it.")
    created_at: str
    started_at: str | None
    finished_at: str | None


class OneJob(Shown):
    """One job."""

    value: ShownJob


class ManyJobs(Shown):
    """A page of jobs."""

    values: list[ShownJob]
    next_page_token: str
    has_more: bool


class ShownSchedule(Shown):
    """What happens again and again."""

    id: str = Field(description="Its name.")
    cron: str = Field(description="Minute, hour, day, month and weekday, in UTC.")
    kind: str = Field(description="Of the job that is added each time.")
    next_at: str
    last_at: str | None
    last_job_id: str | None


class ManySchedules(Shown):
    """A page of schedules."""

    values: list[ShownSchedule]
    next_page_token: str
    has_more: bool


async def list_jobs(
    call: CurrentCall,
    filter: JobFilter = "",  # noqa: A002  # its name on the wire
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List jobs, newest first."""
    pages = Pages(call=call, name="jobs")
    asked = await pages.asked(page_token, filter_text=filter)
    where = parse_filter(asked.filter, JOB_FIELDS)
    before = None if asked.place is None else JobId(str(asked.place))
    found = await call.read(lambda tx: jobs.list_jobs(tx, limit=page_size + 1, where=where, before=before))
    page = found[:page_size]
    return many([_job_json(job) for job in page], pages.token(asked, page[-1].id) if len(found) > page_size else None)


async def get_job(call: CurrentCall, job_id: JobIdInPath) -> Response:
    """Return one job."""
    return one(await call.look_up(lambda tx: _job_json(jobs.get_job(tx, JobId(job_id)))))


async def retry_job(call: CurrentCall, job_id: JobIdInPath) -> Response:
    """Have a job that has ended done once more, with all its attempts before it."""
    return await _change_job(call, job_id, jobs.retry_job)


async def cancel_job(call: CurrentCall, job_id: JobIdInPath) -> Response:
    """End a job: at once if it waits, at its next step if it runs. What it has done so far stays done."""
    return await _change_job(call, job_id, jobs.cancel_job)


async def list_schedules(
    call: CurrentCall,
    filter: ScheduleFilter = "",  # noqa: A002  # its name on the wire
    order_by: ScheduleOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List schedules by name."""
    pages = Pages(call=call, name="schedules")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        return [_schedule_json(schedule) for schedule in schedules.list_schedules(tx)]

    return answer_page(await call.read(ask), SCHEDULE_FIELDS, pages, asked, page_size)


async def _change_job(call: RestCall, job_id: str, change: Callable[[WriteTx, JobId], Job]) -> Response:
    call.record.subject_id = job_id
    return one(await call.write(lambda tx: _job_json(change(tx, JobId(job_id)))))


def _job_json(job: Job) -> dict[str, Json]:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state.value,
        "payload": job.payload,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "due_at": instant(job.due_at),
        "done_count": job.done_count,
        "total_count": job.total_count,
        "message": job.message,
        "error": job.error,
        "cancel_wanted": job.cancel_wanted,
        "request_id": job.request_id,
        "created_at": instant(job.created_at),
        "started_at": instant(job.started_at),
        "finished_at": instant(job.finished_at),
    }


def _schedule_json(schedule: Schedule) -> dict[str, Json]:
    return {
        "id": schedule.name,
        "cron": schedule.cron,
        "kind": schedule.kind,
        "next_at": instant(schedule.next_at),
        "last_at": instant(schedule.last_at),
        "last_job_id": schedule.last_job_id,
    }


_JOB: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "kind": "notifications.deliver",
    "state": "dead",
    "payload": {"delivery_id": "019ab3c4-5d6e-7f80-9a1b-000000000001"},
    "attempt": 16,
    "max_attempts": 16,
    "due_at": "2026-11-24T18:00:00.000Z",
    "done_count": 0,
    "total_count": None,
    "message": None,
    "error": "No answer within 20 seconds.",
    "cancel_wanted": False,
    "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "created_at": "2026-11-24T10:00:00.000Z",
    "started_at": "2026-11-24T17:59:40.000Z",
    "finished_at": "2026-11-24T18:00:00.000Z",
}
_RETRIED: Final = _JOB | {"state": "waiting", "attempt": 0, "due_at": "2026-11-25T08:00:00.000Z", "finished_at": None}
_CANCELLED: Final = _JOB | {"state": "cancelled", "attempt": 1, "error": None}
_SCHEDULE: Final = {
    "id": "forget-old-events",
    "cron": "37 3 * * *",
    "kind": "events.forget-old",
    "next_at": "2026-11-25T03:37:00.000Z",
    "last_at": "2026-11-24T03:37:00.000Z",
    "last_job_id": "019ab3c4-5d6e-7f80-9a1b-000000000002",
}
_LIST: Final = "/api/v1/jobs"
_PATH: Final = f"{_LIST}/{{id:opaque}}"

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=_LIST,
        needs=Action.JOB_LIST,
        run=list_jobs,
        answers=ManyJobs,
        example={"values": [_JOB], "next_page_token": "", "has_more": False},
    ),
    Endpoint(method="GET", path=_PATH, needs=Action.JOB_LIST, run=get_job, answers=OneJob, example={"value": _JOB}),
    Endpoint(
        method="POST",
        path=f"{_PATH}:retry",
        needs=Action.JOB_CHANGE,
        run=retry_job,
        answers=OneJob,
        example={"value": _RETRIED},
        refusals=(409,),
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}:cancel",
        needs=Action.JOB_CHANGE,
        run=cancel_job,
        answers=OneJob,
        example={"value": _CANCELLED},
        refusals=(409,),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/schedules",
        needs=Action.JOB_LIST,
        run=list_schedules,
        answers=ManySchedules,
        example={"values": [_SCHEDULE], "next_page_token": "", "has_more": False},
    ),
)
