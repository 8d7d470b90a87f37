"""Creates this version's tables in a ledger, or migrates older tables. Alembic is imported only for a migration."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from uuid import uuid4

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    make_url,
    text,
)
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement, SetColumnComment

from syncd.ledger.engine import unhurried
from syncd.ledger.own_schema import enter_schema

MIGRATIONS = Path(__file__).parent / "migrations"
_ALEMBIC = threading.Lock()
"""Alembic stores the running migration in a global variable of the process. Two migrations at once would change each
other's ledgers.
"""

_OF_ALEMBIC = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

_INDEXES = """
ix_definitions_period_key_result ix_approvals_period_key_result ix_records_stream_until_done_at_kind_id
ix_checkins_period_key_result ix_deliveries_connection_target_id ix_deliveries_period_key_result ix_deliveries_state
ix_events_kind_period_subject ix_events_state ix_events_recipient ix_outlines_period_subject ix_moves_period
ix_messages_recipient_address ix_messages_state ix_key_result_values_newest ix_alignments_newest
ix_deliveries_newest ix_events_newest ix_readings_newest_at ix_readings_stream_part_until ix_cycles_started_at
ix_webhooks_connection ix_webhooks_received_at ix_sessions_expires_at ix_requests_period_key_result
ix_requests_state ix_requests_delivery
"""
"""The indexes in the order in which the migrations make them. The order matters: if two indexes suit a query equally,
SQLite uses the newer index.
"""


def head() -> str:
    """The number of the newest migration, from the names of the migration files."""
    return max(path.name.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def version(connection: Connection) -> str | None:
    """The number of a ledger's last migration; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return number


def upgrade(connection: Connection, to: str = "head") -> None:
    """Creates the tables of an empty database or schema, or runs the missing migrations, within the connection's
    transaction.
    """
    with unhurried(connection):
        enter_schema(connection)
        if version(connection) is None and to in ("head", head()):
            _create(connection)
        else:
            run_migrations(connection, to)


def run_migrations(connection: Connection, to: str = "head") -> None:
    """Runs the missing migrations; in an empty database, all migrations."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    with _ALEMBIC:
        command.upgrade(config, to)


def _create(connection: Connection) -> None:
    """Creates the same tables as all migrations together would, in a tenth of the time."""
    from syncd.ledger.schema import WRITES_FROM, control

    statements = _statements(connection.engine.url.drivername)
    # PostgreSQL gets all statements in one text, because sending them one by one would take most of the time.
    for statement in [";\n".join(statements)] if connection.dialect.name == "postgresql" else statements:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    connection.execute(insert(control).values(id=1, ledger=uuid4().hex, writes_from=WRITES_FROM))
    connection.execute(insert(_OF_ALEMBIC).values(version_num=head()))


@cache
def _statements(driver: str) -> Sequence[str]:
    """The statements that make all tables and indexes in the database of a driver, such as `postgresql+psycopg`."""
    from syncd.ledger.schema import metadata

    dialect = make_url(f"{driver}://").get_dialect()()
    indexes = {str(index.name): index for table in metadata.sorted_tables for index in table.indexes}
    for index in indexes.values() if dialect.name == "postgresql" else ():  # accessing its options imports the dialect
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    made: list[ExecutableDDLElement] = [CreateTable(table) for table in (*metadata.sorted_tables, _OF_ALEMBIC)]
    made += [CreateIndex(indexes[name]) for name in _INDEXES.split()]
    if dialect.supports_comments:
        made += [SetColumnComment(column) for table in metadata.sorted_tables for column in table.c if column.comment]
    return [str(statement.compile(dialect=dialect)) for statement in made]
