"""In what SCIM connections differ from exports of their providers.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "scim_drift",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_id", KEY, nullable=True),
        sa.Column("member_id", KEY, nullable=True),
        sa.Column("member_name", sa.Text(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_scim_drift_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_drift")),
        sa.UniqueConstraint("connection_id", "position", name=op.f("uq_scim_drift_connection_id_position")),
    )
    op.create_index(op.f("ix_scim_drift_member_id"), "scim_drift", ["member_id"], unique=False)
    op.create_index(op.f("ix_scim_drift_resource_id"), "scim_drift", ["resource_id"], unique=False)


def downgrade() -> None:
    """Remove it."""
    op.drop_table("scim_drift")
