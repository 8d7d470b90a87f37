"""A dated series: a column of dates and a column of numbers, paired by row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.sdk.a1 import address, parse_range, split_sheet
from syncd.sdk.cells import Cell, Reader, shown
from syncd.sdk.facts import Between, Reading, Snapshot
from syncd.sdk.tables import Grid, Resolve, Series, Unreadable

MOST_READINGS = 100_000
"""The readings of a series that the ledger takes; a longer one needs a shorter window."""

_KEPT_WHOLE = 10_000  # readings outside the window that are kept, because evidence shows them
_REMEMBERED = 50_000
_ISO_DAY = len("2026-11-02")
_ANY_ZONE = timedelta(days=2)
_INSTANT = timedelta(microseconds=1)


class SeriesReader:
    """Reads the rows of a series, block by block: a reading for each row with a date and a number, an error or a text.

    A blank is no reading. A row whose date cannot be read belongs to no time: it is left out, and the notes say so. Of
    a series with more than `_KEPT_WHOLE` rows outside of `between`, the snapshot lists only the rows of that time.
    """

    def __init__(self, series: Series, reader: Reader, between: Between | None = None) -> None:
        self._series = series
        self._reader = reader
        self._between = between
        self._inside: list[tuple[int, Reading]] = []
        self._outside: list[tuple[int, Reading]] = []
        self._is_narrowed = False
        self._undated = 0
        self._sample: list[str] = []
        self._remembered: dict[object, bool] = {}

    def add(self, sheet: str | None, first: int, rows: Sequence[Sequence[Cell]], dates: int, values: int) -> None:
        """Reads rows of a sheet from column A on; `first` is the first row's number, `dates` and `values` are columns.

        Once the series is narrowed, rows that their date alone shows to be outside are passed over.
        """
        if self._is_narrowed and self._are_outside(rows, dates):
            return
        column = address(sheet, 0, values)[:-1]
        for number, row in enumerate(rows, first):
            width = len(row)
            if values < width:
                date_cell = row[dates] if dates < width else None
                if not (self._is_narrowed and self._is_outside(date_cell)):
                    self.pair(number, f"{column}{number + 1}", date_cell, row[values])

    def _are_outside(self, rows: Sequence[Sequence[Cell]], dates: int) -> bool:
        """Whether the dates of all rows are outside of the window. Rows mostly come in the order of their days."""
        try:
            return all(map(self._is_outside, {row[dates] for row in rows}))
        except IndexError:  # a row that ends before its date
            return False

    def _is_outside(self, date_cell: Cell) -> bool:
        """Whether a row is outside of the window by its date alone, or by the day with which its date begins."""
        by_day = type(date_cell) is str and self._reader.rules.date is None
        key = date_cell[:_ISO_DAY] if by_day else date_cell  # type: ignore[index]
        outside = self._remembered.get(key)
        if outside is None:
            moment = self._reader.moment(key)
            outside = moment is not None and not self._is_near(moment)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = outside
        return outside

    def pair(self, position: int, where: str, date_cell: Cell, cell: Cell) -> None:
        """Reads a date and the cell beside it, which has the address `where`."""
        if self._reader.blank(cell):
            return
        at = self._reader.moment(date_cell)
        if at is not None and self._is_narrowed and not self._is_inside(at):
            return
        number, problem = self._reader.number(cell)
        if at is None:
            if number is not None:
                self._undated += 1
                if len(self._sample) < 3:
                    self._sample.append(where if self._reader.blank(date_cell) else f"{where} ({shown(date_cell)!r})")
            return
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
        """The readings so far, in the order of their rows."""
        notes = []
        if self._undated:
            sample = ", ".join(self._sample) + (" …" if self._undated > len(self._sample) else "")
            notes.append(f"{self._undated:,} with no date that can be read, left out: {sample}")
            if not (self._inside or self._outside or self._is_narrowed):  # it is not empty: none of its dates is read
                problem = (
                    f"no date that can be read beside it ({sample}); "
                    'say how dates are written, as: {date: "%d.%m.%Y"}'
                )
                return Snapshot([Reading(None, self._series.values, "", problem=problem)], notes=notes)
        if self._is_narrowed:
            start, end = self._times()
            notes.append(
                f"of a long series, the rows from {start} to {end} are kept"
                if self._inside
                else f"no row is dated from {start} to {end}"
            )
            return Snapshot([reading for _, reading in self._inside], notes=notes, between=self._between)
        in_order = sorted(self._inside + self._outside, key=lambda placed: placed[0])
        return Snapshot([reading for _, reading in in_order], notes=notes)

    def _is_inside(self, at: datetime) -> bool:
        return self._between is None or self._between[0] <= at < self._between[1]

    def _is_near(self, moment: datetime) -> bool:
        """Whether a time on the same day may be inside, in whatever zone it is written."""
        if self._between is None:
            return True
        start, end = self._between
        return start - _ANY_ZONE < moment < end + _ANY_ZONE

    def _too_long(self) -> str:
        start, end = self._times() if self._between else ("its first day", "its last")
        return (
            f"{self._series.values} has more than {MOST_READINGS:,} rows from {start} to {end}; "
            "give the measure a shorter window, such as window: 28d, or a file with a row for each day"
        )

    def _times(self) -> tuple[str, str]:
        assert self._between is not None
        zone = self._reader.zone
        start, end = self._between[0].astimezone(zone), (self._between[1] - _INSTANT).astimezone(zone)
        return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"


def read_series(series: Series, resolve: Resolve, reader: Reader, between: Between | None = None) -> Snapshot:
    """The readings of a series, whose dates and values run down columns or along rows."""
    date_cells, value_cells = resolve(series.dates), resolve(series.values)
    down = _runs_down(series, date_cells, value_cells)
    dates = {position: cell for position, _, cell in date_cells.line(down=down)}
    rows = SeriesReader(series, reader, between)
    for position, where, cell in value_cells.line(down=down):
        rows.pair(position, where, dates.get(position), cell)
    return rows.snapshot()


def _runs_down(series: Series, dates: Grid, values: Grid) -> bool:
    """Whether a series runs down columns, not along rows. The ranges decide it, because few cells of a row may be
    filled.
    """
    down: set[str] = set()
    across: set[str] = set()
    for reference, grid in ((series.dates, dates), (series.values, values)):
        area = parse_range(split_sheet(reference)[1])
        if area is not None:
            is_row, is_column = area.first_row == area.last_row, area.first_column == area.last_column
        else:  # the column of a header, or a named range: only its cells tell its form
            is_row, is_column = len(grid.rows) <= 1, all(len(row) <= 1 for row in grid.rows)
        if not (is_row or is_column):
            raise Unreadable(f"{reference} is neither one column nor one row")
        if is_row != is_column:
            (across if is_row else down).add(reference)
    if down and across:
        raise Unreadable(f"{down.pop()} runs down and {across.pop()} runs across; a series runs one way")
    return not across
