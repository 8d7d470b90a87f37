"""Alembic's entry point: migrations run on the connection that `syncd.ledger.migrate` passes."""

from alembic import context

from syncd.ledger.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
