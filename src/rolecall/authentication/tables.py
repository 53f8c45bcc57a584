"""How are credentials kept? Only ever as hashes."""

from sqlalchemy import Column, ForeignKey, Index, Table

from rolecall.storage.types import INSTANT, KEY, METADATA, TEXT

api_key = Table(
    "api_key",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("secret_hash", KEY, nullable=False),
    Column("name", TEXT, nullable=False),
    # Null for a key of a team.
    Column("user_id", KEY, ForeignKey("directory_user.id")),
    # No foreign key: a deleted team leaves its ended keys behind.
    Column("team_id", KEY, nullable=False),
    Column("role_id", KEY),
    # Of a key that an identity provider pushes with. No foreign key: its table is of a room above.
    Column("connection_id", KEY),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    Column("last_used_at", INSTANT),
    # JSON lists; null where nothing is narrowed.
    Column("actions", TEXT),
    Column("networks", TEXT),
    # When it was told that the key ends soon.
    Column("expiry_told_at", INSTANT),
    Index(None, "user_id"),
    Index(None, "connection_id"),
)

access_token = Table(
    "access_token",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("secret_hash", KEY, nullable=False),
    Column("api_key_id", KEY, ForeignKey("api_key.id", ondelete="CASCADE"), nullable=False),
    # A JSON list; null where the key's own actions are not narrowed.
    Column("actions", TEXT),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Index(None, "api_key_id"),
    Index(None, "expires_at"),
)

setup_link = Table(
    "setup_link",
    METADATA,
    Column("token_hash", KEY, primary_key=True),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
)
