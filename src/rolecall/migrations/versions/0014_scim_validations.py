"""What came of validations of SCIM connections.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "scim_validation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("way", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=True),
        sa.Column("reports", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_scim_validation_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_validation")),
    )
    op.create_index(op.f("ix_scim_validation_connection_id"), "scim_validation", ["connection_id"], unique=False)


def downgrade() -> None:
    """Remove it."""
    op.drop_table("scim_validation")
