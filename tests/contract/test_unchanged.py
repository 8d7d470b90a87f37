"""Only what changed is measured again, and the values are the same as if everything were measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from csv_project import CsvProject
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from syncd.ledger.answers import Answers
from syncd.okr.facts import answered

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
    key_result(f"cell-{take}{name}", f"{{from: local, file: cell.csv, cell: A1, take: {take}{window}}}")
    for take in TAKES
    for name, window in (("", ""), ("-7d", ", window: 7d"))
)
COUNT = MAPPING.count("- {id")


class Project(CsvProject):
    """Two CSV files: a series and a cell."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MAPPING, START)
        self.rows = {date(2026, 10, 20) + timedelta(days=3 * number): 10 * number for number in range(12)}
        self.write_rows()
        self.write_cell(5)

    def write_rows(self) -> None:
        self.write("weeks.csv", "Day,Calls", *(f"{day},{number}" for day, number in self.rows.items()))

    def write_cell(self, number: object) -> None:
        self.write("cell.csv", f"{number}")

    def sync(self, **options: Any) -> int:
        """Runs a cycle. Returns how many measures it asked the ledger for."""
        asked = 0
        answer = Answers.answer

        def counted(*arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return answer(*arguments)

        with patch.object(Answers, "answer", counted):
            self.cycle(**options)
        return asked

    def differences(self) -> list[str]:
        """The kept values that differ from a new measurement."""
        (okrs,) = self.config.periods
        kept = self.ledger.values.last(okrs.period.id)
        differences = []
        for kr in okrs.key_results:
            assert kr.measure is not None
            fresh, value = answered(self.ledger.answers, kr.measure, okrs.period, self.now), kept[kr.id]
            ours = (value.number, value.at, value.counted, value.lacking)
            if ours != (fresh.number, fresh.at, fresh.counted, fresh.lacking):
                differences.append(f"{kr.id}: {ours} is not {fresh}")
        return differences


@contextmanager
def a_project() -> Iterator[Project]:
    with TemporaryDirectory() as folder:
        made = Project(Path(folder))
        yield made
        made.ledger.close()


def test_unchanged_measures_are_not_measured_again() -> None:
    with a_project() as project:
        assert project.sync() == COUNT
        project.now += timedelta(minutes=15)
        unchanged = project.sync()
        assert unchanged == 2  # what is unknown: a cell was seen once, and has no change
        project.write_cell(6)
        assert project.sync() == 2 * len(TAKES)
        assert project.sync() == 0
        assert project.differences() == []


def test_windows_are_measured_on_a_new_day_and_a_series_when_a_row_comes_due() -> None:
    with a_project() as project:
        project.sync()
        project.now = datetime(2026, 11, 3, 10, tzinfo=UTC)
        moved = project.sync()
        assert moved >= len(TAKES)
        assert project.differences() == []
        project.now = datetime(2026, 11, 4, 10, tzinfo=UTC)  # the row of 4 November came due
        assert project.sync() > moved
        assert project.differences() == []


def test_cells_are_measured_while_a_clock_that_was_set_back_has_not_caught_up() -> None:
    """What a cell held by the clock of before comes due with time, although nothing changes."""
    with a_project() as project:
        project.sync()
        project.now -= timedelta(hours=20)
        project.sync()
        project.write_cell(6)
        project.sync()
        for _ in range(5):
            project.now += timedelta(hours=6)
            project.sync()
            assert project.differences() == []
        assert project.sync() == 0


def test_everything_is_measured_after_an_edit_of_the_period_or_time_zone() -> None:
    with a_project() as project:
        project.sync()
        project.edit("2026-10-01", "2026-10-25")
        assert project.sync() == COUNT
        assert project.differences() == []
        with (project.folder / "syncd.yaml").open("a") as file:
            file.write("timezone: Pacific/Auckland\n")
        assert project.sync() == COUNT
        assert project.differences() == []


def test_everything_is_measured_after_a_dry_run() -> None:
    with a_project() as project:
        project.sync()
        project.write_cell(7)
        project.sync(dry_run=True)
        assert project.sync() == COUNT
        assert project.differences() == []


def test_values_follow_a_clock_that_is_set_back() -> None:
    with a_project() as project:
        project.now = datetime(2026, 11, 4, 1, tzinfo=UTC)  # a row is of this day
        project.sync()
        project.now = datetime(2026, 11, 3, 23, tzinfo=UTC)
        project.sync()
        assert project.differences() == []


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 13, 30, 75]),  # hours that pass
        st.sampled_from(["nothing", "nothing", "row", "row gone", "cell", "blank cell", "dry run", "only", "back"]),
        st.integers(0, 11),
    ),
    min_size=3,
    max_size=7,
)


@settings(max_examples=examples(2))
@given(steps)
def test_values_are_the_same_as_if_everything_were_measured(taken: list[tuple[int, str, int]]) -> None:
    with a_project() as project:
        project.sync()
        for number, (hours, what, which) in enumerate(taken):
            project.now += timedelta(hours=-20 if what == "back" else hours)
            day = date(2026, 10, 20) + timedelta(days=3 * which)
            if what == "row":
                project.rows[day] = 1000 + number
            elif what == "row gone":
                project.rows.pop(day, None)
            elif what in ("cell", "blank cell"):
                project.write_cell(number if what == "cell" else "")
            project.write_rows()
            if what == "only":
                project.sync(only="latest")
            if what == "dry run":
                project.sync(dry_run=True)
            project.sync()
            assert project.differences() == []


def test_the_state_of_a_stream_is_read_once_for_all_its_unknown_cells() -> None:
    cells = "".join(key_result(f"a{row}", f"{{from: local, file: cell.csv, cell: A{row}}}") for row in range(7, 37))
    with a_project() as project:
        (project.folder / "okrs.yaml").write_text(MAPPING + cells)
        project.sync()
        read: list[str] = []

        @event.listens_for(project.ledger.engine, "before_cursor_execute")
        def _see(_c: object, _u: object, statement: str, *_rest: object) -> None:
            if statement.startswith("SELECT streams.id, streams.connection"):
                read.append(statement)

        project.sync()
        assert len(read) < 10
