"""Teams with a scope, custom roles, providers and data sources; a role is known by its id.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring teams and assignments to their new form, and make the table of custom roles."""
    with op.batch_alter_table("team") as team:
        team.add_column(sa.Column("name_key", KEY, nullable=True))
        team.add_column(sa.Column("alias", sa.Text(), nullable=True))
        team.add_column(sa.Column("alias_key", KEY, nullable=True))
        team.add_column(sa.Column("description", sa.Text(), nullable=True))
        team.add_column(sa.Column("policy", KEY, nullable=True))
        team.add_column(sa.Column("version", sa.BigInteger(), nullable=True))
        team.add_column(sa.Column("changed_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE team SET name_key = lower(name), description = '', policy = 'UNBOUND', version = 1")
    op.execute("UPDATE team SET changed_at = created_at")
    op.execute("UPDATE team SET alias = 'Root', alias_key = 'root' WHERE name = 'Root'")
    with op.batch_alter_table("team") as team:
        team.alter_column("name_key", existing_type=KEY, nullable=False)
        team.alter_column("description", existing_type=sa.Text(), nullable=False)
        team.alter_column("policy", existing_type=KEY, nullable=False)
        team.alter_column("version", existing_type=sa.BigInteger(), nullable=False)
        team.alter_column("changed_at", existing_type=sa.BigInteger(), nullable=False)
        team.create_unique_constraint(op.f("uq_team_name_key"), ["name_key"])
        team.create_unique_constraint(op.f("uq_team_alias_key"), ["alias_key"])
    op.create_table(
        "role",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name_key", name=op.f("uq_role_name_key")),
    )
    op.create_table(
        "provider",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("name_key", name=op.f("uq_provider_name_key")),
    )
    op.create_table(
        "data_source",
        sa.Column("id", KEY, nullable=False),
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_data_source_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_source")),
        sa.UniqueConstraint("provider_id", "name_key", name=op.f("uq_data_source_provider_id_name_key")),
    )
    op.create_table(
        "team_provider",
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("provider_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_team_provider_team_id_team"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_team_provider_provider_id_provider"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "provider_id", name=op.f("pk_team_provider")),
        sqlite_with_rowid=False,
    )
    op.drop_index(op.f("ix_assignment_team_id_role"), table_name="assignment")
    _rename("role", "role_id")
    op.create_index(op.f("ix_assignment_team_id_role_id"), "assignment", ["team_id", "role_id"], unique=False)
    op.create_index(op.f("ix_assignment_source_user_id"), "assignment", ["source", "user_id"], unique=False)
    op.execute("ALTER TABLE api_key RENAME COLUMN role TO role_id")
    with op.batch_alter_table("api_key") as api_key:
        api_key.drop_constraint(op.f("fk_api_key_team_id_team"), type_="foreignkey")


def downgrade() -> None:
    """Go back to one team and the built-in roles. Keys and assignments of what is no longer known go."""
    op.execute("DELETE FROM api_key WHERE team_id NOT IN (SELECT id FROM team) OR role_id IN (SELECT id FROM role)")
    op.execute("DELETE FROM assignment WHERE role_id NOT IN ('admin', 'scim_provisioner')")
    op.execute("UPDATE api_key SET revoked_at = created_at WHERE role_id NOT IN ('admin', 'scim_provisioner')")
    op.execute("UPDATE api_key SET role_id = NULL WHERE role_id NOT IN ('admin', 'scim_provisioner')")
    with op.batch_alter_table("api_key") as api_key:
        api_key.create_foreign_key(op.f("fk_api_key_team_id_team"), "team", ["team_id"], ["id"])
    op.execute("ALTER TABLE api_key RENAME COLUMN role_id TO role")
    op.drop_index(op.f("ix_assignment_source_user_id"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_team_id_role_id"), table_name="assignment")
    _rename("role_id", "role")
    op.create_index(op.f("ix_assignment_team_id_role"), "assignment", ["team_id", "role"], unique=False)
    op.drop_table("team_provider")
    op.drop_table("data_source")
    op.drop_table("provider")
    op.drop_table("role")
    with op.batch_alter_table("team") as team:
        team.drop_constraint(op.f("uq_team_alias_key"), type_="unique")
        team.drop_constraint(op.f("uq_team_name_key"), type_="unique")
    with op.batch_alter_table("team") as team:
        for column in ("name_key", "alias", "alias_key", "description", "policy", "version", "changed_at"):
            team.drop_column(column)


def _rename(old: str, new: str) -> None:
    op.execute(f"ALTER TABLE assignment RENAME COLUMN {old} TO {new}")
    bind = op.get_bind()
    # From 18 on, PostgreSQL gives NOT NULL a name of its own, which does not follow the column's.
    if bind.dialect.name == "postgresql" and (bind.dialect.server_version_info or ()) >= (18,):
        op.execute(f"ALTER TABLE assignment RENAME CONSTRAINT assignment_{old}_not_null TO assignment_{new}_not_null")
