"""Reads a dated series: a column of dates and a column of numbers, paired by row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.sdk.a1 import address, parse_block, split_sheet
from syncd.sdk.cells import Cell, ColumnReader, Reader, shown
from syncd.sdk.facts import Between, Reading, Snapshot
from syncd.sdk.tables import Grid, Resolve, Series, Unreadable
from syncd.sdk.undated_rows import UndatedRows

MOST_READINGS = 100_000
"""The maximal number of readings that the ledger stores for a series. A longer series needs a shorter window."""

_KEPT_WHOLE = 10_000  # readings outside the window that are kept for evidence; if there are more, none
_REMEMBERED = 50_000
_ISO_DAY = len("2026-11-02")
_ANY_ZONE = timedelta(days=2)
_INSTANT = timedelta(microseconds=1)


class SeriesReader:
    """Reads the rows of a series, block by block. A row makes a reading if it has a date and a number, error or text.

    A blank cell is not a reading. If a series has more than `_KEPT_WHOLE` rows outside of `between`, the series is
    narrowed: the snapshot lists only the rows inside of `between`. `name` is the numbers' name for people, such as
    their range.
    """

    def __init__(self, name: str, reader: Reader, between: Between | None = None) -> None:
        self._name = name
        self._reader = reader
        self._column = ColumnReader(reader)
        self._between = between
        self._inside: list[tuple[int, Reading]] = []
        self._outside: list[tuple[int, Reading]] = []
        self._marked: dict[int, str] = {}  # texts that a decimal comma elsewhere in the column could make doubtful
        self._is_narrowed = False
        within = None if between is None else (between[0] - _ANY_ZONE, between[1] + _ANY_ZONE)
        self._undated = UndatedRows(reader, within)
        self._remembered: dict[object, datetime | None] = {}

    def add(self, sheet: str | None, first: int, rows: Sequence[Sequence[Cell]], dates: int, values: int) -> None:
        """Reads rows of a sheet from column A on. `first` is the number of the first row; `dates` and `values` are
        numbers of columns.

        Once the series is narrowed, rows whose date is clearly outside the window are skipped.
        """
        if self._is_narrowed and (sides := self._sides(rows, dates)) is not None:
            self._pass_over(rows, dates, values, sides)
            return
        column = address(sheet, 0, values)[:-1]
        for number, row in enumerate(rows, first):
            width = len(row)
            if values < width:
                date_cell = row[dates] if dates < width else None
                if self._is_narrowed and (side := self._side(date_cell)) is not None:
                    self._column.look(row[values])
                    self._undated.follow(side)
                else:
                    self.pair(number, f"{column}{number + 1}", date_cell, row[values])

    def _pass_over(self, rows: Sequence[Sequence[Cell]], dates: int, values: int, sides: Collection[datetime]) -> None:
        """Notes only two things about rows outside of the window: their order, and whether their numbers need decimal
        commas.
        """
        if self._column.looks:
            for row in rows:
                if values < len(row):
                    self._column.look(row[values])
        for side in sides if len(sides) == 1 else (self._side(row[dates]) for row in rows):
            if side is not None:
                self._undated.follow(side)

    def _sides(self, rows: Sequence[Sequence[Cell]], dates: int) -> Collection[datetime] | None:
        """The sides of the window on which these rows are; None if a row may be inside the window. Most series are
        sorted by day, so most blocks of rows are on one side.
        """
        try:
            sides = set(map(self._side, {row[dates] for row in rows}))
        except IndexError:  # a row that ends before its date
            return None
        return None if None in sides else {side for side in sides if side is not None}

    def _side(self, date_cell: Cell) -> datetime | None:
        """The side of the window on which a row is: one fixed time for all rows before the window, another for all rows
        after it. None for a row that may be inside the window.

        The side depends only on the date cell, or for a text in ISO 8601 only on the day at its beginning.
        """
        by_day = type(date_cell) is str and self._reader.rules.date is None
        key = date_cell[:_ISO_DAY] if by_day else date_cell  # type: ignore[index]
        if key in self._remembered:
            return self._remembered[key]
        side: datetime | None = None
        moment = self._reader.moment(key)
        if moment is not None and self._between is not None and not self._is_near(moment):
            start, end = self._between
            side = start - _ANY_ZONE if moment < start else end + _ANY_ZONE
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = side
        return side

    def pair(self, position: int, where: str, date_cell: Cell, cell: Cell) -> None:
        """Reads a date and the value beside it. `where` is the address of the value's cell."""
        if self._reader.blank(cell):
            return
        self._column.look(cell)
        at = self._reader.moment(date_cell)
        if at is not None:
            self._undated.follow(at)
            if self._is_narrowed and not self._is_inside(at):
                return
        number, problem = self._reader.number(cell)
        if at is None:
            self._undated.add(where, date_cell, cell, problem)
            return
        if type(cell) is str and (problem is not None or "." in cell or "," in cell):
            self._marked[position] = cell
        reading = Reading(number, where, shown(cell), at, problem)
        if self._is_inside(at):
            self._inside.append((position, reading))
            if len(self._inside) > MOST_READINGS:
                raise Unreadable(self._too_long())
            return
        self._outside.append((position, reading))
        if len(self._outside) > _KEPT_WHOLE:
            self._is_narrowed = True
            self._outside.clear()

    def snapshot(self) -> Snapshot:
        """The readings so far, in the order of their rows, followed by the readings whose dates cannot be read."""
        undated, notes = self._undated, self._undated.notes
        if not (self._inside or self._outside or self._is_narrowed):  # perhaps not empty, but no date can be read
            reading = undated.without_dates(self._name)
            return Snapshot([] if reading is None else [reading], notes=notes)
        if (problem := undated.too_many(self._name)) is not None:
            return Snapshot(problem=problem)
        between = self._between if self._is_narrowed else None
        if between is not None:
            start, end = self._times()
            notes.append(
                f"of a long series, the rows from {start} to {end} are kept"
                if self._inside
                else f"no row is dated from {start} to {end}"
            )
        in_order = sorted(self._inside + self._outside, key=lambda placed: placed[0])
        readings = [self._beside_commas(position, reading) for position, reading in in_order]
        unplaced = undated.readings()
        if between is not None:
            unplaced = [reading for reading in unplaced if reading.at is None or self._is_inside(reading.at)]
        return Snapshot([*readings, *unplaced], notes=notes, warning=undated.warning, between=between)

    def _beside_commas(self, position: int, reading: Reading) -> Reading:
        """The reading, corrected by the other cells of its column: `1.180` and the amount `€ 1,180` are not numbers if
        another cell is `42,50` or `1.234.567`.
        """
        if not self._column.reader.decimal_comma or position not in self._marked:
            return reading
        number, problem = self._column.reader.number(self._marked[position])
        return replace(reading, number=number, problem=problem)

    def _is_inside(self, at: datetime) -> bool:
        return self._between is None or self._between[0] <= at < self._between[1]

    def _is_near(self, moment: datetime) -> bool:
        """Whether a time on the same day may be inside the window, in any time zone."""
        if self._between is None:
            return True
        start, end = self._between
        return start - _ANY_ZONE < moment < end + _ANY_ZONE

    def _too_long(self) -> str:
        start, end = self._times() if self._between else ("its first day", "its last")
        return (
            f"{self._name} has more than {MOST_READINGS:,} rows from {start} to {end}; "
            "give the measure a shorter window, such as window: 28d, or a file with a row for each day"
        )

    def _times(self) -> tuple[str, str]:
        assert self._between is not None
        zone = self._reader.zone
        start, end = self._between[0].astimezone(zone), (self._between[1] - _INSTANT).astimezone(zone)
        return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"


def read_series(series: Series, resolve: Resolve, reader: Reader, between: Between | None = None) -> Snapshot:
    """The readings of a series, whose dates and values are in columns or in rows."""
    date_cells, value_cells = resolve(series.dates), resolve(series.values)
    down = _runs_down(series, date_cells, value_cells)
    dates = {position: cell for position, _, cell in date_cells.line(down=down)}
    rows = SeriesReader(series.values, reader, between)
    for position, where, cell in value_cells.line(down=down):
        rows.pair(position, where, dates.get(position), cell)
    return rows.snapshot()


def _runs_down(series: Series, dates: Grid, values: Grid) -> bool:
    """Whether a series is in columns, not in rows. The ranges decide where possible, because a row may have few filled
    cells.
    """
    down: set[str] = set()
    across: set[str] = set()
    for reference, grid in ((series.dates, dates), (series.values, values)):
        area = parse_block(split_sheet(reference)[1])
        if area is not None:
            is_row, is_column = area.first_row == area.last_row, area.first_column == area.last_column
        else:  # a header's column or a named range: only the cells show whether it is a row or a column
            is_row, is_column = len(grid.rows) <= 1, all(len(row) <= 1 for row in grid.rows)
        if not (is_row or is_column):
            raise Unreadable(f"{reference} is neither one column nor one row")
        if is_row != is_column:
            (across if is_row else down).add(reference)
    if down and across:
        raise Unreadable(f"{down.pop()} runs down and {across.pop()} runs across; a series runs one way")
    return not across
