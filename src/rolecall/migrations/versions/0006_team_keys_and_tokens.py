"""A key can belong to a team, be narrowed to actions and networks, and be exchanged for access tokens.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Let a key be without a user, and make the table of access tokens."""
    with op.batch_alter_table("api_key") as api_key:
        api_key.alter_column("user_id", existing_type=KEY, nullable=True)
        api_key.add_column(sa.Column("actions", sa.Text(), nullable=True))
        api_key.add_column(sa.Column("networks", sa.Text(), nullable=True))
        api_key.add_column(sa.Column("expiry_told_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "access_token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("secret_hash", KEY, nullable=False),
        sa.Column("api_key_id", KEY, nullable=False),
        sa.Column("actions", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_key.id"], name=op.f("fk_access_token_api_key_id_api_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
    )
    op.create_index(op.f("ix_access_token_api_key_id"), "access_token", ["api_key_id"], unique=False)
    op.create_index(op.f("ix_access_token_expires_at"), "access_token", ["expires_at"], unique=False)


def downgrade() -> None:
    """Go back to keys of users. A key that was narrowed goes with those of teams: it would open more than it did."""
    op.drop_table("access_token")
    op.execute("DELETE FROM api_key WHERE user_id IS NULL OR actions IS NOT NULL OR networks IS NOT NULL")
    with op.batch_alter_table("api_key") as api_key:
        for column in ("actions", "networks", "expiry_told_at"):
            api_key.drop_column(column)
        api_key.alter_column("user_id", existing_type=KEY, nullable=False)
