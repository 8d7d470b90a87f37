"""Handles rows of a series that have a number, an error or a text, but no readable date.

A row whose date cannot be read may be the newest row. Such a row becomes readings without a number, at the earliest and
at the latest time that the rows around it allow. Only the values that the row could change are therefore unknown. A
label such as `Total` (`is_label`), or a blank, is not a date. The number beside a label or blank is left out, and a
note says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.sdk.cells import Cell, Reader, shown
from syncd.sdk.date_texts import as_date, date_advice
from syncd.sdk.facts import Between, Reading

_INSTANT = timedelta(microseconds=1)
_SAMPLE = 3
_MOST = 1_000  # unreadable dates; if there are more, the whole column is wrong


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, with the dates of the nearest dated rows before and after it; None if there is no such row.

    `problem` describes a value that is not a number.
    """

    where: str
    date: Cell
    value: Cell
    problem: str | None
    before: datetime | None
    after: datetime | None = None

    @property
    def shown(self) -> str:
        """The row's place, with the text of its date cell if that cell is not blank."""
        text = shown(self.date).strip()
        return f"{self.where} ({text!r})" if text else self.where


@dataclass(slots=True)
class _Sample:
    count: int = 0
    first: list[str] | None = None

    def add(self, row: _Row) -> None:
        self.count += 1
        self.first = [*(self.first or []), row.shown][:_SAMPLE]

    def __str__(self) -> str:
        first = ", ".join(self.first or [])
        return f"{first} …" if self.count > _SAMPLE else first

    @property
    def left_out(self) -> str | None:
        """The sentence of `explain` about these rows; None if there are no rows."""
        return f"{self.count:,} with no date that can be read, left out: {self}" if self.count else None


class UndatedRows:
    """Collects the rows without a date, and follows the dates of the other rows.

    The order of the other rows' dates decides at which times a row without a date may be. A date outside of `within`
    stands for any time on that side of `within`. Such dates therefore have no order among themselves.
    """

    def __init__(self, reader: Reader, within: Between | None = None) -> None:
        self._reader = reader
        self._within = within
        self._all = _Sample()
        self._labels = _Sample()
        self._at_head, self._at_tail = _Sample(), _Sample()  # labels before the first date, and after the last
        self._unreadable: list[_Row] = []
        self._unreadable_count = 0
        self._open = 0  # unreadable rows from this index on wait for the next date
        self._last: datetime | None = None
        self._last_ordered: datetime | None = None
        self._rises = self._falls = True

    def follow(self, at: datetime) -> None:
        """Notes the date of a row that has a date."""
        ordered = at if self._within is None else max(self._within[0], min(at, self._within[1]))
        if self._last_ordered is not None:
            self._falls = self._falls and ordered <= self._last_ordered
            self._rises = self._rises and ordered >= self._last_ordered
        self._last, self._last_ordered = at, ordered
        if self._open < len(self._unreadable):
            self._unreadable[self._open :] = [replace(row, after=at) for row in self._unreadable[self._open :]]
            self._open = len(self._unreadable)
        if self._at_tail.count:
            self._at_tail = _Sample()

    def add(self, where: str, date_cell: Cell, cell: Cell, problem: str | None) -> None:
        """Adds a row that has a value but no readable date.

        An error or a text beside a label is ignored, because it may be the header of a column.
        """
        means_date = self._reader.means_date(date_cell)
        if problem is not None and not means_date:
            return
        row = _Row(where, date_cell, cell, problem, self._last)
        self._all.add(row)
        if means_date:
            self._unreadable_count += 1
            if len(self._unreadable) < _MOST:
                self._unreadable.append(row)
            return
        self._labels.add(row)
        self._at_tail.add(row)
        if self._last is None:
            self._at_head.add(row)

    def without_dates(self, name: str) -> Reading | None:
        """The reading of a series that has rows but no readable date; None if the series has no rows."""
        if not self._all.count:
            return None
        problem = f"no date that can be read beside it ({self._all}); {self._advice()}"
        return Reading(None, name, "", problem=problem)

    def too_many(self, name: str) -> str | None:
        """The reason why the series with this name has too many unreadable dates; None if the series can be used."""
        if self._unreadable_count <= _MOST:
            return None
        first = ", ".join(row.shown for row in self._unreadable[:_SAMPLE])
        return f"{self._unreadable_count:,} dates beside {name} cannot be read, such as {first}; {self._how()}"

    def readings(self) -> list[Reading]:
        """The readings for rows with unreadable dates, at the times that these rows may have."""
        newest_last, how = self._newest_last, self._how()
        return [
            Reading(
                None,
                row.where,
                shown(row.value),
                at,
                f"a number whose date {shown(row.date)!r} cannot be read; {how}"
                if row.problem is None
                else f"{row.problem}; its date {shown(row.date)!r} cannot be read either",
            )
            for row in self._unreadable
            for at in _places(row, newest_last)
        ]

    @property
    def notes(self) -> list[str]:
        """The notes for `explain`."""
        left_out = self._labels.left_out if self._last is not None else self._all.left_out
        return [left_out] if left_out else []

    @property
    def warning(self) -> str | None:
        """The warning that is shown beside the value if a row that may be the newest is left out; else None."""
        if self._last is None:
            return None
        newest_last = self._newest_last
        if newest_last is None:
            return self._labels.left_out
        return (self._at_tail if newest_last else self._at_head).left_out

    @property
    def _newest_last(self) -> bool | None:
        """Whether the newest row is last; None if the rows are not sorted by date."""
        return self._rises if self._rises is not self._falls else None

    def _how(self) -> str:
        form = self._reader.rules.date
        return self._advice() if form is None else f"{as_date(form)} does not read it, so correct it"

    def _advice(self) -> str:
        return date_advice([shown(row.date).strip() for row in self._unreadable[:_SAMPLE]])


def _places(row: _Row, newest_last: bool | None) -> Iterator[datetime | None]:
    """The earliest and the latest time that a row without a date may have. None stands for the time of the pull."""
    low, high = (row.before, row.after) if newest_last else (row.after, row.before)
    if newest_last is None or high is None:
        yield None
        return
    if low is not None and low + _INSTANT < high - _INSTANT:
        yield low + _INSTANT
    yield high - _INSTANT
