"""The first tables: directory, credentials, events and audit.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ROOT_TEAM = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    """Make every table, and the team Root."""
    op.create_table(
        "audit_record",
        sa.Column("sequence", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("phase", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", KEY, nullable=True),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("api_key_id", KEY, nullable=True),
        sa.Column("address", KEY, nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("method", KEY, nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("outcome", KEY, nullable=True),
        sa.Column("code", KEY, nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("operations", sa.Text(), nullable=True),
        sa.Column("subject_id", KEY, nullable=True),
        sa.Column("repeated_count", sa.BigInteger(), nullable=True),
        sa.Column("duration_microseconds", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_record")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_record_recorded_at"), "audit_record", ["recorded_at"], unique=False)
    op.create_index(op.f("ix_audit_record_request_id"), "audit_record", ["request_id"], unique=False)
    op.create_table(
        "directory_group",
        sa.Column("id", KEY, nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("display_name_key", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=True),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_group")),
        sa.UniqueConstraint("display_name_key", name=op.f("uq_directory_group_display_name_key")),
    )
    op.create_index(op.f("ix_directory_group_changed_at"), "directory_group", ["changed_at"], unique=False)
    op.create_index(op.f("ix_directory_group_external_id"), "directory_group", ["external_id"], unique=False)
    op.create_table(
        "directory_user",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("provisioned", sa.SmallInteger(), nullable=False),
        sa.Column("break_glass", sa.SmallInteger(), nullable=False),
        sa.Column("user_name_key", KEY, nullable=True),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("display_name_key", KEY, nullable=True),
        sa.Column("external_id", KEY, nullable=True),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_user")),
        sa.UniqueConstraint("user_name_key", name=op.f("uq_directory_user_user_name_key")),
    )
    op.create_index(op.f("ix_directory_user_changed_at"), "directory_user", ["changed_at"], unique=False)
    op.create_index(op.f("ix_directory_user_display_name_key"), "directory_user", ["display_name_key"], unique=False)
    op.create_index(op.f("ix_directory_user_external_id"), "directory_user", ["external_id"], unique=False)
    op.create_index(
        "ix_directory_user_provisioned",
        "directory_user",
        ["id"],
        unique=False,
        sqlite_where=sa.text("provisioned = 1 AND state != 'deleted'"),
        postgresql_where=sa.text("provisioned = 1 AND state != 'deleted'"),
    )
    op.create_table(
        "event",
        sa.Column("sequence", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("category", KEY, nullable=False),
        sa.Column("severity", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=True),
        sa.Column("actor_kind", KEY, nullable=False),
        sa.Column("actor_user_id", KEY, nullable=True),
        sa.Column("request_id", KEY, nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_event_happened_at"), "event", ["happened_at"], unique=False)
    op.create_index(op.f("ix_event_subject_id"), "event", ["subject_id"], unique=False)
    op.create_table(
        "installation",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "setup_link",
        sa.Column("token_hash", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_setup_link")),
    )
    op.create_table(
        "team",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", KEY, nullable=False),
        sa.Column("secret_hash", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("role", KEY, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_api_key_team_id_team")),
        sa.ForeignKeyConstraint(["user_id"], ["directory_user.id"], name=op.f("fk_api_key_user_id_directory_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_index(op.f("ix_api_key_user_id"), "api_key", ["user_id"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_assignment_team_id_team"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["directory_user.id"], name=op.f("fk_assignment_user_id_directory_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "team_id", "role", "source", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_team_id_role"), "assignment", ["team_id", "role"], unique=False)
    op.create_table(
        "group_member",
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("member_id", KEY, nullable=False),
        sa.Column("member_kind", KEY, nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["directory_group.id"],
            name=op.f("fk_group_member_group_id_directory_group"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_group_member")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_group_member_member_id_group_id"), "group_member", ["member_id", "group_id"], unique=False)
    op.create_table(
        "user_email",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("value_key", KEY, nullable=True),
        sa.Column("type_key", KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["directory_user.id"], name=op.f("fk_user_email_user_id_directory_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "position", name=op.f("pk_user_email")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_user_email_value_key"), "user_email", ["value_key"], unique=False)
    op.execute("INSERT INTO installation (name, value) VALUES ('access_version', '0')")
    op.execute(f"INSERT INTO team (id, name, created_at) VALUES ('{ROOT_TEAM}', 'Root', 0)")  # noqa: S608  # a constant


def downgrade() -> None:
    """Remove every table."""
    op.drop_index(op.f("ix_user_email_value_key"), table_name="user_email")
    op.drop_table("user_email")
    op.drop_index(op.f("ix_group_member_member_id_group_id"), table_name="group_member")
    op.drop_table("group_member")
    op.drop_index(op.f("ix_assignment_team_id_role"), table_name="assignment")
    op.drop_table("assignment")
    op.drop_index(op.f("ix_api_key_user_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("team")
    op.drop_table("setup_link")
    op.drop_table("installation")
    op.drop_index(op.f("ix_event_subject_id"), table_name="event")
    op.drop_index(op.f("ix_event_happened_at"), table_name="event")
    op.drop_table("event")
    op.drop_index(
        "ix_directory_user_provisioned",
        table_name="directory_user",
        sqlite_where=sa.text("provisioned = 1 AND state != 'deleted'"),
        postgresql_where=sa.text("provisioned = 1 AND state != 'deleted'"),
    )
    op.drop_index(op.f("ix_directory_user_external_id"), table_name="directory_user")
    op.drop_index(op.f("ix_directory_user_display_name_key"), table_name="directory_user")
    op.drop_index(op.f("ix_directory_user_changed_at"), table_name="directory_user")
    op.drop_table("directory_user")
    op.drop_index(op.f("ix_directory_group_external_id"), table_name="directory_group")
    op.drop_index(op.f("ix_directory_group_changed_at"), table_name="directory_group")
    op.drop_table("directory_group")
    op.drop_index(op.f("ix_audit_record_request_id"), table_name="audit_record")
    op.drop_index(op.f("ix_audit_record_recorded_at"), table_name="audit_record")
    op.drop_table("audit_record")
