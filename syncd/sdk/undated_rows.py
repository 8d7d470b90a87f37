"""The rows of a series that have a number, an error or a text, and no date that can be read.

What stands there may be the newest of all. So a date that cannot be read makes a reading without a number, at the
earliest and at the latest time that the rows around it leave open: every answer that it could change is unknown, and no
other. A label such as `Total`, or a blank, is no date: the number beside it is left out, and that is said.
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
_MOST = 1_000  # dates that cannot be read: more of them are no mistake in a cell, but one in the column


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, with the dates of the nearest rows that have one; None where there is none.

    `problem` says what the value is if it is no number.
    """

    where: str
    date: Cell
    value: Cell
    problem: str | None
    before: datetime | None
    after: datetime | None = None

    @property
    def shown(self) -> str:
        """Its place, with its date cell if that is not blank."""
        text = shown(self.date).strip()
        return f"{self.where} ({text!r})" if text else self.where


@dataclass(slots=True)
class _Sample:
    """How many rows there are, and the first of them."""

    count: int = 0
    first: list[str] | None = None

    def add(self, row: _Row) -> None:
        """Adds a row."""
        self.count += 1
        self.first = [*(self.first or []), row.shown][:_SAMPLE]

    def __str__(self) -> str:
        first = ", ".join(self.first or [])
        return f"{first} …" if self.count > _SAMPLE else first

    @property
    def left_out(self) -> str | None:
        """What `explain` says of them; None if there are none."""
        return f"{self.count:,} with no date that can be read, left out: {self}" if self.count else None


class UndatedRows:
    """Collects the rows without a date, and takes notice of the dates of the other rows.

    The order of those dates decides where a row without a date may be. Dates outside of `within` may be any time on
    their side of it, so they have no order among themselves.
    """

    def __init__(self, reader: Reader, within: Between | None = None) -> None:
        self._reader = reader
        self._within = within
        self._all = _Sample()
        self._labels = _Sample()
        self._at_head, self._at_tail = _Sample(), _Sample()  # labels before the first date, and after the last
        self._unreadable: list[_Row] = []
        self._unreadable_count = 0
        self._open = 0  # from here on, they wait for the next date
        self._last: datetime | None = None
        self._last_ordered: datetime | None = None
        self._rises = self._falls = True

    def follow(self, at: datetime) -> None:
        """Takes notice of the date of a row."""
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
        """Adds a row with something in it and no date that can be read.

        An error or a text beside a label is passed over, as the header of a column is.
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
        """The reading of a series that has rows and no date at all; None if it has no row."""
        if not self._all.count:
            return None
        problem = f"no date that can be read beside it ({self._all}); {self._advice()}"
        return Reading(None, name, "", problem=problem)

    def too_many(self, name: str) -> str | None:
        """Why a series of this name cannot be read, although some of its dates can; None if it can."""
        if self._unreadable_count <= _MOST:
            return None
        first = ", ".join(row.shown for row in self._unreadable[:_SAMPLE])
        return f"{self._unreadable_count:,} dates beside {name} cannot be read, such as {first}; {self._how()}"

    def readings(self) -> list[Reading]:
        """What stands beside dates that cannot be read, at the times at which it may be."""
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
        """What `explain` says."""
        left_out = self._labels.left_out if self._last is not None else self._all.left_out
        return [left_out] if left_out else []

    @property
    def warning(self) -> str | None:
        """What is said beside the value: a row that may be the newest is left out."""
        if self._last is None:
            return None
        newest_last = self._newest_last
        if newest_last is None:
            return self._labels.left_out
        return (self._at_tail if newest_last else self._at_head).left_out

    @property
    def _newest_last(self) -> bool | None:
        """Whether the rows go from old to new; None if they go neither that way nor the other."""
        return self._rises if self._rises is not self._falls else None

    def _how(self) -> str:
        """What to do about the dates."""
        form = self._reader.rules.date
        return self._advice() if form is None else f"{as_date(form)} does not read it, so correct it"

    def _advice(self) -> str:
        return date_advice([shown(row.date).strip() for row in self._unreadable[:_SAMPLE]])


def _places(row: _Row, newest_last: bool | None) -> Iterator[datetime | None]:
    """The earliest and the latest time at which a number without a date may be; None is when it is seen."""
    low, high = (row.before, row.after) if newest_last else (row.after, row.before)
    if newest_last is None or high is None:
        yield None
        return
    if low is not None and low + _INSTANT < high - _INSTANT:
        yield low + _INSTANT
    yield high - _INSTANT
