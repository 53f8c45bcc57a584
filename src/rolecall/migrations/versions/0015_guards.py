"""Who lost an assignment by what a SCIM connection did, how many hold one, and what is held.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _make_held_change()
    op.create_table(
        "guard_loss",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("lost_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_guard_loss_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", "user_id", name=op.f("pk_guard_loss")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_guard_loss_connection_id_lost_at"), "guard_loss", ["connection_id", "lost_at"])
    with op.batch_alter_table("scim_connection") as change:
        change.add_column(sa.Column("guard_holder_count", sa.BigInteger(), nullable=False, server_default="0"))
    # Until a job counts again, some minutes after the start.
    op.execute(
        "UPDATE scim_connection SET guard_holder_count = (SELECT count(DISTINCT held.user_id) FROM assignment AS held"
        " JOIN directory_user ON directory_user.id = held.user_id WHERE directory_user.state = 'active')"
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("held_change")
    with op.batch_alter_table("scim_connection") as change:
        change.drop_column("guard_holder_count")
    op.drop_table("guard_loss")


def _make_held_change() -> None:
    op.create_table(
        "held_change",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("retry_key", KEY, nullable=True),
        sa.Column("method", KEY, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("if_match", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("losing_count", sa.BigInteger(), nullable=False),
        sa.Column("lost_count", sa.BigInteger(), nullable=False),
        sa.Column("limit_count", sa.BigInteger(), nullable=False),
        sa.Column("request_id", KEY, nullable=True),
        sa.Column("try_count", sa.BigInteger(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("last_tried_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by_id", KEY, nullable=True),
        sa.Column("decided_by_name", sa.Text(), nullable=True),
        sa.Column("result_status", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_held_change_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_change")),
        sa.UniqueConstraint("retry_key", name=op.f("uq_held_change_retry_key")),
    )
    op.create_index(
        op.f("ix_held_change_connection_id_state_held_at"), "held_change", ["connection_id", "state", "held_at"]
    )
    op.create_index(op.f("ix_held_change_state_held_at"), "held_change", ["state", "held_at"])
    op.create_index(op.f("ix_held_change_decided_at"), "held_change", ["decided_at"])
