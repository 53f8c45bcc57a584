"""What can be done about jobs and schedules from the command line?"""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.tailing import plain
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Limit
from rolecall.cli.output import print_fields, print_json, print_table
from rolecall.jobs.model import JobId, JobState

if TYPE_CHECKING:
    from rolecall.jobs.model import Job, Schedule

app = typer.Typer(help="See what is done in the background, and look after what failed.", no_args_is_help=True)
schedules = typer.Typer(help="See what happens again and again.", no_args_is_help=True)

JobArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="The job's id, as `jobs list` shows it.", show_default=False)
]


@app.command("list")
def list_jobs(
    *,
    state: Annotated[JobState | None, typer.Option("--state", help="Only jobs in this state.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only jobs of this kind.")] = None,
    limit: Limit = 50,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    from rolecall.jobs.jobs import list_jobs as list_them

    with opened(data_dir, database_url) as rolecall:
        jobs = rolecall.transactions.run_read(
            COMMAND_LINE, lambda tx: list_them(tx, limit=limit, state=state, kind=kind)
        )
    if as_json:
        print_json({"jobs": [_to_json(job) for job in jobs]})
        return
    print_table(
        ("ID", "KIND", "STATE", "ATTEMPT", "DONE", "DUE", "ERROR"),
        [
            (
                job.id,
                job.kind,
                job.state.value,
                f"{job.attempt} of {job.max_attempts}",
                _progress(job),
                None if job.state.is_final else plain(job.due_at),
                job.error,
            )
            for job in jobs
        ],
        empty="No such jobs.",
    )


@app.command("show")
def show(
    job_id: JobArgument, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Show everything that is known of one job."""
    from rolecall.jobs.jobs import get_job

    with opened(data_dir, database_url) as rolecall:
        job = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_job(tx, JobId(job_id)))
    if as_json:
        print_json(_to_json(job))
        return
    print_fields(_to_json(job))


@app.command("retry")
def retry(
    context: typer.Context, job_id: JobArgument, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Have a job that has ended done once more, with all its attempts before it."""
    from rolecall.jobs.jobs import retry_job

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: retry_job(tx, JobId(job_id)))
    print(f"The job {job_id} waits for its turn; a server that runs takes it within a second.")


@app.command("cancel")
def cancel(
    context: typer.Context, job_id: JobArgument, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """End a job: at once if it waits, at its next step if it runs. What it has done so far stays done."""
    from rolecall.jobs.jobs import cancel_job

    with opened(data_dir, database_url) as rolecall:
        job = make_change(rolecall, context, lambda tx: cancel_job(tx, JobId(job_id)))
    print(f"The job {job_id} {'ends at its next step' if job.cancel_wanted else 'is cancelled'}.")


@schedules.command("list")
def list_schedules(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List schedules with their cron expressions (in UTC) and their next time."""
    from rolecall.jobs.schedules import list_schedules as list_them

    with opened(data_dir, database_url) as rolecall:
        found = rolecall.transactions.run_read(COMMAND_LINE, list_them)
    if as_json:
        print_json({"schedules": [_schedule_to_json(schedule) for schedule in found]})
        return
    print_table(
        ("NAME", "CRON", "JOB", "NEXT", "LAST"),
        [(each.name, each.cron, each.kind, plain(each.next_at), plain(each.last_at) or "never") for each in found],
        empty="No schedules yet.",
    )


def _progress(job: "Job") -> str | None:
    if job.total_count is not None:
        return f"{job.done_count} of {job.total_count}"
    return str(job.done_count) if job.done_count else None


def _to_json(job: "Job") -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state.value,
        "payload": job.payload,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "due_at": plain(job.due_at),
        "done": job.done_count,
        "total": job.total_count,
        "message": job.message,
        "error": job.error,
        "cancel_wanted": job.cancel_wanted,
        "request_id": job.request_id,
        "created_at": plain(job.created_at),
        "started_at": plain(job.started_at),
        "finished_at": plain(job.finished_at),
    }


def _schedule_to_json(schedule: "Schedule") -> dict[str, Any]:
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "kind": schedule.kind,
        "next_at": plain(schedule.next_at),
        "last_at": plain(schedule.last_at),
        "last_job_id": schedule.last_job_id,
    }
