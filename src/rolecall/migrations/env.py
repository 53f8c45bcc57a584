"""How does Alembic reach the database? It runs this file."""

from alembic import context
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from rolecall.migrations.tables import METADATA

TURN = 7_236_420_551
"""Names the lock; any number that nobody else uses."""

engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
if engine.dialect.name == "sqlite":
    # Python's driver begins no transaction for DDL by itself; a step that fails must leave nothing behind.
    event.listen(engine, "connect", lambda driver, _record: setattr(driver, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
with engine.connect() as connection:
    if engine.dialect.name == "postgresql":
        # Two that start at once on an empty database take turns; the end of the connection lets go.
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({TURN})")
        connection.commit()
    context.configure(
        connection=connection,
        transactional_ddl=True,
        target_metadata=METADATA,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
