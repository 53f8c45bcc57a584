"""How are SCIM connections kept?"""

from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, Table, UniqueConstraint

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
