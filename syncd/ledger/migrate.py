"""Gives a ledger this version's tables: makes them, or migrates older ones. Alembic is imported only to migrate."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, text

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
    """Makes the tables of an empty database, or runs the missing migrations, within the connection's transaction."""
    with unhurried(connection):
        if version(connection) is None and to in ("head", head()):
            _create(connection)
        else:
            run_migrations(connection, to)


def run_migrations(connection: Connection, to: str = "head") -> None:
    """Runs each missing migration; in an empty database all of them."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _create(connection: Connection) -> None:
    """The tables as all migrations together would make them, in a tenth of the time."""
    from syncd.ledger.schema import WRITES_FROM, control, metadata

    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(control).values(id=1, ledger=uuid4().hex, writes_from=WRITES_FROM))
    of_alembic = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
    of_alembic.primary_key.name = "alembic_version_pkc"
    of_alembic.create(connection)
    connection.execute(insert(of_alembic).values(version_num=head()))
