"""Migrates a ledger to this version's tables. Alembic is imported only if there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from syncd.ledger.engine import unhurried

MIGRATIONS = Path(__file__).parent / "migrations"


def head() -> str:
    """The number of the newest migration, from the names of the files."""
    return max(path.name.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def version(connection: Connection) -> str | None:
    """The number of a ledger's last migration; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return number


def upgrade(connection: Connection, to: str = "head") -> None:
    """Runs the missing migrations within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    with unhurried(connection):
        command.upgrade(config, to)
