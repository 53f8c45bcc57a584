"""Totals: how many provisioned users and groups there are.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table, and count once what is there."""
    op.create_table(
        "total",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_total")),
    )
    op.execute(
        "INSERT INTO total (name, value) SELECT 'provisioned_users', count(*) FROM directory_user"
        " WHERE provisioned = 1 AND state != 'deleted'"
    )
    op.execute("INSERT INTO total (name, value) SELECT 'groups', count(*) FROM directory_group")


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("total")
