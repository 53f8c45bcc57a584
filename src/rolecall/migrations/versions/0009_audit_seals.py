"""Seals of the audit log.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table of seals."""
    op.create_table(
        "audit_seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("previous", KEY, nullable=False),
        sa.Column("hmac", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_by", KEY, nullable=False),
        sa.Column("checkpoint", sa.SmallInteger(), nullable=False),
        sa.Column("cut_at", sa.BigInteger(), nullable=True),
        sa.Column("cut_done", sa.SmallInteger(), nullable=False),
        sa.Column("cut_hmac", KEY, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
    )
    op.create_index(op.f("ix_audit_seal_checkpoint_number"), "audit_seal", ["checkpoint", "number"], unique=False)


def downgrade() -> None:
    """Remove it."""
    op.drop_index(op.f("ix_audit_seal_checkpoint_number"), table_name="audit_seal")
    op.drop_table("audit_seal")
