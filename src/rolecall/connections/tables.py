"""How are SCIM connections kept?"""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from rolecall.storage.types import COUNT, INSTANT, KEY, METADATA, TEXT

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
