"""The newest row of each subject: the only one without an `until`, whatever writes, moves or migrates the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from sqlalchemy import Table, create_engine, inspect, select, text

from syncd.ledger import Ledger, migrate
from syncd.ledger.schema import metadata
from syncd.ledger.versions import SUBJECTS

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: articles, title: Articles, kind: output, baseline: 0, target: 50, drives: calls, measure: {use: cell}}
      - {id: calls, title: Calls, kind: outcome, baseline: 100, target: 0, measure: {use: cell, cell: B2}}
measures:
  cell: {from: local, file: c.csv, cell: B1}
"""
SETTINGS = """\
publish: [{to: local, file: okrs.json}]
notify: {to: "${CHANNEL}", about: [failing]}
"""


@pytest.fixture
def project(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CsvProject]:
    """Two linked key results, whose numbers, health and link have changed several times."""
    monkeypatch.setenv("CHANNEL", "json://127.0.0.1:9")
    project = CsvProject(tmp_path, MAPPING, NOW, settings=SETTINGS, ledger=url)
    for number in (10, 20, 45, 45, 3):
        sync(project, number)
    yield project
    project.ledger.close()


def sync(project: CsvProject, number: int) -> None:
    project.write("c.csv", f"articles,{number}", f"calls,{number}")
    project.now += timedelta(days=10)
    project.cycle()


def wrong_rows(ledger: Ledger) -> list[tuple[object, ...]]:
    """The rows whose `until` is not the cycle of the next row of their subject."""
    wrong: list[tuple[object, ...]] = []
    with ledger.engine.connect() as connection:
        for table, subject in SUBJECTS.items():
            order = table.c.id if "id" in table.c else table.c.cycle
            next_cycle: dict[tuple[object, ...], int] = {}
            for row in connection.execute(select(table).order_by(order.desc())).mappings():
                name = tuple(row[column] for column in subject)
                if row["until"] != next_cycle.get(name):
                    wrong.append((table.name, *name, row["cycle"], row["until"]))
                next_cycle[name] = row["cycle"]
    return wrong


def rows_of(ledger: Ledger, table: Table) -> int:
    with ledger.engine.connect() as connection:
        return len(connection.execute(select(table)).all())


def test_row_ends_with_the_cycle_that_writes_the_next_one(project: CsvProject) -> None:
    for table, subject in SUBJECTS.items():
        several = 1 if table.name == "deliveries" else 3  # of a whole period the newest delivery alone is kept
        assert rows_of(project.ledger, table) >= several, (table.name, subject)
    assert wrong_rows(project.ledger) == []


@pytest.mark.sampled(1)
def test_moved_key_result_has_one_newest_value_beside_those_that_its_new_id_had(project: CsvProject) -> None:
    project.edit("id: calls,", "id: contacts,")
    project.edit("drives: calls", "drives: contacts")
    sync(project, 5)
    project.edit("id: contacts,", "id: contacts, moved: {from: calls},")
    sync(project, 7)
    assert wrong_rows(project.ledger) == []
    assert project.ledger.values.last("2026-Q4")["contacts"].number == 7


@pytest.mark.sampled(2)
def test_migration_ends_every_row_but_the_newest(project: CsvProject, empty_url: str) -> None:
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        migrate.upgrade(connection, to="0015")
        old = inspect(connection)
        with project.ledger.engine.connect() as source:
            for table in metadata.sorted_tables:
                if not old.has_table(table.name):
                    continue
                columns = [table.c[column["name"]] for column in old.get_columns(table.name)]
                rows = [dict(row) for row in source.execute(select(*columns)).mappings()]
                connection.execute(table.delete())
                if rows:
                    connection.execute(table.insert(), rows)
        connection.execute(text("UPDATE control SET writes_from = '0015'"))
        migrate.upgrade(connection)
    engine.dispose()
    migrated = CsvProject(project.folder, MAPPING, NOW, settings=SETTINGS, ledger=empty_url)
    assert wrong_rows(migrated.ledger) == []
    assert rows_of(migrated.ledger, next(iter(SUBJECTS))) >= 3
    assert migrated.ledger.identity.writes_from == "0016"
    migrated.ledger.close()
