"""What finds the calls that were about somebody.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ABOUT_SOMETHING = "subject_id IS NOT NULL"
MENTIONED = {
    "sqlite": "SELECT m.value, e.request_id FROM event e JOIN json_each(e.data, '$.{name}') m",
    "postgresql": (
        "SELECT m.value, e.request_id FROM event e"
        " CROSS JOIN LATERAL json_array_elements_text(CAST(e.data AS json) -> '{name}') AS m (value)"
    ),
}


def upgrade() -> None:
    """Make the index and the table, and fill the table from the events that are there."""
    op.create_index(
        "ix_audit_record_subject",
        "audit_record",
        ["subject_id"],
        unique=False,
        sqlite_where=sa.text(ABOUT_SOMETHING),
        postgresql_where=sa.text(ABOUT_SOMETHING),
    )
    op.create_table(
        "event_mention",
        sa.Column("mentioned_id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("mentioned_id", "request_id", name=op.f("pk_event_mention")),
        sqlite_with_rowid=False,
    )
    for name in ("added", "removed"):
        mentioned = MENTIONED[op.get_bind().dialect.name].format(name=name)
        op.execute(
            f"INSERT INTO event_mention (mentioned_id, request_id) {mentioned}"
            " WHERE e.type = 'directory.group.members-changed' AND e.request_id IS NOT NULL ON CONFLICT DO NOTHING"
        )


def downgrade() -> None:
    """Remove both."""
    op.drop_table("event_mention")
    op.drop_index("ix_audit_record_subject", table_name="audit_record")
