"""How are mappings kept?"""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table

from rolecall.storage.types import COUNT, INSTANT, KEY, METADATA, TEXT

mapping = Table(
    "mapping",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("match_kind", KEY, nullable=False),
    Column("match_value", TEXT, nullable=False),
    # What an equality looks for: the value, or for a name its comparison form.
    Column("match_key", KEY, nullable=False),
    Column("made_by", KEY, nullable=False),
    Column("state", KEY, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    Index(None, "source", "match_kind", "match_key"),
)

# No foreign key to the team: a reaction takes out what is gone, and says so.
mapping_target = Table(
    "mapping_target",
    METADATA,
    Column("mapping_id", KEY, ForeignKey("mapping.id", ondelete="CASCADE"), nullable=False),
    Column("team_id", KEY, nullable=False),
    Column("role_id", KEY, nullable=False),
    PrimaryKeyConstraint("mapping_id", "team_id", "role_id"),
    sqlite_with_rowid=False,
)

# Which sources a mapping matches now, so that a push need not try them all.
mapped = Table(
    "mapped",
    METADATA,
    Column("source", KEY, nullable=False),
    Column("mapping_id", KEY, ForeignKey("mapping.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("source", "mapping_id"),
    Index(None, "mapping_id"),
    sqlite_with_rowid=False,
)

mapping_choice = Table(
    "mapping_choice",
    METADATA,
    Column("name", KEY, primary_key=True),
    Column("value", KEY, nullable=False),
)
