"""Where events note whom they mention, until a job puts that where it is found by index.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "fresh_mention",
        sa.Column("number", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("mentioned_id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_fresh_mention")),
    )


def downgrade() -> None:
    """Put what is in it into the index, and remove it."""
    op.execute(
        "INSERT INTO event_mention (mentioned_id, request_id)"
        " SELECT mentioned_id, request_id FROM fresh_mention WHERE true ON CONFLICT DO NOTHING"
    )
    op.drop_table("fresh_mention")
