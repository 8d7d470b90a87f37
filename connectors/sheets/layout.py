"""Finds the cells of a key result in a sheet: its row by the key result's id, and the columns by letter or header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from connectors.sheets.cells import Cells, Place
from connectors.sheets.keys import SheetsPublish, is_letters
from syncd.sdk import Content, Scalar, SourceBroken, Written, single_line
from syncd.sdk.a1 import address, column_letters, column_number, whole_sheet

_KEY = "key_result"


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows and columns of a sheet as it was read. If syncd creates the sheet, `header` has the cells of the first
    row.
    """

    sheet: Cells
    key: int
    columns: Mapping[str, int]
    rows: Mapping[str, Sequence[int]]
    header: Mapping[Place, Scalar] = field(default_factory=dict)

    def read_row(self, key_result: str, places: Content, *, create: bool) -> Written:
        """The cells of a key result's row. With `create`, a missing row is blank."""
        title, rows = self.sheet.title, self.rows.get(key_result, ())
        if len(rows) > 1:
            which = f"{', '.join(str(row + 1) for row in rows[:-1])} and {rows[-1] + 1}"
            return Written(absent=f"{title} has {key_result!r} in the rows {which}; keep one of them")
        if not rows:
            return self._under_headers(Written(), places) if create else Written(absent=self._missing(key_result))
        at = {place: (rows[0], self.columns[place]) for place in places if place in self.columns}
        row_state = Written(
            {place: self.sheet.values.get(cell) for place, cell in at.items()},
            {place: address(title, *cell) for place, cell in at.items()},
        )
        return self._under_headers(row_state, places)

    def _under_headers(self, row_state: Written, places: Content) -> Written:
        """Adds the headers to a row's state. A text that occurs only once in the first row is a header."""
        first = {column: value for (row, column), value in self.sheet.values.items() if row == 0}
        times = Counter(first.values())
        texts = {column: text for column, text in first.items() if isinstance(text, str) and times[text] == 1}
        above = {place: texts.get(self.columns[place]) for place in places if place in self.columns}
        return replace(
            row_state,
            above={place: text for place, text in above.items() if text is not None},
            headers={text: f"column {column_letters(column)}" for column, text in texts.items()},
        )

    def _missing(self, key_result: str) -> str:
        problem = f"{self.sheet.title} has no row for it in column {column_letters(self.key)}"
        if any(text.startswith("=") for text in self.rows):
            return f"{problem}, which holds formulas; write the ids themselves there"
        return f"{problem}; add one, or set create: true"

    @property
    def end(self) -> int:
        """The first row below the table, which ends at the last row with a filled cell in the key column."""
        return max((row for rows in self.rows.values() for row in rows), default=0 if self.sheet.values else -1) + 1

    def new_rows(self, contents: Mapping[str, Content]) -> int:
        """The number of key results that have something to write but no row."""
        return sum(
            name not in self.rows and any(place in self.columns for place in contents[name]) for name in contents
        )

    def cells(self, contents: Mapping[str, Content]) -> dict[Place, Scalar | None]:
        """The cells to write. New rows go below the table, in the given order; if they do not fit there, below all
        cells.
        """
        cells: dict[Place, Scalar | None] = dict(self.header)
        free = max(self.end, 1 if self.header else 0)
        if not self.sheet.is_blank(range(free, free + self.new_rows(contents))):
            free = self.sheet.below
        for name, content in contents.items():
            places = {place: value for place, value in content.items() if place in self.columns}
            rows = self.rows.get(name)
            row = rows[0] if rows else free
            if not rows and places:
                cells[(row, self.key)] = name
                free += 1
            cells |= {(row, self.columns[place]): value for place, value in places.items()}
        return cells


def needed_ranges(keys: SheetsPublish) -> Sequence[str]:
    """The range to read: the whole sheet, because cells in other columns show which rows are free."""
    return [whole_sheet(keys.sheet)]


def layout(keys: SheetsPublish, sheet: Cells, former: Mapping[str, Sequence[str]]) -> Layout:
    """Finds the rows and columns of a sheet. Raises SourceBroken if a column is missing.

    A key result without a row uses the row of the newest of its `former` ids that has one. syncd does not rename the
    row, but the people who maintain the sheet may rename it. An empty sheet gets a header if `create` allows it.
    """
    names = [keys.key_column, *keys.columns.values()]
    new = keys.create and not sheet.values
    columns = _new_columns(names) if new else [_column(sheet, name) for name in names]
    for column, times in Counter(columns).items():
        if times > 1:
            same = " and ".join(repr(name) for name, other in zip(names, columns, strict=True) if other == column)
            raise SourceBroken(f"{same} are the same column of {sheet.title}; correct them in publish:")
    header: dict[Place, Scalar] = {}
    if new:
        titles = zip(columns, names, [_KEY, *keys.columns], strict=True)
        header = {(0, column): stated if is_letters(name) else name for column, name, stated in titles}
    rows: dict[str, list[int]] = {}
    for row, column in sorted(sheet.values):
        if column == columns[0] and (row > 0 or not keys.by_header):
            rows.setdefault(sheet.text(row, column), []).append(row)
    rows |= {
        name: next(rows[old] for old in before if old in rows)
        for name, before in former.items()
        if name not in rows and any(old in rows for old in before)
    }
    places = list(map(keys.place, keys.columns))
    return Layout(sheet, columns[0], dict(zip(places, columns[1:], strict=True)), rows, header)


def _column(sheet: Cells, name: str) -> int:
    """The number of the column with these letters or this header. An exact match of the header takes precedence over a
    match that ignores case.
    """
    header = {column: sheet.text(row, column) for row, column in sorted(sheet.values) if row == 0}
    if is_letters(name):
        number = column_number(name)
        if sheet.columns and number >= sheet.columns:
            problem = f"{sheet.title} has no column {name}: its last column is {column_letters(sheet.columns - 1)}"
            raise SourceBroken(f"{problem}; if {name} is a header, write {name.lower()!r} in publish:")
        return number
    for fold in (str, str.casefold):
        columns = [column for column, text in header.items() if fold(text) == fold(name.strip())]
        if len(columns) == 1:
            return columns[0]
        if columns:
            which = " and ".join(column_letters(column) for column in columns)
            raise SourceBroken(f"{sheet.title} has {name!r} above columns {which}; write the letter of the right one")
    has = ", ".join(header.values()) or "nothing"
    letter = f", or write {name.upper()!r} for the column of that letter" if is_letters(name.upper()) else ""
    problem = f"{sheet.title} has no column {name!r}; correct it in publish:{letter} (its first row has: {has})"
    raise SourceBroken(single_line(problem, 280))


def _new_columns(names: Sequence[str]) -> list[int]:
    """The numbers of the columns of a new sheet. Letters name their own columns; headers take the free columns in the
    given order.
    """
    taken = {column_number(name) for name in names if is_letters(name)}
    free = (column for column in count() if column not in taken)
    return [column_number(name) if is_letters(name) else next(free) for name in names]
