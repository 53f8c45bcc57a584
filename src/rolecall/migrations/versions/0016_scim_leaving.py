"""What decommissioned SCIM connections have become, and what is needed to bring them back.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "scim_leaving",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("users", KEY, nullable=False),
        sa.Column("assignments", KEY, nullable=False),
        sa.Column("to_connection_id", KEY, nullable=True),
        sa.Column("phase", KEY, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("after_id", KEY, nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("total_count", sa.BigInteger(), nullable=False),
        sa.Column("state_before", KEY, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("undo_until_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_scim_leaving_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_scim_leaving")),
    )
    op.create_table(
        "scim_left",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("resource_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("because", KEY, nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_scim_left_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", "resource_id", name=op.f("pk_scim_left")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Remove them; a connection that was decommissioned stays so, without a way back."""
    op.drop_table("scim_left")
    op.drop_table("scim_leaving")
