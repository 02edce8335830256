"""Run by Alembic: the steps on the connection, and in the transaction, that ``migrate`` holds."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=False)
context.run_migrations()
