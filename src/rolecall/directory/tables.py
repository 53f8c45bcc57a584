"""How are users, groups, members, declared resources, teams, roles and assignments kept?"""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    and_,
    literal_column,
)

from rolecall.storage.types import COUNT, FLAG, INSTANT, KEY, METADATA, TEXT

directory_user = Table(
    "directory_user",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("kind", KEY, nullable=False),
    Column("state", KEY, nullable=False),
    Column("provisioned", FLAG, nullable=False),
    Column("break_glass", FLAG, nullable=False),
    # Null once the user is deleted, so that the name is free again.
    Column("user_name_key", KEY),
    # What people call the user: displayName, else userName. The key is of displayName alone.
    Column("display", TEXT, nullable=False),
    Column("display_name_key", KEY),
    Column("external_id", KEY),
    # Of a user that SCIM owns. No foreign key, here and below: it would lock the connection's row at each insertion.
    Column("connection_id", KEY),
    Column("profile", TEXT, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    UniqueConstraint("user_name_key"),
    Index(None, "display_name_key"),
    Index(None, "external_id"),
    Index(None, "changed_at"),
)

# The users that SCIM sees, in the order in which it lists them. Written as a constant, since a partial
# index serves only conditions that repeat it to the letter.
PROVISIONED: Final = and_(
    directory_user.c.provisioned == literal_column("1"), directory_user.c.state != literal_column("'deleted'")
)
Index(
    "ix_directory_user_provisioned",
    directory_user.c.connection_id,
    directory_user.c.id,
    sqlite_where=PROVISIONED,
    postgresql_where=PROVISIONED,
)

PROVISIONED_TOTAL: Final = "provisioned_users"
"""What the totals of those are called, before the connection that they belong to."""

user_email = Table(
    "user_email",
    METADATA,
    Column("user_id", KEY, ForeignKey("directory_user.id", ondelete="CASCADE"), nullable=False),
    Column("position", COUNT, nullable=False),
    Column("value_key", KEY),
    Column("type_key", KEY),
    PrimaryKeyConstraint("user_id", "position"),
    Index(None, "value_key"),
    sqlite_with_rowid=False,
)

directory_group = Table(
    "directory_group",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("display", TEXT, nullable=False),
    Column("display_name_key", KEY, nullable=False),
    Column("external_id", KEY),
    Column("connection_id", KEY, nullable=False),
    Column("profile", TEXT, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    UniqueConstraint("display_name_key"),
    Index(None, "external_id"),
    Index(None, "changed_at"),
    Index(None, "connection_id", "id"),
)

GROUP_TOTAL: Final = "groups"
"""What the totals of groups are called, before the connection that they belong to."""

# `member_id` names a user or a group, as `member_kind` says, so no foreign key can guard it:
# deleting either removes its rows here in the same transaction.
group_member = Table(
    "group_member",
    METADATA,
    Column("group_id", KEY, ForeignKey("directory_group.id", ondelete="CASCADE"), nullable=False),
    Column("member_id", KEY, nullable=False),
    Column("member_kind", KEY, nullable=False),
    Column("added_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("group_id", "member_id"),
    Index(None, "member_id", "group_id"),
    sqlite_with_rowid=False,
)

# Resources of the kinds that an installation declares; those of a kind that is no longer declared stay.
directory_resource = Table(
    "directory_resource",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("kind", KEY, nullable=False),
    Column("external_id", KEY),
    Column("connection_id", KEY, nullable=False),
    Column("profile", TEXT, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    Index(None, "kind", "id"),
    Index(None, "kind", "connection_id", "id"),
    Index(None, "kind", "external_id"),
    Index(None, "kind", "changed_at"),
)

resource_value = Table(
    "resource_value",
    METADATA,
    Column("kind", KEY, nullable=False),
    Column("attribute", KEY, nullable=False),
    Column("value_key", KEY, nullable=False),
    Column("resource_id", KEY, ForeignKey("directory_resource.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("kind", "attribute", "value_key"),
    Index(None, "resource_id"),
    sqlite_with_rowid=False,
)

# Groups within groups are few; a walk down through them must not read every user on its way.
NESTED: Final = group_member.c.member_kind == literal_column("'Group'")
Index(
    "ix_group_member_nested",
    group_member.c.group_id,
    group_member.c.member_id,
    sqlite_where=NESTED,
    postgresql_where=NESTED,
)

# Values that identity providers give to users and that can be mapped: of `roles`, or of a claim at sign-in.
carried_value = Table(
    "carried_value",
    METADATA,
    Column("user_id", KEY, ForeignKey("directory_user.id", ondelete="CASCADE"), nullable=False),
    Column("kind", KEY, nullable=False),
    Column("value", KEY, nullable=False),
    Column("since_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("user_id", "kind", "value"),
    Index(None, "kind", "value", "user_id"),
    sqlite_with_rowid=False,
)

team = Table(
    "team",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("alias", TEXT),
    Column("alias_key", KEY),
    Column("description", TEXT, nullable=False),
    Column("policy", KEY, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    UniqueConstraint("name_key"),
    UniqueConstraint("alias_key"),
)

team_provider = Table(
    "team_provider",
    METADATA,
    Column("team_id", KEY, ForeignKey("team.id", ondelete="CASCADE"), nullable=False),
    Column("provider_id", KEY, ForeignKey("provider.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("team_id", "provider_id"),
    sqlite_with_rowid=False,
)

# Custom ones only: those that are built in are part of the code, and the same everywhere.
role = Table(
    "role",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("description", TEXT, nullable=False),
    Column("actions", TEXT, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    UniqueConstraint("name_key"),
)

# One row for each source; the assignment is there while a row is left.
assignment = Table(
    "assignment",
    METADATA,
    Column("user_id", KEY, ForeignKey("directory_user.id", ondelete="CASCADE"), nullable=False),
    Column("team_id", KEY, ForeignKey("team.id", ondelete="CASCADE"), nullable=False),
    Column("role_id", KEY, nullable=False),
    Column("source", KEY, nullable=False),
    Column("since_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("user_id", "team_id", "role_id", "source"),
    Index(None, "team_id", "role_id"),
    Index(None, "source", "user_id"),
)

# What each mapped source gives now, whatever number of mappings says so.
given = Table(
    "given",
    METADATA,
    Column("source", KEY, nullable=False),
    Column("team_id", KEY, ForeignKey("team.id", ondelete="CASCADE"), nullable=False),
    Column("role_id", KEY, nullable=False),
    PrimaryKeyConstraint("source", "team_id", "role_id"),
    sqlite_with_rowid=False,
)

# Sources whose assignments do not yet match `given`: until they do, each is looked at before it counts.
reconciling = Table(
    "reconciling",
    METADATA,
    Column("source", KEY, primary_key=True),
    Column("phase", KEY, nullable=False),
    Column("after_id", KEY, nullable=False),
    Column("done_count", COUNT, nullable=False),
    Column("total_count", COUNT, nullable=False),
    Column("started_at", INSTANT, nullable=False),
)

installation = Table(
    "installation",
    METADATA,
    Column("name", KEY, primary_key=True),
    Column("value", TEXT, nullable=False),
)
