"""Jobs and schedules.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

WAITING = sa.text("state = 'waiting'")
RUNNING = sa.text("state = 'running'")
OPEN = sa.text("state IN ('waiting', 'running')")
ENDED = sa.text("finished_at IS NOT NULL")


def upgrade() -> None:
    """Make the tables of jobs and schedules."""
    op.create_table(
        "job",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("dedup_key", KEY, nullable=True),
        sa.Column("attempt_count", sa.BigInteger(), nullable=False),
        sa.Column("max_attempts_count", sa.BigInteger(), nullable=False),
        sa.Column("lease_seconds", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("runner", KEY, nullable=True),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("total_count", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cancel_wanted", sa.SmallInteger(), nullable=False),
        sa.Column("request_id", KEY, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due", "job", ["due_at"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_job_running", "job", ["kind", "dedup_key"], sqlite_where=RUNNING, postgresql_where=RUNNING)
    op.create_index(
        "uq_job_waiting", "job", ["kind", "dedup_key"], unique=True, sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_index("ix_job_finished", "job", ["finished_at"], sqlite_where=ENDED, postgresql_where=ENDED)
    op.create_table(
        "schedule",
        sa.Column("name", KEY, nullable=False),
        sa.Column("cron", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last_job_id", KEY, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule")),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("schedule")
    op.drop_index("ix_job_finished", table_name="job")
    op.drop_index("uq_job_waiting", table_name="job")
    op.drop_index("ix_job_running", table_name="job")
    op.drop_index("ix_job_due", table_name="job")
    op.drop_table("job")
