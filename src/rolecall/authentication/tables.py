"""How are credentials kept? Only ever as hashes."""

from sqlalchemy import Column, ForeignKey, Index, Table

from rolecall.storage.types import INSTANT, KEY, METADATA, TEXT

api_key = Table(
    "api_key",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("secret_hash", KEY, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("user_id", KEY, ForeignKey("directory_user.id"), nullable=False),
    # No foreign key: a deleted team leaves its ended keys behind.
    Column("team_id", KEY, nullable=False),
    Column("role_id", KEY),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    Column("last_used_at", INSTANT),
    Index(None, "user_id"),
)

setup_link = Table(
    "setup_link",
    METADATA,
    Column("token_hash", KEY, primary_key=True),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
)
