"""How does Alembic reach the database? It runs this file."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from rolecall.migrations.tables import METADATA

engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
