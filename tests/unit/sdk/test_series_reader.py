"""Rows of dates and numbers: a number whose date cannot be read is never passed over where it could matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.measures import ReadingTake, evaluate_readings
from syncd.okr.spans import Span
from syncd.sdk import Reading, Snapshot
from syncd.sdk.as_keys import As
from syncd.sdk.cells import Cell, CellError, Reader
from syncd.sdk.series import SeriesReader

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
QUARTER = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 12), date(2026, 11, 9), date(2026, 12, 7)
SEPTEMBER, AUGUST = date(2026, 9, 21), date(2026, 8, 10)


def read(*pairs: tuple[Cell, Cell], rules: As | None = None) -> Snapshot:
    rows = SeriesReader("B:B", Reader(ZoneInfo("UTC"), rules or As()))
    for number, (day, value) in enumerate(pairs, 1):
        rows.pair(number, f"B{number}", day, value)
    return rows.snapshot()


def answer(take: ReadingTake, readings: Sequence[Reading], window: Span = QUARTER) -> float | None:
    """What a measure comes to; a reading without a time holds from now on."""
    placed = [reading if reading.at else Reading(None, reading.cell, "", NOW, reading.problem) for reading in readings]
    return evaluate_readings(take, window, NOW, placed).number


UNREADABLE: list[Cell] = ["11/23/2026", "2026-11-23 10:00 CET", CellError("#REF!"), 20261123, "2026-13-01"]


@pytest.mark.parametrize("unreadable", UNREADABLE)
class TestUnreadableDates:
    @pytest.mark.parametrize("newest_first", [False, True])
    def test_newest_row_makes_every_answer_unknown(self, unreadable: Cell, newest_first: bool) -> None:
        rows: list[tuple[Cell, Cell]] = [(OCTOBER, 1100), (NOVEMBER, 1000), (unreadable, 600)]
        snapshot = read(*(reversed(rows) if newest_first else rows))
        for take in ("latest", "change", "sum", "average", "min", "max"):
            assert answer(take, snapshot.readings) is None
        assert answer("first", snapshot.readings) == 1100
        (problem,) = [reading.problem or "" for reading in snapshot.readings if reading.number is None]
        assert "cannot be read" in problem

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_row_between_others_leaves_the_newest_alone(self, unreadable: Cell, newest_first: bool) -> None:
        rows: list[tuple[Cell, Cell]] = [(OCTOBER, 1100), (unreadable, 600), (NOVEMBER, 1000)]
        readings = read(*(reversed(rows) if newest_first else rows)).readings
        assert (answer("latest", readings), answer("change", readings)) == (1000, -100)
        assert answer("sum", readings) is None

    def test_row_before_a_plan_may_be_the_newest(self, unreadable: Cell) -> None:
        readings = read((OCTOBER, 1100), (NOVEMBER, 1000), (unreadable, 600), (DECEMBER, 500)).readings
        assert answer("latest", readings) is None

    def test_row_on_the_edge_of_the_window_may_be_inside(self, unreadable: Cell) -> None:
        readings = read((SEPTEMBER, 5), (unreadable, 7), (OCTOBER, 9)).readings
        assert (answer("latest", readings), answer("sum", readings)) == (9, None)

    def test_row_before_the_window_matters_to_nothing(self, unreadable: Cell) -> None:
        readings = read((AUGUST, 5), (unreadable, 7), (SEPTEMBER, 6), (OCTOBER, 9), (NOVEMBER, 8)).readings
        assert (answer("latest", readings), answer("sum", readings)) == (8, 17)

    def test_row_among_unordered_rows_may_be_the_newest(self, unreadable: Cell) -> None:
        readings = read((OCTOBER, 5), (SEPTEMBER, 6), (unreadable, 7), (NOVEMBER, 8)).readings
        assert answer("latest", readings) is None

    def test_row_that_is_overtaken_is_no_longer_the_newest(self, unreadable: Cell) -> None:
        readings = read((OCTOBER, 1100), (unreadable, 600), (NOVEMBER, 1000)).readings
        times = [reading.at for reading in readings if reading.number is None]
        assert all(at is not None and at < datetime(2026, 11, 9, tzinfo=UTC) for at in times)

    def test_row_without_a_value_is_no_row(self, unreadable: Cell) -> None:
        snapshot = read((OCTOBER, 1100), (unreadable, None), (unreadable, " "))
        assert [reading.number for reading in snapshot.readings] == [1100]

    @pytest.mark.parametrize("value", [CellError("#REF!"), "#N/A", "n/a", True, "1.180,5"])
    @pytest.mark.parametrize("newest_first", [False, True])
    def test_error_or_text_is_unknown_as_a_number_is(self, unreadable: Cell, value: Cell, newest_first: bool) -> None:
        rows: list[tuple[Cell, Cell]] = [(OCTOBER, 1100), (NOVEMBER, 1000), (unreadable, value)]
        snapshot = read(*(reversed(rows) if newest_first else rows))
        assert [answer(take, snapshot.readings) for take in ("latest", "sum")] == [None, None]
        assert answer("first", snapshot.readings) == 1100
        (problem,) = [reading.problem or "" for reading in snapshot.readings if reading.number is None]
        assert "cannot be read either" in problem

    @pytest.mark.sampled(4)
    @pytest.mark.parametrize("newest_first", [False, True])
    @pytest.mark.parametrize("size", [0, 12_000])
    def test_series_of_any_length_places_the_row_alike(self, unreadable: Cell, newest_first: bool, size: int) -> None:
        """A long series keeps the rows of the window alone, and still knows in which order its rows are."""
        between = QUARTER.start, QUARTER.end
        first = datetime(2026, 8, 10, tzinfo=UTC) - timedelta(days=1) * size
        rows: list[tuple[Cell, Cell]] = [(first + timedelta(days=number), 1) for number in range(size)]
        rows += [(AUGUST, 5), (OCTOBER, 9), (unreadable, 7), (NOVEMBER, 8)]
        reader = SeriesReader("B:B", Reader(ZoneInfo("UTC")), between)
        ordered = [*reversed(rows)] if newest_first else rows
        for number in range(0, len(ordered), 500):
            reader.add(None, number, ordered[number : number + 500], 0, 1)
        snapshot = reader.snapshot()
        assert (snapshot.between is not None) == (size > 0)
        assert answer("latest", snapshot.readings) == 8
        assert answer("sum", snapshot.readings) is None


LABELS: list[Cell] = [None, "", "Total", "Total 2026", "soon", True, "9999-12-31"]


@pytest.mark.parametrize("label", LABELS)
class TestLabels:
    """A total below its column, or a row that nobody has dated yet."""

    def test_newest_row_is_left_out_with_a_warning(self, label: Cell) -> None:
        snapshot = read((OCTOBER, 1100), (NOVEMBER, 1000), (label, 2100))
        assert (answer("latest", snapshot.readings), answer("sum", snapshot.readings)) == (1000, 2100)
        assert (snapshot.warning or "").startswith("1 with no date that can be read, left out: B3")
        assert snapshot.notes == [snapshot.warning]

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_other_row_is_left_out_with_a_note(self, label: Cell, newest_first: bool) -> None:
        rows: list[tuple[Cell, Cell]] = [(OCTOBER, 1100), (label, 2100), (NOVEMBER, 1000)]
        snapshot = read(*(reversed(rows) if newest_first else rows))
        assert (answer("latest", snapshot.readings), snapshot.warning) == (1000, None)
        assert len(snapshot.notes) == 1
        assert snapshot.notes[0].startswith("1 with no date that can be read, left out: B2")

    def test_series_of_nothing_else_is_unknown(self, label: Cell) -> None:
        snapshot = read((label, 5), (label, 6))
        assert [(reading.number, reading.cell) for reading in snapshot.readings] == [(None, "B:B")]


@pytest.mark.parametrize("value", ["Calls", CellError("#REF!"), "n/a"])
def test_header_in_the_range_is_no_row(value: Cell) -> None:
    snapshot = read(("Week", value), (OCTOBER, 1100), ("Total", value))
    assert [reading.number for reading in snapshot.readings] == [1100]
    assert (snapshot.notes, snapshot.warning) == ([], None)


@pytest.mark.parametrize(("unreadable", "is_read"), [(1_000, True), (1_001, False), (3_000, False)])
@pytest.mark.parametrize("value", [7, CellError("#REF!")])
def test_series_with_very_many_unreadable_dates_is_a_problem(unreadable: int, is_read: bool, value: Cell) -> None:
    snapshot = read((OCTOBER, 1100), *[("11/23/2026", value)] * unreadable, (NOVEMBER, 1000))
    assert (snapshot.problem is None) == is_read
    if not is_read:
        assert snapshot.readings == ()
        assert snapshot.problem == (
            f"{unreadable:,} dates beside B:B cannot be read, such as B2 ('11/23/2026'), B3 ('11/23/2026'), "
            "B4 ('11/23/2026'); write as: {date: \"%m/%d/%Y\"}"
        )


class TestReasons:
    def test_reason_names_the_as_that_reads_the_date(self) -> None:
        problem = read((OCTOBER, 5), ("11/23/2026", 6)).readings[-1].problem
        assert problem == "a number whose date '11/23/2026' cannot be read; write as: {date: \"%m/%d/%Y\"}"

    def test_reason_says_that_the_as_does_not_read_it(self) -> None:
        rows: list[tuple[Cell, Cell]] = [("02/11/2026", 1100), ("13/11/2026", 1000), ("11/23/2026", 600)]
        problem = read(*rows, rules=As(date="%d/%m/%Y")).readings[-1].problem
        assert problem == (
            "a number whose date '11/23/2026' cannot be read; as: {date: \"%d/%m/%Y\"} does not read it, so correct it"
        )

    def test_series_without_a_readable_date_names_the_as(self) -> None:
        problem = read((20261005, 5), (20261012, 6)).readings[0].problem
        assert problem == (
            "no date that can be read beside it (B1 ('20261005'), B2 ('20261012')); write as: {date: \"%Y%m%d\"}"
        )


def test_rows_of_months_are_of_their_first_days() -> None:
    snapshot = read(("Sep 2026", 5), ("Oct 2026", 6), ("Nov 2026", 7), ("Dec 2026", 8), rules=As(date="month"))
    assert (answer("latest", snapshot.readings), answer("sum", snapshot.readings)) == (7, 13)
    four_weeks = Span(NOW - timedelta(days=28), NOW)
    assert answer("sum", snapshot.readings, four_weeks) == 7


def test_quarter_counts_within_itself() -> None:
    snapshot = read(("2026-Q3", 5), ("2026-Q4", 6), rules=As(date="quarter"))
    assert answer("latest", snapshot.readings) == 6
