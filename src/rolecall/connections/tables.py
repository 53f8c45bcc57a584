"""How are SCIM connections kept?"""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from rolecall.storage.types import COUNT, INSTANT, KEY, METADATA, SEALED, TEXT

scim_connection = Table(
    "scim_connection",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("state", KEY, nullable=False),
    # Null: as the installation's setting has it.
    Column("requirement_profile", KEY),
    # A JSON list; null where nothing is narrowed.
    Column("networks", TEXT),
    # JSON lists as well.
    Column("user_scope", TEXT),
    Column("group_scope", TEXT),
    Column("rate_limit_count", COUNT, nullable=False),
    Column("silent_after_hours", COUNT, nullable=False),
    Column("dialect_pinned", KEY),
    Column("guard_people", COUNT, nullable=False),
    Column("guard_percent", COUNT, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    # What was noticed of its calls, some seconds late; it changes no version.
    Column("dialect_seen", KEY),
    Column("last_call_at", INSTANT),
    Column("silence_told_at", INSTANT),
    # How many people hold something, some minutes ago, those who lost it by this connection within the hour included.
    Column("guard_holder_count", COUNT, nullable=False, server_default="0"),
    UniqueConstraint("name_key"),
)

# How many calls there were in each hour, and how many of them failed; of the last days only.
scim_connection_hour = Table(
    "scim_connection_hour",
    METADATA,
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), nullable=False),
    Column("hour_at", INSTANT, nullable=False),
    Column("call_count", COUNT, nullable=False),
    Column("error_count", COUNT, nullable=False),
    PrimaryKeyConstraint("connection_id", "hour_at"),
    sqlite_with_rowid=False,
)

# In what each connection's resources differ from the last export of its provider, as far as it is not repaired.
scim_drift = Table(
    "scim_drift",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), nullable=False),
    Column("position", COUNT, nullable=False),
    Column("kind", KEY, nullable=False),
    Column("name", TEXT, nullable=False),
    # Null: it is missing here.
    Column("resource_id", KEY),
    Column("member_id", KEY),
    Column("member_name", TEXT),
    # JSON: what the provider says, with what a repair needs besides.
    Column("said", TEXT, nullable=False),
    Column("found_at", INSTANT, nullable=False),
    UniqueConstraint("connection_id", "position"),
    Index(None, "resource_id"),
    Index(None, "member_id"),
)

# What came of the last runs through the life of a user and a group, for each connection.
scim_validation = Table(
    "scim_validation",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), nullable=False),
    Column("way", KEY, nullable=False),
    Column("state", KEY, nullable=False),
    # Of the credential that lives as long as the run; null before and after.
    Column("key_id", KEY),
    # A JSON list, a step each.
    Column("reports", TEXT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("finished_at", INSTANT),
    Index(None, "connection_id"),
)

# Who lost an assignment by which connection, and when for the last time; of the last hour, and some older ones.
guard_loss = Table(
    "guard_loss",
    METADATA,
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", KEY, nullable=False),
    Column("lost_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("connection_id", "user_id"),
    Index(None, "connection_id", "lost_at"),
    sqlite_with_rowid=False,
)

# What connections sent that would take something from too many people, until somebody decides, and what was decided.
held_change = Table(
    "held_change",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), nullable=False),
    Column("state", KEY, nullable=False),
    # By which a retry is known; null once it is decided.
    Column("retry_key", KEY),
    Column("method", KEY, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("if_match", TEXT),
    Column("content_type", TEXT),
    # Null where nothing was sent, and once it is decided.
    Column("body", SEALED),
    Column("losing_count", COUNT, nullable=False),
    Column("lost_count", COUNT, nullable=False),
    Column("limit_count", COUNT, nullable=False),
    Column("request_id", KEY),
    Column("try_count", COUNT, nullable=False),
    Column("held_at", INSTANT, nullable=False),
    Column("last_tried_at", INSTANT, nullable=False),
    Column("decided_at", INSTANT),
    Column("decided_by_id", KEY),
    Column("decided_by_name", TEXT),
    Column("result_status", COUNT),
    # Why it could not be released when somebody last tried.
    Column("refusal", TEXT),
    UniqueConstraint("retry_key"),
    Index(None, "connection_id", "state", "held_at"),
    Index(None, "state", "held_at"),
    Index(None, "decided_at"),
)

# What a connection that was decommissioned is on its way to, or has become; none where it came back.
scim_leaving = Table(
    "scim_leaving",
    METADATA,
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), primary_key=True),
    Column("users", KEY, nullable=False),
    Column("assignments", KEY, nullable=False),
    Column("to_connection_id", KEY),
    Column("phase", KEY, nullable=False),
    Column("stage", KEY, nullable=False),
    Column("after_id", KEY, nullable=False),
    Column("done_count", COUNT, nullable=False),
    Column("total_count", COUNT, nullable=False),
    Column("state_before", KEY, nullable=False),
    Column("started_at", INSTANT, nullable=False),
    Column("undo_until_at", INSTANT, nullable=False),
    Column("finished_at", INSTANT),
)

# What was a connection's, as far as it has left: all that is needed to bring it back.
scim_left = Table(
    "scim_left",
    METADATA,
    Column("connection_id", KEY, ForeignKey("scim_connection.id", ondelete="CASCADE"), nullable=False),
    Column("kind", KEY, nullable=False),
    Column("resource_id", KEY, nullable=False),
    Column("name", TEXT, nullable=False),
    # Why it did not become what was chosen; null: it did.
    Column("because", KEY),
    # JSON.
    Column("said", TEXT, nullable=False),
    PrimaryKeyConstraint("connection_id", "kind", "resource_id"),
    sqlite_with_rowid=False,
)
