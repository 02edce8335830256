"""Brings a database to the newest tables, once, whoever starts first."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from weighbridge.adapters.catalog.database import translated
from weighbridge.adapters.catalog.tables import METADATA
from weighbridge.errors import StoreDown

HEAD = "0012"
"""The newest step in ``migrations/versions``."""
_LOCK = 0x77656967
"""The number of the advisory lock on PostgreSQL ("weig")."""
_ONE = threading.Lock()
"""Alembic keeps what it migrates in its module: two threads would migrate each other's database."""


def migrate(engine: Engine) -> None:
    """Make or update the tables; a second process waits and then finds them made.

    Raises:
        StoreDown: the database fails, or was made by a newer Weighbridge.
    """
    with translated(engine.url):
        with engine.begin() as connection:
            if _revision(connection) == HEAD:
                return
        with engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            upgrade_to(connection, "head")


def remake(connection: Connection, step: str) -> None:
    """Make the tables anew as they were at a step; whoever asks knows that there is nothing in them.

    Raises:
        StoreDown: the step is of a newer Weighbridge.
    """
    METADATA.drop_all(connection)
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    upgrade_to(connection, step)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade_to(connection: Connection, step: str) -> None:
    """Bring the tables to a step, or to ``head``, within the caller's transaction.

    Raises:
        StoreDown: they are, or the step is, of a newer Weighbridge.
    """
    # Alembic costs 0.1 s to import and is needed once in the life of most databases.
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    current = _revision(connection)
    newer = [one for one in (current, step) if one not in (None, "head") and one not in known]
    if newer:
        raise StoreDown(
            f"the catalogue has the tables of a newer Weighbridge (step {newer[0]}; this one knows {HEAD})",
            hint="run the version that made it, or restore a backup of before",
        )
    config.attributes["connection"] = connection
    with _ONE:
        upgrade(config, step)
