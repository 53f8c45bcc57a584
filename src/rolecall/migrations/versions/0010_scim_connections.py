"""SCIM connections, and what belongs to which.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PUSHED = "provisioned = 1 AND state != 'deleted'"


def upgrade() -> None:
    """Make the tables and the default connection; whatever was pushed, and the keys for it, belong to that one."""
    _make_tables()
    op.execute(
        "INSERT INTO scim_connection (id, name, name_key, state, rate_limit_count, silent_after_hours, guard_people,"
        " guard_percent, version, created_at, changed_at)"
        " SELECT '00000000-0000-7000-8000-000000000002', 'Default', 'default',"
        " CASE WHEN EXISTS (SELECT 1 FROM installation WHERE name = 'scim_enabled' AND value = 'true') THEN 'ON'"
        " ELSE 'OFF' END, 0, 0, 50, 10, 1, created_at, created_at FROM team WHERE name = 'Root'"
    )
    op.drop_index(op.f("ix_directory_user_provisioned"), table_name="directory_user")
    for table in ("directory_user", "directory_group", "directory_resource", "api_key"):
        op.add_column(table, sa.Column("connection_id", KEY, nullable=True))
    op.execute("UPDATE directory_user SET connection_id = '00000000-0000-7000-8000-000000000002' WHERE provisioned = 1")
    op.execute(
        "UPDATE api_key SET connection_id = '00000000-0000-7000-8000-000000000002' WHERE role_id = 'scim_provisioner'"
    )
    op.execute("UPDATE directory_group SET connection_id = '00000000-0000-7000-8000-000000000002'")
    op.execute("UPDATE directory_resource SET connection_id = '00000000-0000-7000-8000-000000000002'")
    for table in ("directory_group", "directory_resource"):
        with op.batch_alter_table(table) as pushed:
            pushed.alter_column("connection_id", existing_type=KEY, nullable=False)
    op.execute("UPDATE total SET name = name || '\\:00000000-0000-7000-8000-000000000002'")
    op.create_index(
        op.f("ix_directory_user_provisioned"),
        "directory_user",
        ["connection_id", "id"],
        unique=False,
        sqlite_where=sa.text(PUSHED),
        postgresql_where=sa.text(PUSHED),
    )
    op.create_index(op.f("ix_api_key_connection_id"), "api_key", ["connection_id"], unique=False)
    op.create_index(
        op.f("ix_directory_group_connection_id_id"), "directory_group", ["connection_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_directory_resource_kind_connection_id_id"),
        "directory_resource",
        ["kind", "connection_id", "id"],
        unique=False,
    )


def downgrade() -> None:
    """Go back to one provider: users and groups of all connections become one, and keys of those that are off end."""
    op.execute(
        "UPDATE api_key SET revoked_at = created_at WHERE revoked_at IS NULL AND connection_id IN"
        " (SELECT id FROM scim_connection WHERE state != 'ON')"
    )
    op.drop_index(op.f("ix_directory_resource_kind_connection_id_id"), table_name="directory_resource")
    op.drop_index(op.f("ix_directory_group_connection_id_id"), table_name="directory_group")
    op.drop_index(op.f("ix_api_key_connection_id"), table_name="api_key")
    op.drop_index(op.f("ix_directory_user_provisioned"), table_name="directory_user")
    for table in ("directory_user", "directory_group", "directory_resource", "api_key"):
        op.drop_column(table, "connection_id")
    op.create_index(
        op.f("ix_directory_user_provisioned"),
        "directory_user",
        ["id"],
        unique=False,
        sqlite_where=sa.text(PUSHED),
        postgresql_where=sa.text(PUSHED),
    )
    op.execute("DELETE FROM total")
    op.execute(
        "INSERT INTO total (name, value) SELECT 'provisioned_users', count(*) FROM directory_user"
        " WHERE provisioned = 1 AND state != 'deleted'"
    )
    op.execute("INSERT INTO total (name, value) SELECT 'groups', count(*) FROM directory_group")
    op.drop_table("scim_connection_hour")
    op.drop_table("scim_connection")


def _make_tables() -> None:
    op.create_table(
        "scim_connection",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("requirement_profile", KEY, nullable=True),
        sa.Column("networks", sa.Text(), nullable=True),
        sa.Column("rate_limit_count", sa.BigInteger(), nullable=False),
        sa.Column("silent_after_hours", sa.BigInteger(), nullable=False),
        sa.Column("dialect_pinned", KEY, nullable=True),
        sa.Column("guard_people", sa.BigInteger(), nullable=False),
        sa.Column("guard_percent", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("dialect_seen", KEY, nullable=True),
        sa.Column("last_call_at", sa.BigInteger(), nullable=True),
        sa.Column("silence_told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_connection")),
        sa.UniqueConstraint("name_key", name=op.f("uq_scim_connection_name_key")),
    )
    op.create_table(
        "scim_connection_hour",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("hour_at", sa.BigInteger(), nullable=False),
        sa.Column("call_count", sa.BigInteger(), nullable=False),
        sa.Column("error_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["scim_connection.id"],
            name=op.f("fk_scim_connection_hour_connection_id_scim_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", "hour_at", name=op.f("pk_scim_connection_hour")),
        sqlite_with_rowid=False,
    )
