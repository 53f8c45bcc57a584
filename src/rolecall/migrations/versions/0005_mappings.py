"""Mappings, what sources give, values that users carry, and what is being reconciled.

Revision: 0005, after 0004.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NESTED = sa.text("member_kind = 'Group'")
LONGEST_VALUE = 1000


def upgrade() -> None:
    """Make the tables, and take the values of `roles` that users have already."""
    op.create_index(
        "ix_group_member_nested",
        "group_member",
        ["group_id", "member_id"],
        unique=False,
        sqlite_where=NESTED,
        postgresql_where=NESTED,
    )
    op.create_table(
        "carried_value",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("value", KEY, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["directory_user.id"], name=op.f("fk_carried_value_user_id_directory_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", "value", name=op.f("pk_carried_value")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_carried_value_kind_value_user_id"), "carried_value", ["kind", "value", "user_id"])
    op.create_table(
        "given",
        sa.Column("source", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("role_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_given_team_id_team"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "team_id", "role_id", name=op.f("pk_given")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reconciling",
        sa.Column("source", KEY, nullable=False),
        sa.Column("phase", KEY, nullable=False),
        sa.Column("after_id", KEY, nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("total_count", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_reconciling")),
    )
    _make_mappings()
    _take_values()


def downgrade() -> None:
    """Go back to assignments by hand only."""
    op.execute("DELETE FROM assignment WHERE source != 'manual'")
    for table in ("mapping_choice", "mapped", "mapping_target", "mapping", "reconciling", "given", "carried_value"):
        op.drop_table(table)
    op.drop_index("ix_group_member_nested", table_name="group_member", sqlite_where=NESTED, postgresql_where=NESTED)


def _make_mappings() -> None:
    op.create_table(
        "mapping",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("match_kind", KEY, nullable=False),
        sa.Column("match_value", sa.Text(), nullable=False),
        sa.Column("match_key", KEY, nullable=False),
        sa.Column("made_by", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping")),
    )
    op.create_index(op.f("ix_mapping_source_match_kind_match_key"), "mapping", ["source", "match_kind", "match_key"])
    op.create_table(
        "mapping_target",
        sa.Column("mapping_id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("role_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["mapping_id"], ["mapping.id"], name=op.f("fk_mapping_target_mapping_id_mapping"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mapping_id", "team_id", "role_id", name=op.f("pk_mapping_target")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mapped",
        sa.Column("source", KEY, nullable=False),
        sa.Column("mapping_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["mapping_id"], ["mapping.id"], name=op.f("fk_mapped_mapping_id_mapping"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source", "mapping_id", name=op.f("pk_mapped")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_mapped_mapping_id"), "mapped", ["mapping_id"])
    op.create_table(
        "mapping_choice",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mapping_choice")),
    )


def _take_values() -> None:
    bind = op.get_bind()
    users = bind.execute(
        sa.text("SELECT id, changed_at, profile FROM directory_user WHERE profile LIKE '%\"roles\"%'")
    ).fetchall()
    for user_id, changed_at, profile in users:
        roles = json.loads(profile).get("roles")
        given = [role.get("value") for role in roles if isinstance(role, dict)] if isinstance(roles, list) else []
        for value in sorted(
            {each for each in given if isinstance(each, str) and 0 < len(each.encode()) <= LONGEST_VALUE}
        ):
            bind.execute(
                sa.text("INSERT INTO carried_value (user_id, kind, value, since_at) VALUES (:u, 'scim-role', :v, :s)"),
                {"u": user_id, "v": value, "s": changed_at},
            )
