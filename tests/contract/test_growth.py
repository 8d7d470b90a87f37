"""What a cycle costs does not grow with what has been. No test looks at time: they count the work of the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from syncd.ledger.schema import metadata

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from check_in_api import check_in_api
from grown import GrowingProject


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of check-ins."""
    monkeypatch.setenv("OKR_KEY", "of no importance")
    monkeypatch.setenv("OKR_CHANNEL", "json://127.0.0.1:9")
    with check_in_api() as api:
        yield api.url


def rows(project: GrowingProject) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a ledger by table, but the ledger's own id."""
    with project.ledger.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name != "control"
        }


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
