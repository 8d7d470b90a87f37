"""The number of statements of a cycle: all reads and writes beside the measuring are for many key results at once.

No test looks at time. Each compares a number of key results with twice as many, and counts the additional statements.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from statements import statements_of

from syncd.config import Config, load_config
from syncd.cycle.check_in import check_in
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.ledger import Ledger, open_ledger
from syncd.okr.checkins import CheckIn
from syncd.sandbox import Sandbox
from syncd.sdk import RetryPolicy

START = datetime(2026, 11, 2, 10, tzinfo=UTC)
CYCLES = ("first", "changed", "unchanged", "new day", "edited")


class Project:
    """A folder of key results, some of them linked, published to a file."""

    def __init__(self, folder: Path, connection: dict[str, str], key_results: list[dict[str, Any]]) -> None:
        folder.mkdir()
        self.folder = folder
        self.now = START
        connections = {"source": connection, "local": {"type": "files", "root": "."}}
        top = {"mappings": "okrs.yaml", "connections": connections, "publish": [{"to": "local", "file": "out.json"}]}
        (folder / "syncd.yaml").write_text(json.dumps(top))
        objective = {"id": "all", "title": "All", "key_results": key_results}
        period = {"start": "2026-10-01", "end": "2026-12-31", "id": "autumn"}
        (folder / "okrs.yaml").write_text(json.dumps({"period": period, "objectives": [objective]}))

    @property
    def config(self) -> Config:
        return load_config(self.folder / "syncd.yaml")

    def statements(self, change: Callable[[int], None], edit: tuple[str, str]) -> dict[str, int]:
        """How many statements each cycle runs; `change` alters every number, `edit` every measure."""
        ledger = open_ledger(f"sqlite:///{self.folder / 'syncd.db'}")
        assert ledger is not None
        counts: dict[str, int] = {}
        results: dict[str, Result] = {}
        for number, name in enumerate(CYCLES):
            if name in ("first", "changed"):
                change(number)
            if name == "edited":
                path = self.folder / "okrs.yaml"
                path.write_text(path.read_text().replace(*edit))
            with statements_of(ledger.engine) as statements:
                results[name] = run_cycle(
                    CycleRequest(self.config, ledger, lambda: self.now, RetryPolicy(sleep=lambda _: None))
                )
            counts[name] = len(statements)
            if name == "first":
                self._check_in(ledger)
            self.now += timedelta(days=1) if name == "unchanged" else timedelta(minutes=15)
        ledger.close()
        measured = [kr for kr in self.config.periods[0].key_results if kr.measure is not None]
        assert not any(result.failures for result in results.values())
        assert len(results["changed"].changes) >= len(measured)
        assert any(change.restated for change in results["changed"].changes)
        return counts

    def _check_in(self, ledger: Ledger) -> None:
        (okrs,) = self.config.periods
        for kr in okrs.key_results:
            if kr.measure is None:
                checkin = CheckIn("Dana", self.now, self.now + timedelta(days=30), 90)
                check_in(self.config, okrs, kr, ledger, checkin)


def of_readings(folder: Path, groups: int) -> tuple[dict[str, int], int]:
    """The statements of each cycle over dated series, cells, guards and check-ins, and the number of key results."""
    key_results: list[dict[str, Any]] = []
    days = [date(2026, 10, 1) + timedelta(days=number) for number in range(30)]

    def series(column: str) -> dict[str, Any]:
        return {"from": "source", "file": "days.csv", "series": {"dates": "Day", "values": column}}

    for number in range(groups):
        goal = {"baseline": 0, "target": 100}
        guard = {"title": "Few errors", "keep": {"at_most": 1000}, "measure": series(f"Errors {number}")}
        key_results += [
            {"id": f"calls-{number}", "kind": "outcome", **goal, "measure": series(f"Calls {number}")},
            {"id": f"visits-{number}", "kind": "output", **goal, "drives": f"calls-{number}", "guard": guard}
            | {"measure": series(f"Visits {number}") | {"take": "sum"}},
            {"id": f"cell-{number}", "kind": "outcome", **goal}
            | {"measure": {"from": "source", "file": "cells.csv", "cell": f"B{number + 1}"}},
            {"id": f"talks-{number}", "kind": "output", **goal, "drives": f"cell-{number}"},
        ]
    project = Project(folder, {"type": "files", "root": "."}, [{"title": "A number", **kr} for kr in key_results])

    def change(seed: int) -> None:
        names = [f"{name} {number}" for name in ("Calls", "Visits", "Errors") for number in range(groups)]
        rows = [",".join(["Day", *names])]
        for at, day in enumerate(days):
            rows.append(",".join([day.isoformat(), *(str(10 + at + seed * (at % 7)) for _ in names)]))
        (folder / "days.csv").write_text("\n".join(rows) + "\n")
        (folder / "cells.csv").write_text("".join(f"cell,{number + seed}\n" for number in range(groups)))

    return project.statements(change, ('"take": "sum"', '"take": "max"')), len(key_results)


def of_records(folder: Path, number: int, box: Sandbox) -> tuple[dict[str, int], int]:
    """The same over counts and averages of pull requests, of one repository and of two."""
    github, repos = box.world.github, [f"acme/{folder.name}-{name}" for name in ("web", "app")]
    for repo in repos:
        github.add_repo(repo, at=START - timedelta(days=100))
    key_results: list[dict[str, Any]] = []
    for at in range(number):
        measure: dict[str, Any] = {"from": "source", "what": "merged_pull_requests", "where": {"not_author": f"p{at}"}}
        take = {"take": "average", "of": "lead_time"} if at % 4 == 2 else {"take": "count"}
        measure |= {"repo": repos if at % 3 else repos[0]} | take
        key_result = {"id": f"kr-{at}", "title": "A number", "baseline": 0, "target": 10, "measure": measure}
        key_results.append(
            key_result | ({"kind": "output", "drives": f"kr-{at - 1}"} if at % 2 else {"kind": "outcome"})
        )
    connection = {"type": "github", "url": f"{box.url}/github", "token": "${SECRET}"}
    project = Project(folder, connection, key_results)

    def change(seed: int) -> None:
        for repo in repos:
            for at in range(1, 9):
                made = project.now - timedelta(days=4 * at, minutes=30)
                pull = github.add_pull(repo, f"Change {at}", author="Ada", at=made)
                github.merge_pull(repo, pull.number, at=made + timedelta(hours=at + seed))
                github.label(repo, pull.number, "seen", at=project.now - timedelta(minutes=5))

    return project.statements(change, ('"not_author": "p', '"not_author": "q')), len(key_results)


def growth(small: tuple[dict[str, int], int], large: tuple[dict[str, int], int]) -> dict[str, float]:
    """The number of additional statements of each cycle per additional key result."""
    (few, less), (many, more) = small, large
    return {name: (many[name] - few[name]) / (more - less) for name in CYCLES}


def test_readings_of_many_key_results_are_read_and_kept_together(tmp_path: Path) -> None:
    additional = growth(of_readings(tmp_path / "few", 5), of_readings(tmp_path / "many", 10))
    assert {name: more for name, more in additional.items() if more > 0.1} == {}
    assert additional["unchanged"] == 0


def test_a_measure_of_records_costs_a_statement_and_its_link_at_most_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Sandbox
) -> None:
    monkeypatch.setenv("SECRET", box.credentials["github"])
    additional = growth(of_records(tmp_path / "few", 8, box), of_records(tmp_path / "many", 16, box))
    most = dict.fromkeys(CYCLES, 3) | {"edited": 4}  # the days before the edit are judged by the measure in force then
    assert {name: more for name, more in additional.items() if more > most[name]} == {}
    assert additional["unchanged"] == 0
