"""How are subscriptions and deliveries kept?"""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from rolecall.storage.types import COUNT, FLAG, INSTANT, KEY, METADATA, SEALED, TEXT

subscription = Table(
    "subscription",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("target", TEXT, nullable=False),
    Column("secrets", SEALED),
    Column("wanted", TEXT, nullable=False),
    Column("active", FLAG, nullable=False),
    Column("version", COUNT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    UniqueConstraint("name_key"),
)

# Without a foreign key: whoever records an event must never be refused because a subscription goes at that moment.
delivery = Table(
    "delivery",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("subscription_id", KEY, nullable=False),
    Column("event_type", KEY, nullable=False),
    Column("test", FLAG, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("state", KEY, nullable=False),
    Column("attempt_count", COUNT, nullable=False),
    Column("status", COUNT),
    Column("error", TEXT),
    Column("created_at", INSTANT, nullable=False),
    Column("attempted_at", INSTANT),
    Index(None, "subscription_id", "id"),
    Index(None, "created_at"),
)
