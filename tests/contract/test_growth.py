"""What a cycle costs does not grow with what has been. No test looks at time: they count the work of the database."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text

from syncd.ledger.schema import metadata

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from check_in_api import check_in_api
from grown import GrowingProject
from statements import statements_of


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of check-ins."""
    monkeypatch.setenv("OKR_KEY", "of no importance")
    monkeypatch.setenv("OKR_CHANNEL", "json://127.0.0.1:9")
    with check_in_api() as api:
        yield api.url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the URL of one more place for a ledger, each time that it is called."""
    if request.param == "sqlite":
        numbers = count(1)
        return lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
    new: Callable[[], str] = request.getfixturevalue("new_postgres")
    return new


def rows(project: GrowingProject) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a ledger by table, but the ledger's own id."""
    with project.ledger.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name != "control"
        }


@pytest.mark.nightly
@pytest.mark.sampled(1)
@pytest.mark.parametrize("changes", [6, pytest.param(200, marks=pytest.mark.nightly)])
def test_ledger_that_is_filled_in_bulk_is_the_one_that_cycles_make(
    tmp_path: Path, url: str, target: str, changes: int
) -> None:
    made = GrowingProject(tmp_path / "made", f"sqlite:///{tmp_path / 'made.db'}", target, 3)
    made.run_cycles(changes)
    filled = GrowingProject(tmp_path / "filled", url, target, 3)
    filled.grow(changes)
    assert rows(filled) == rows(made)
    for project in (filled, made):
        project.cycle()
        project.cycle(changes + 2)
        assert len(project.cycle(changes + 3).changes) == 3
    assert rows(filled) == rows(made)
    filled.close()
    made.close()


def work_of(engine: Engine, action: Callable[[], object]) -> int:
    """What the database did: the instructions of SQLite, or the rows that PostgreSQL read."""
    return (_instructions if engine.dialect.name == "sqlite" else _rows_read)(engine, action)


def _instructions(engine: Engine, action: Callable[[], object]) -> int:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    def watch(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_progress_handler(tick, 10)

    event.listen(engine, "checkout", watch)
    action()
    event.remove(engine, "checkout", watch)
    return 10 * ticks


def _rows_read(engine: Engine, action: Callable[[], object]) -> int:
    query = text("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")

    def rows_read() -> int:
        engine.dispose()  # a connection counts what it read at its end
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
            return int(connection.execute(query).scalar_one())

    before = rows_read()
    action()
    return rows_read() - before


def work_of_cycles(project: GrowingProject, changes: int) -> tuple[int, int]:
    """The work of an unchanged cycle, and of one in which everything changed."""
    project.grow(changes)
    engine = project.ledger.engine
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    project.cycle()
    unchanged = work_of(engine, project.cycle)
    changed = work_of(engine, lambda: project.cycle(changes + 2))
    project.close()
    return unchanged, changed


@pytest.mark.sampled(1)
def test_cycle_reads_no_more_after_many_changes(tmp_path: Path, new_url: Callable[[], str], target: str) -> None:
    few = work_of_cycles(GrowingProject(tmp_path / "few", new_url(), target, 5), 2)
    many = work_of_cycles(GrowingProject(tmp_path / "many", new_url(), target, 5), 400)
    assert all(after <= 1.2 * before for before, after in zip(few, many, strict=True)), (few, many)


def test_statements_of_a_cycle_do_not_grow_with_the_key_results_that_changed(tmp_path: Path, target: str) -> None:
    counts = []
    for size in (5, 25):
        project = GrowingProject(tmp_path / f"{size}", f"sqlite:///{tmp_path / f'{size}.db'}", target, size)
        project.run_cycles(1)
        with statements_of(project.ledger.engine) as statements:
            assert len(project.cycle(3).delivered) == size
        counts.append(len(statements))
        project.close()
    assert counts[0] == counts[1] < 120
