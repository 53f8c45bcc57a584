"""How are jobs and schedules kept?"""

from sqlalchemy import Column, Index, Table, text

from rolecall.storage.types import COUNT, FLAG, INSTANT, KEY, METADATA, TEXT

job = Table(
    "job",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("kind", KEY, nullable=False),
    Column("payload", TEXT, nullable=False),
    Column("state", KEY, nullable=False),
    Column("dedup_key", KEY),
    Column("attempt_count", COUNT, nullable=False),
    Column("max_attempts_count", COUNT, nullable=False),
    Column("lease_seconds", COUNT, nullable=False),
    Column("due_at", INSTANT, nullable=False),
    Column("runner", KEY),
    Column("done_count", COUNT, nullable=False),
    Column("total_count", COUNT),
    Column("message", TEXT),
    Column("error", TEXT),
    Column("cancel_wanted", FLAG, nullable=False),
    Column("request_id", KEY),
    Column("created_at", INSTANT, nullable=False),
    Column("started_at", INSTANT),
    Column("finished_at", INSTANT),
)
# Most jobs are finished ones: what is looked at all the time has indexes of its own.
_WAITING = text("state = 'waiting'")
_RUNNING = text("state = 'running'")
_OPEN = text("state IN ('waiting', 'running')")
_ENDED = text("finished_at IS NOT NULL")
Index("ix_job_due", job.c.due_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("ix_job_running", job.c.kind, job.c.dedup_key, sqlite_where=_RUNNING, postgresql_where=_RUNNING)
Index("uq_job_waiting", job.c.kind, job.c.dedup_key, unique=True, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_job_finished", job.c.finished_at, sqlite_where=_ENDED, postgresql_where=_ENDED)

schedule = Table(
    "schedule",
    METADATA,
    Column("name", KEY, primary_key=True),
    Column("cron", KEY, nullable=False),
    Column("kind", KEY, nullable=False),
    Column("next_at", INSTANT, nullable=False),
    Column("last_at", INSTANT),
    Column("last_job_id", KEY),
)
