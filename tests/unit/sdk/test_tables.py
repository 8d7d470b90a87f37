"""Readings out of a table: a cell, a dated series, a lookup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk import Snapshot
from syncd.sdk.a1 import parse_range
from syncd.sdk.as_keys import As
from syncd.sdk.cells import Cell, CellError, Reader
from syncd.sdk.lookup import read_lookup
from syncd.sdk.series import SeriesReader, read_series
from syncd.sdk.tables import Grid, Header, Lookup, Resolve, Series, Unreadable, read_cell

READER = Reader(ZoneInfo("UTC"))
FIRST = date(2026, 10, 1)


def week(number: int) -> date:
    return FIRST + timedelta(weeks=number)


def at(number: int) -> datetime:
    return datetime(2026, 10, 1, tzinfo=UTC) + timedelta(weeks=number)


def trimmed(rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """Rows as Google Sheets answers: blank cells at the end of a row, and blank rows at the end, are not sent."""
    kept = []
    for row in rows:
        cells = list(row)
        while cells and cells[-1] in (None, ""):
            cells.pop()
        kept.append(cells)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def sheet(*rows: Sequence[Cell]) -> Resolve:
    """Resolves ranges of a sheet of these rows."""
    whole = Grid("Support", rows)

    def resolve(reference: str) -> Grid:
        area = parse_range(reference)
        if area is None:
            raise Unreadable(f"there is no {reference}")
        grid = whole.clip(area)
        return Grid(grid.sheet, trimmed(grid.rows), grid.top, grid.left)

    return resolve


def named(grids: Mapping[str, Grid]) -> Resolve:
    return grids.__getitem__


def summary(snapshot: Snapshot) -> list[tuple[str, float | None, datetime | None]]:
    """Each reading's cell, number and time."""
    return [(reading.cell, reading.number, reading.at) for reading in snapshot.readings]


class TestSeries:
    A_AND_C = Series(dates="A2:A", values="C2:C")

    def test_a_column_of_dates_pairs_with_a_column_of_numbers(self) -> None:
        resolve = sheet(["Week", "", "Calls"], [week(0), "", 1200], [week(1), "", 1100.5])
        assert summary(read_series(self.A_AND_C, resolve, READER)) == [
            ("Support!C2", 1200, at(0)),
            ("Support!C3", 1100.5, at(1)),
        ]

    def test_a_row_of_dates_pairs_with_a_row_of_numbers(self) -> None:
        resolve = sheet(["Week", week(0), week(1)], ["Calls", 1200, 1100])
        assert summary(read_series(Series(dates="B1:Z1", values="B2:Z2"), resolve, READER)) == [
            ("Support!B2", 1200, at(0)),
            ("Support!C2", 1100, at(1)),
        ]

    def test_a_row_of_dates_may_have_few_numbers_yet(self) -> None:
        rows: list[list[Cell]] = [[]] * 4 + [["Week", *(week(number) for number in range(9))], ["Calls", 1200]]
        series = Series(dates="B5:Z5", values="B6:Z6")
        assert summary(read_series(series, sheet(*rows), READER)) == [("Support!B6", 1200, at(0))]

    def test_a_row_may_have_a_single_date_and_number(self) -> None:
        resolve = sheet(["Week", week(0)], ["Calls", 1200])
        assert summary(read_series(Series(dates="B1:Z1", values="B2:Z2"), resolve, READER)) == [
            ("Support!B2", 1200, at(0))
        ]

    def test_a_column_may_have_a_single_date_and_number(self) -> None:
        resolve = sheet([], [week(0), None, 1200])
        assert summary(read_series(self.A_AND_C, resolve, READER)) == [("Support!C2", 1200, at(0))]

    def test_rows_are_paired_by_their_position(self) -> None:
        resolve = sheet([week(0), 1], [week(1), 2], [week(2), 3])
        snapshot = read_series(Series(dates="A1:A2", values="B2:B3"), resolve, READER)
        assert summary(snapshot) == [("Support!B2", 2, at(1))]
        assert snapshot.notes == ["1 with no date that can be read, left out: Support!B3"]

    def test_a_column_and_a_row_do_not_pair(self) -> None:
        resolve = sheet([None, 1, 2, 3], [week(0)], [week(1)], [week(2)])
        try:
            snapshot = read_series(Series(dates="A2:A", values="B1:Z1"), resolve, READER)
        except Unreadable:
            return
        assert [reading.number for reading in snapshot.readings if reading.number is not None] == []

    def test_a_range_of_several_columns_is_no_series(self) -> None:
        resolve = sheet([week(0), 1, 100], [week(1), 2, 200])
        try:
            snapshot = read_series(Series(dates="A1:A", values="B1:C"), resolve, READER)
        except Unreadable:
            return
        assert [reading.number for reading in snapshot.readings if reading.number is not None] == []

    def test_a_blank_is_no_reading(self) -> None:
        resolve = sheet([], [week(0), "", 1200], [week(1), "", None], [week(2), "", " "], [week(3), "", 0])
        assert summary(read_series(self.A_AND_C, resolve, READER)) == [
            ("Support!C2", 1200, at(0)),
            ("Support!C5", 0, at(3)),
        ]

    @pytest.mark.parametrize("cell", ["n/a", CellError("#REF!"), True, "1,200", date(2026, 1, 1)])
    def test_a_cell_that_is_no_number_is_a_reading_without_number(self, cell: Cell) -> None:
        snapshot = read_series(self.A_AND_C, sheet([], [week(0), "", 1200], [week(1), "", cell]), READER)
        assert summary(snapshot)[1] == ("Support!C3", None, at(1))
        assert snapshot.readings[1].problem

    @pytest.mark.parametrize("undated", [None, "soon", "Total 2026", True, "9999-12-31"])
    def test_a_number_without_a_date_is_left_out_and_noted(self, undated: Cell) -> None:
        resolve = sheet([], [week(0), "", 1200], [undated, "", 7], [week(2), "", 1000])
        snapshot = read_series(self.A_AND_C, resolve, READER)
        assert [number for _, number, _ in summary(snapshot)] == [1200, 1000]
        assert len(snapshot.notes) == 1
        assert snapshot.notes[0].startswith("1 with no date that can be read, left out: Support!C3")

    def test_a_text_without_a_date_is_a_heading(self) -> None:
        snapshot = read_series(
            Series(dates="A1:A", values="C1:C"), sheet(["Week", "", "Calls"], [week(0), "", 5]), READER
        )
        assert summary(snapshot) == [("Support!C2", 5, at(0))]
        assert list(snapshot.notes) == []

    def test_undated_rows_are_counted_and_some_are_named(self) -> None:
        rows = [[None, "", number] for number in range(5)]
        snapshot = read_series(self.A_AND_C, sheet([], *rows, [week(0), "", 1]), READER)
        assert snapshot.notes == ["5 with no date that can be read, left out: Support!C2, Support!C3, Support!C4 …"]

    def test_a_series_whose_dates_cannot_be_read_is_unknown_and_not_empty(self) -> None:
        snapshot = read_series(self.A_AND_C, sheet([], ["01.10.2026", "", 1200], ["08.10.2026", "", 1100]), READER)
        assert [reading.number for reading in snapshot.readings] == [None]
        assert 'write as: {date: "%d.%m.%Y"}' in (snapshot.readings[0].problem or "")

    def test_as_date_says_how_to_read_them(self) -> None:
        reader = Reader(ZoneInfo("UTC"), As(date="%d.%m.%Y"))
        assert summary(read_series(self.A_AND_C, sheet([], ["01.10.2026", "", 1200]), reader)) == [
            ("Support!C2", 1200, at(0))
        ]

    def test_a_series_without_rows_is_empty(self) -> None:
        assert read_series(self.A_AND_C, sheet(["Week", "", "Calls"]), READER) == Snapshot([], notes=[])

    def test_dates_ahead_of_their_numbers_are_no_readings(self) -> None:
        snapshot = read_series(self.A_AND_C, sheet([], [week(0)], [week(1)]), READER)
        assert snapshot == Snapshot([], notes=[])


class TestCells:
    def test_a_cells_number_has_no_date(self) -> None:
        assert summary(read_cell("B2", sheet([], [None, 85]), READER)) == [("Support!B2", 85, None)]

    @pytest.mark.parametrize("rows", [[[], [None, None]], [[], [None, " "]], [[]], []])
    def test_a_blank_cell_is_no_reading(self, rows: list[list[Cell]]) -> None:
        snapshot = read_cell("B2", sheet(*rows), READER)
        assert list(snapshot.readings) == []
        assert snapshot.notes == ["Support!B2 is blank"]

    def test_an_error_is_a_reading_without_a_number(self) -> None:
        snapshot = read_cell("A1", sheet([CellError("#REF!")]), READER)
        assert [(reading.number, reading.problem, reading.raw) for reading in snapshot.readings] == [
            (None, "the error #REF!", "#REF!")
        ]

    def test_several_cells_are_refused(self) -> None:
        with pytest.raises(Unreadable, match="B1:B2 is more than one cell"):
            read_cell("B1:B2", sheet([None, 1], [None, 2]), READER)


CSV = Reader(ZoneInfo("UTC"), text_numbers=True)


TEXTS_OF_NUMBERS = ["€ 1,70", "€ 1,689", "1.180", "1,180", "(42,50)", "1.234.567", "7", "€ 2 350", "18,5 %", "n/a", ""]


class TestDecimalCommas:
    """A cell that is a number only with a decimal comma makes `1.180` unknown, in a column where nothing says more."""

    @pytest.mark.parametrize(
        "comma", ["42,50", "1.234,5", "0,500", "-3,1 ", "\u22123,1", "18,5%", "€ 3,20", "1.234.567", "€ 1.234.567"]
    )
    def test_series_is_unknown_where_a_point_may_group_digits(self, comma: str) -> None:
        resolve = sheet([week(0), comma], [week(1), "1.180"], [week(2), "1180"])
        snapshot = read_series(Series(dates="A1:A", values="B1:B"), resolve, CSV)
        assert [reading.number for reading in snapshot.readings] == [None, None, 1180]
        assert "which is not a number" in (snapshot.readings[0].problem or "")
        assert snapshot.readings[1].problem == (
            "the text '1.180', and another cell has a decimal comma or grouping points; "
            'write as: {decimal: ",", thousands: "."}'
        )

    @pytest.mark.parametrize("other", ["1,092", "42.50", "n/a, later", "1,234,567", "1'234'567", "1.2.3", "", "a,5"])
    def test_series_is_read_where_no_cell_shows_a_decimal_comma(self, other: str) -> None:
        resolve = sheet([week(0), other], [week(1), "1.180"])
        snapshot = read_series(Series(dates="A1:A", values="B1:B"), resolve, CSV)
        assert snapshot.readings[-1].number == 1.18

    @pytest.mark.parametrize(
        ("rules", "number"),
        [
            (As(decimal=",", thousands="."), 1180),
            (As(decimal="."), 1.18),
            (As(percent=True), None),
            (As(currency=True), None),
            (As(accounting=True), None),
        ],
    )
    @pytest.mark.parametrize("comma", ["42,50", "1.234.567"])
    def test_as_with_a_mark_decides(self, rules: As, number: float | None, comma: str) -> None:
        resolve = sheet([week(0), comma], [week(1), "1.180"])
        reader = Reader(ZoneInfo("UTC"), rules, text_numbers=True)
        assert read_series(Series(dates="A1:A", values="B1:B"), resolve, reader).readings[-1].number == number

    @pytest.mark.parametrize(("other", "number"), [("42,50", None), ("1.234.567", None), ("42.50", 1.18)])
    def test_lookup_is_unknown_by_its_column(self, other: str, number: float | None) -> None:
        lookup = Lookup(table="A1:B", row={"Team": "support"}, column="Calls")
        resolve = sheet(["Team", "Calls"], ["support", "1.180"], ["search", other])
        assert read_lookup(lookup, resolve, CSV).readings[0].number == number

    def test_text_of_a_sheet_is_unknown_and_says_which_as_to_write(self) -> None:
        resolve = sheet([week(0), "42,50"], [week(1), "1.180"])
        snapshot = read_series(Series(dates="A1:A", values="B1:B"), resolve, READER)
        assert [reading.problem for reading in snapshot.readings] == [
            "the text '42,50', which is not a number; write as: {decimal: \",\"}",
            "the text '1.180', and another cell has a decimal comma or grouping points; "
            'write as: {decimal: ",", thousands: "."}',
        ]

    @pytest.mark.parametrize(
        ("rules", "comma", "doubtful", "advice"),
        [
            (As(currency=True), "€ 1,70", "€ 1,689", 'write as: {currency: true, decimal: ","}'),
            (As(currency=True), "1.234,50", "$1,180", 'write as: {currency: true, decimal: ","}'),
            (As(currency=True), "€ 1.234.567", "€ 1.180", 'write as: {currency: true, decimal: ",", thousands: "."}'),
            (As(accounting=True), "(42,50)", "(1,180)", 'write as: {accounting: true, decimal: ","}'),
        ],
    )
    @pytest.mark.parametrize("reader", [CSV, READER])
    def test_amount_that_may_be_grouped_is_unknown_beside_a_decimal_comma(
        self, reader: Reader, rules: As, comma: str, doubtful: str, advice: str
    ) -> None:
        """In a series and in a lookup, in any order of the rows."""
        reader = replace(reader, rules=rules)
        for cells in permutations([comma, doubtful, "7"]):
            resolve = sheet(["Row", "Amount"], *([cell, cell] for cell in cells))
            lookup = Lookup(table="A1:B", row={"Row": doubtful}, column="Amount")
            (by_row,) = read_lookup(lookup, resolve, reader).readings
            dated = sheet(*([week(number), cell] for number, cell in enumerate(cells)))
            readings = read_series(Series(dates="A1:A", values="B1:B"), dated, reader).readings
            for reading in (by_row, readings[cells.index(doubtful)]):
                assert reading.number is None
                assert "and another cell has a decimal comma or grouping points" in (reading.problem or "")
                assert advice in (reading.problem or "")
            assert readings[cells.index("7")].number == 7

    @given(
        st.permutations(TEXTS_OF_NUMBERS),
        st.integers(1, len(TEXTS_OF_NUMBERS)),
        st.sampled_from([{}, {"currency": True}, {"accounting": True}, {"percent": True}, {"decimal": ","}]),
        st.booleans(),
    )
    def test_number_of_a_cell_never_depends_on_the_order_of_the_rows(
        self, cells: list[str], length: int, flags: dict[str, bool | str], texts: bool
    ) -> None:
        reader = Reader(ZoneInfo("UTC"), As.model_validate(flags), text_numbers=texts)

        def read(column: Sequence[str]) -> set[tuple[str, float | None, str | None]]:
            rows = SeriesReader("B:B", reader)
            rows.add(None, 0, [[week(number), cell] for number, cell in enumerate(column)], 0, 1)
            return {(reading.raw, reading.number, reading.problem) for reading in rows.snapshot().readings}

        column = cells[:length]
        assert read(column) == read(column[::-1]) == read(sorted(column))
        for cell in filter(None, column):
            table = sheet(["Row", "Amount"], *([text, text] for text in column))
            lookup = Lookup(table="A1:B", row={"Row": cell}, column="Amount")
            (reading,) = read_lookup(lookup, table, reader).readings
            assert (reading.raw, reading.number, reading.problem) in read(column)


PLAN: list[Sequence[Cell]] = [
    ["Team", "Quarter", "Score", "Note"],
    ["support", "Q4", 85, "good"],
    ["support", "Q3", 80, ""],
    ["search", "Q4", None, ""],
    ["sales", "Q4"],
    ["docs", 4, "n/a"],
    ["twice", "Q4", 1],
    ["twice", "Q4", 1],
]


def looked_up(column: str = "Score", rows: Sequence[Sequence[Cell]] = PLAN, **row: str | float) -> Snapshot:
    return read_lookup(Lookup(table="A1:D", row=row, column=column), sheet(*rows), READER)


class TestLookup:
    def test_the_row_that_meets_every_condition_is_read(self) -> None:
        assert summary(looked_up(Team="support", Quarter="Q4")) == [("Support!C2", 85, None)]
        assert summary(looked_up(Team="support", Quarter="Q3")) == [("Support!C3", 80, None)]

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ({"Team": "legal"}, "no row with Team = legal"),
            ({"Team": "search", "Quarter": "Q3"}, "no row with Team = search, Quarter = Q3"),
            ({"Team": "support"}, "2 rows with Team = support"),
            ({"Team": "twice"}, "2 rows with Team = twice"),
        ],
    )
    def test_no_matching_row_or_several_are_unknown(self, row: dict[str, str], problem: str) -> None:
        snapshot = looked_up(**row)
        assert [(reading.number, reading.problem) for reading in snapshot.readings] == [(None, problem)]

    @pytest.mark.parametrize("team", ["search", "sales"])
    def test_a_blank_cell_is_no_reading(self, team: str) -> None:
        snapshot = looked_up(Team=team)
        assert list(snapshot.readings) == []
        assert "is blank" in snapshot.notes[0]

    def test_a_text_is_a_reading_without_a_number(self) -> None:
        assert summary(looked_up(Team="docs")) == [("Support!C6", None, None)]

    @pytest.mark.parametrize("wanted", [4, 4.0, "4"])
    def test_a_number_equals_itself_and_its_text(self, wanted: str | float) -> None:
        assert summary(looked_up(Quarter=wanted)) == [("Support!C6", None, None)]

    def test_the_header_row_never_matches(self) -> None:
        assert looked_up(Team="Team").readings[0].problem == "no row with Team = Team"

    def test_an_unknown_header_is_named_with_those_there_are(self) -> None:
        with pytest.raises(Unreadable, match="no column 'Points'; the first row has: Team, Quarter, Score, Note"):
            looked_up("Points", Team="support")
        with pytest.raises(Unreadable, match="no column 'Region'"):
            looked_up(Region="north")

    def test_a_header_that_is_there_twice_is_refused(self) -> None:
        with pytest.raises(Unreadable, match="has the column 'Score' twice"):
            looked_up(rows=[["Team", "Score", "Score"], ["support", 1, 2]], Team="support")

    def test_an_empty_table_is_refused(self) -> None:
        with pytest.raises(Unreadable, match="the first row has: nothing"):
            looked_up(rows=[], Team="support")

    def test_a_table_may_begin_anywhere(self) -> None:
        grid = Grid("Plan", [["Team", "Score"], ["support", 85]], top=9, left=3)
        lookup = Lookup(table="t", row={"Team": "support"}, column="Score")
        assert summary(read_lookup(lookup, named({"t": grid}), READER)) == [("Plan!E11", 85, None)]


class TestHeaders:
    GRID = Grid("S", [["Week", " Calls "], [1, 2], [3]], top=4, left=2)

    def test_a_column_begins_below_its_header(self) -> None:
        header = self.GRID.header()
        column = self.GRID.below(header, header.position("Calls", READER))
        assert (column.top, column.left, [list(row) for row in column.rows]) == (5, 3, [[2], []])

    def test_another_row_may_be_the_header(self) -> None:
        grid = Grid("S", [["Report"], [], ["Week", "Calls"], [1, 2]])
        header = grid.header(3)
        column = grid.below(header, header.position("Calls", READER))
        assert (column.top, column.left, [list(row) for row in column.rows]) == (3, 1, [[2]])

    @pytest.mark.parametrize("name", ["Nothing", "Twice"])
    def test_a_name_of_no_column_or_of_several_is_refused(self, name: str) -> None:
        with pytest.raises(Unreadable, match=name):
            Header(["Twice", "Twice"]).position(name, READER)

    def test_a_name_equals_a_date_or_a_number_in_the_header(self) -> None:
        header = Header(["Team", date(2026, 10, 1), 2027.0, "Calls\n(weekly)"])
        assert [header.position(name, READER) for name in ("2026-10-01", "2027", "Calls (weekly)")] == [1, 2, 3]
