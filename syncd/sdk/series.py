"""Readings out of rows that have a date and a number: of spreadsheets, files and web APIs alike.

A number whose date cannot be read may be the newest of all. So it is a reading without a number, at the earliest and at
the latest time that the rows around it leave open: every answer that it could change is unknown, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.sdk.cells import Cell, Reader, shown
from syncd.sdk.date_texts import as_date, date_advice
from syncd.sdk.facts import Reading, Snapshot

Row = tuple[str, Cell, Cell]
"""Where the number of a row is, the row's date, and its number."""

_INSTANT = timedelta(microseconds=1)
_SAMPLE = 3


@dataclass(frozen=True, slots=True)
class _Undated:
    """A number without a date that can be read; `before` and `after` are the dates of the nearest rows that have one.

    `meant` says whether its date cell is meant to be a date, and is not blank or a label such as `Total`.
    """

    where: str
    date: Cell
    value: Cell
    meant: bool
    before: datetime | None
    after: datetime | None = None

    @property
    def shown(self) -> str:
        """Its place, with its date cell if that is not blank."""
        return f"{self.where} ({shown(self.date)!r})" if shown(self.date).strip() else self.where


def dated_readings(rows: Iterable[Row], name: str, reader: Reader) -> Snapshot:
    """A reading for each row that has a date and a number, an error or a text. A blank is no reading.

    `name` is what people call the numbers, such as their range.
    """
    readings: list[Reading] = []
    undated: list[_Undated] = []
    open_ended = 0  # from here on, `undated` are waiting for the next row with a date
    unclear: list[tuple[int, Cell]] = []  # numbers that mean another if some cell has a decimal comma
    decimal_comma = False
    for where, date_cell, cell in rows:
        if reader.blank(cell):
            continue
        number, problem = reader.number(cell)
        decimal_comma = decimal_comma or reader.shows_decimal_comma(cell)
        at = reader.moment(date_cell)
        if at is not None:
            undated[open_ended:] = [replace(row, after=at) for row in undated[open_ended:]]
            open_ended = len(undated)
            if isinstance(cell, str) and "." in cell:
                unclear.append((len(readings), cell))
            readings.append(Reading(number, where, shown(cell), at, problem))
        elif number is not None:
            before = readings[-1].at if readings else None
            undated.append(_Undated(where, date_cell, cell, reader.means_date(date_cell), before))
    if decimal_comma:
        reader = replace(reader, decimal_comma=True)
        for index, cell in unclear:
            number, problem = reader.number(cell)
            readings[index] = replace(readings[index], number=number, problem=problem)
    return _with_undated(readings, undated, name, reader.rules.date)


def _with_undated(readings: Sequence[Reading], undated: Sequence[_Undated], name: str, form: str | None) -> Snapshot:
    """The readings, and beside them the numbers whose dates cannot be read. Labels such as `Total` are left out.

    `form` is how dates are written by `as:`.
    """
    unreadable = [row for row in undated if row.meant]
    labels = [row for row in undated if not row.meant]
    advice = date_advice([shown(row.date).strip() for row in unreadable][:_SAMPLE])
    if undated and not readings:  # the series is not empty: none of its dates can be read
        problem = f"no date that can be read beside it ({_sample(undated)}); {advice}"
        return Snapshot([Reading(None, name, "", problem=problem)], notes=[_left_out(undated)])
    if form is not None:
        advice = f"{as_date(form)} does not read it, so correct it"
    newest_last = _newest_last(readings) if undated else None
    unplaced = [
        Reading(
            None, row.where, shown(row.value), at, f"a number whose date {shown(row.date)!r} cannot be read; {advice}"
        )
        for row in unreadable
        for at in _places(row, newest_last)
    ]
    newest = [row for row in labels if _bounds(row, newest_last)[1] is None]
    notes = [_left_out(labels)] if labels else []
    return Snapshot([*readings, *unplaced], notes=notes, warning=_left_out(newest) if newest else None)


def _left_out(rows: Sequence[_Undated]) -> str:
    return f"{len(rows)} with no date that can be read, left out: {_sample(rows)}"


def _sample(rows: Sequence[_Undated]) -> str:
    return ", ".join(row.shown for row in rows[:_SAMPLE]) + (" …" if len(rows) > _SAMPLE else "")


def _newest_last(readings: Sequence[Reading]) -> bool | None:
    """Whether the rows go from old to new; None if they go neither that way nor the other."""
    times = [reading.at for reading in readings if reading.at is not None]
    if times[0] == times[-1]:
        return None
    rises = times[0] < times[-1]
    return rises if times == sorted(times, reverse=not rises) else None


def _bounds(row: _Undated, newest_last: bool | None) -> tuple[datetime | None, datetime | None]:
    """The times between which a row without a date is, by its place among the others; None where there is no bound."""
    if newest_last is None:
        return None, None
    return (row.before, row.after) if newest_last else (row.after, row.before)


def _places(row: _Undated, newest_last: bool | None) -> Iterator[datetime | None]:
    """The earliest and the latest time at which a number without a date may be; None is when it is seen."""
    low, high = _bounds(row, newest_last)
    if high is None:
        yield None
        return
    if low is not None and low + _INSTANT < high - _INSTANT:
        yield low + _INSTANT
    yield high - _INSTANT
