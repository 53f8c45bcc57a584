"""Resources of the kinds that an installation declares.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables of declared resources and of their unique values."""
    op.create_table(
        "directory_resource",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=True),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_resource")),
    )
    for name in ("id", "external_id", "changed_at"):
        op.create_index(op.f(f"ix_directory_resource_kind_{name}"), "directory_resource", ["kind", name], unique=False)
    op.create_table(
        "resource_value",
        sa.Column("kind", KEY, nullable=False),
        sa.Column("attribute", KEY, nullable=False),
        sa.Column("value_key", KEY, nullable=False),
        sa.Column("resource_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["directory_resource.id"],
            name=op.f("fk_resource_value_resource_id_directory_resource"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("kind", "attribute", "value_key", name=op.f("pk_resource_value")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_resource_value_resource_id"), "resource_value", ["resource_id"], unique=False)


def downgrade() -> None:
    """Remove the tables, with whatever is in them."""
    op.drop_index(op.f("ix_resource_value_resource_id"), table_name="resource_value")
    op.drop_table("resource_value")
    for name in ("changed_at", "external_id", "id"):
        op.drop_index(op.f(f"ix_directory_resource_kind_{name}"), table_name="directory_resource")
    op.drop_table("directory_resource")
