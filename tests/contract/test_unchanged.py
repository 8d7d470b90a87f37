"""Only what changed is measured again, and nobody can tell: the values are those of measuring everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.ledger.answers import Answers
from syncd.okr.facts import answered
from syncd.sdk import RetryPolicy

START = datetime(2026, 11, 2, 10, tzinfo=UTC)
TAKES = ("latest", "first", "change", "sum", "average", "max")
WEEKS = "{from: local, file: weeks.csv, series: {dates: Day, values: Calls}, "


def key_result(name: str, measure: str, more: str = "") -> str:
    return (
        f"      - {{id: {name}, title: '{name}', kind: outcome, baseline: 0, target: 1000, {more}measure: {measure}}}\n"
    )


MAPPING = """\
period: {start: 2026-10-01, end: 2026-12-31, id: autumn}
objectives:
  - id: all
    title: All
    key_results:
"""
MAPPING += "".join(key_result(take, f"{WEEKS}take: {take}}}") for take in TAKES)
MAPPING += "".join(key_result(f"{take}-7d", f"{WEEKS}take: {take}, window: 7d}}") for take in TAKES)
MAPPING += key_result("settled", f"{WEEKS}take: sum, window: {{settled: 3d}}}}")
MAPPING += "".join(
    key_result(f"cell-{take}", f"{{from: local, file: cell.csv, cell: A1, take: {take}}}") for take in TAKES
)
COUNT = MAPPING.count("- {id")


class Project:
    """A folder with two CSV files, and its ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = START
        self.rows = {date(2026, 10, 20) + timedelta(days=3 * number): 10 * number for number in range(12)}
        (folder / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections:\n  local: {type: files, root: .}\n")
        (folder / "okrs.yaml").write_text(MAPPING)
        self.write_rows()
        self.write_cell(5)
        ledger = open_ledger(f"sqlite:///{folder / 'syncd.db'}")
        assert ledger is not None
        self.ledger = ledger

    def write_rows(self) -> None:
        lines = [f"{day},{number}" for day, number in self.rows.items()]
        (self.folder / "weeks.csv").write_text("\n".join(["Day,Calls", *lines]) + "\n")

    def write_cell(self, number: object) -> None:
        (self.folder / "cell.csv").write_text(f"{number}\n")

    def sync(self, dry_run: bool = False, **options: Any) -> int:
        """Runs a cycle; how many measures it asked the ledger for."""
        asked = 0
        answer = Answers.answer

        def counted(*arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return answer(*arguments)

        config = load_config(self.folder / "syncd.yaml")
        with patch.object(Answers, "answer", counted):
            run_cycle(CycleRequest(config, self.ledger, lambda: self.now, RetryPolicy(), **options), dry_run=dry_run)
        return asked

    def differences(self) -> list[str]:
        """Where a kept value is not what measuring gives now."""
        (plan,) = load_config(self.folder / "syncd.yaml").plans
        kept = self.ledger.values.last(plan.period.id)
        found = []
        for kr in plan.key_results:
            assert kr.measure is not None
            fresh, value = answered(self.ledger.answers, kr.measure, plan.period, self.now), kept[kr.id]
            ours = (value.number, value.at, value.counted, value.lacking)
            if ours != (fresh.number, fresh.at, fresh.counted, fresh.lacking):
                found.append(f"{kr.id}: {ours} is not {fresh}")
        return found


@contextmanager
def project() -> Iterator[Project]:
    with TemporaryDirectory() as folder:
        made = Project(Path(folder))
        yield made
        made.ledger.close()


def test_what_did_not_change_is_not_asked_again() -> None:
    with project() as one:
        assert one.sync() == COUNT
        one.now += timedelta(minutes=15)
        known = one.sync()
        assert known < len(TAKES)  # an undated cell's history is asked for, and what is unknown
        one.write_cell(6)
        assert known < one.sync() <= known + len(TAKES)
        assert one.differences() == []


def test_a_new_day_moves_the_windows_and_a_row_that_comes_due_its_series() -> None:
    with project() as one:
        one.sync()
        one.now = datetime(2026, 11, 3, 10, tzinfo=UTC)
        moved = one.sync()
        assert moved >= len(TAKES)
        assert one.differences() == []
        one.now = datetime(2026, 11, 4, 10, tzinfo=UTC)  # the row of 4 November came due
        assert one.sync() > moved
        assert one.differences() == []


def test_an_edit_of_the_period_or_the_time_zone_is_measured() -> None:
    with project() as one:
        one.sync()
        path = one.folder / "okrs.yaml"
        path.write_text(path.read_text().replace("2026-10-01", "2026-10-25"))
        assert one.sync() == COUNT
        assert one.differences() == []
        with (one.folder / "syncd.yaml").open("a") as file:
            file.write("timezone: Pacific/Auckland\n")
        assert one.sync() == COUNT
        assert one.differences() == []


def test_after_a_dry_run_everything_is_measured() -> None:
    with project() as one:
        one.sync()
        one.write_cell(7)
        one.sync(dry_run=True)
        assert one.sync() == COUNT
        assert one.differences() == []


def test_a_clock_that_is_put_back_is_measured_by() -> None:
    with project() as one:
        one.now = datetime(2026, 11, 4, 1, tzinfo=UTC)  # a row is of this day
        one.sync()
        one.now = datetime(2026, 11, 3, 23, tzinfo=UTC)
        one.sync()
        assert one.differences() == []


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 13, 30, 75]),  # hours that pass
        st.sampled_from(["nothing", "nothing", "row", "row gone", "cell", "blank cell", "dry run", "only", "back"]),
        st.integers(0, 11),
    ),
    min_size=3,
    max_size=7,
)


@settings(max_examples=examples(5))
@given(steps)
def test_the_values_are_those_of_measuring_everything(taken: list[tuple[int, str, int]]) -> None:
    with project() as one:
        one.sync()
        for number, (hours, what, which) in enumerate(taken):
            one.now += timedelta(hours=-20 if what == "back" else hours)
            day = date(2026, 10, 20) + timedelta(days=3 * which)
            if what == "row":
                one.rows[day] = 1000 + number
            elif what == "row gone":
                one.rows.pop(day, None)
            elif what in ("cell", "blank cell"):
                one.write_cell(number if what == "cell" else "")
            one.write_rows()
            if what == "only":
                one.sync(only="latest")
            if what == "dry run":
                one.sync(dry_run=True)
            one.sync()
            assert one.differences() == []


def test_however_many_cells_are_unknown_what_is_known_of_their_stream_is_read_once() -> None:
    cells = "".join(key_result(f"a{row}", f"{{from: local, file: cell.csv, cell: A{row}}}") for row in range(7, 37))
    with project() as one:
        (one.folder / "okrs.yaml").write_text(MAPPING + cells)
        one.sync()
        read: list[str] = []

        @event.listens_for(one.ledger.engine, "before_cursor_execute")
        def _see(_c: object, _u: object, statement: str, *_rest: object) -> None:
            if statement.startswith("SELECT streams.id, streams.connection"):
                read.append(statement)

        one.sync()
        assert len(read) < 10
