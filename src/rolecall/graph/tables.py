"""How are providers and data sources kept?"""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from rolecall.storage.types import INSTANT, KEY, METADATA, TEXT

provider = Table(
    "provider",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("type", KEY, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    UniqueConstraint("name_key"),
)

data_source = Table(
    "data_source",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("provider_id", KEY, ForeignKey("provider.id"), nullable=False),
    Column("name", TEXT, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("type", KEY, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    UniqueConstraint("provider_id", "name_key"),
)
