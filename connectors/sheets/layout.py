"""Where in a sheet the cells of a key result are: its row by its id, its columns by letter or header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from connectors.sheets.cells import Cells, Place
from connectors.sheets.keys import SheetsPublish, is_letters
from syncd.sdk import Content, Found, Scalar, SourceBroken, one_line
from syncd.sdk.a1 import address, column_letters, column_number, quote_sheet, whole_sheet

_KEY = "key_result"


@dataclass(frozen=True, slots=True)
class Layout:
    """Of one sheet, as it was read. `header` is what its first row is to say, where it is ours to make.

    `lettered` are the places whose columns are named by letters: who inserts a column moves them on.
    """

    sheet: Cells
    key: int
    columns: Mapping[str, int]
    rows: Mapping[str, Sequence[int]]
    header: Mapping[Place, Scalar] = field(default_factory=dict)
    lettered: Collection[str] = ()

    def found(self, key_result: str, places: Content, *, create: bool) -> Found:
        """What stands in a key result's row; a row that can be made is blank."""
        title, rows = self.sheet.title, self.rows.get(key_result, ())
        if len(rows) > 1:
            which = f"{', '.join(str(row + 1) for row in rows[:-1])} and {rows[-1] + 1}"
            return Found(absent=f"{title} has {key_result!r} in the rows {which}; keep one of them")
        if not rows:
            return self._under_headers(Found(), places) if create else Found(absent=self._missing(key_result))
        at = {place: (rows[0], self.columns[place]) for place in places if place in self.columns}
        found = Found(
            {place: self.sheet.standing.get(cell) for place, cell in at.items()},
            {place: address(title, *cell) for place, cell in at.items()},
        )
        return self._under_headers(found, places)

    def _under_headers(self, found: Found, places: Content) -> Found:
        """With the first row's texts that stand there once."""
        first = {column: value for (row, column), value in self.sheet.standing.items() if row == 0}
        times = Counter(first.values())
        texts = {column: text for column, text in first.items() if isinstance(text, str) and times[text] == 1}
        above = {place: texts.get(self.columns[place]) for place in places if place in self.lettered}
        return replace(
            found,
            above={place: text for place, text in above.items() if text is not None},
            headers={text: f"column {column_letters(column)}" for column, text in texts.items()},
        )

    def _missing(self, key_result: str) -> str:
        said = f"{self.sheet.title} has no row for it in column {column_letters(self.key)}"
        if any(text.startswith("=") for text in self.rows):
            return f"{said}, which holds formulas; write the ids themselves there"
        return f"{said}; add one, or set create: true"

    def cells(self, contents: Mapping[str, Content]) -> dict[Place, Scalar | None]:
        """The cells to write, with those of the rows that are new: below all others, in the order given."""
        cells: dict[Place, Scalar | None] = dict(self.header)
        free = max(self.sheet.below, 1 if self.header else 0)
        for name, content in contents.items():
            places = {place: value for place, value in content.items() if place in self.columns}
            rows = self.rows.get(name)
            row = rows[0] if rows else free
            if not rows and places:
                cells[(row, self.key)] = name
                free += 1
            cells |= {(row, self.columns[place]): value for place, value in places.items()}
        return cells


def wanted(keys: SheetsPublish) -> Sequence[str]:
    """The ranges to read: the columns alone where letters name them all, and the first row; else the whole sheet."""
    if keys.by_header:
        return [whole_sheet(keys.sheet)]
    sheet = quote_sheet(keys.sheet)
    return [f"{sheet}!{column}:{column}" for column in (keys.key_column, *keys.columns.values())] + [f"{sheet}!1:1"]


def layout(keys: SheetsPublish, sheet: Cells) -> Layout:
    """SourceBroken where a column is not there. A sheet that holds nothing gets a header, where it may be made."""
    named = [keys.key_column, *keys.columns.values()]
    new = keys.create and not sheet.standing
    at = _made(named) if new else [_column(sheet, name) for name in named]
    for column, times in Counter(at).items():
        if times > 1:
            twice = " and ".join(repr(name) for name, one in zip(named, at, strict=True) if one == column)
            raise SourceBroken(f"{twice} are one column of {sheet.title}; correct them in publish:")
    header: dict[Place, Scalar] = {}
    if new:
        said = zip(at, named, [_KEY, *keys.columns], strict=True)
        header = {(0, column): stated if is_letters(name) else name for column, name, stated in said}
    rows: dict[str, list[int]] = {}
    for row, column in sorted(sheet.standing):
        if column == at[0] and (row > 0 or not keys.by_header):
            rows.setdefault(sheet.text(row, column), []).append(row)
    places = list(map(keys.place, keys.columns))
    lettered = [place for place, column in zip(places, keys.columns.values(), strict=True) if is_letters(column)]
    return Layout(sheet, at[0], dict(zip(places, at[1:], strict=True)), rows, header, lettered)


def _column(sheet: Cells, name: str) -> int:
    """By its letters, or by its header: as it is written, else whatever its case."""
    header = {column: sheet.text(row, column) for row, column in sorted(sheet.standing) if row == 0}
    if is_letters(name):
        number = column_number(name)
        if sheet.columns and number >= sheet.columns:
            ends = f"{sheet.title} has no column {name}: it ends with {column_letters(sheet.columns - 1)}"
            raise SourceBroken(f"{ends}; a header of that name is written as {name.lower()!r} in publish:")
        return number
    for same in (str, str.casefold):
        found = [column for column, text in header.items() if same(text) == same(name.strip())]
        if len(found) == 1:
            return found[0]
        if found:
            which = " and ".join(column_letters(column) for column in found)
            raise SourceBroken(
                f"{sheet.title} has {name!r} above the columns {which}; name the one meant by its letter"
            )
    has = ", ".join(header.values()) or "nothing"
    letter = f", or write {name.upper()!r} for the column of that letter" if is_letters(name.upper()) else ""
    said = f"{sheet.title} has no column {name!r}; correct it in publish:{letter} (its first row has: {has})"
    raise SourceBroken(one_line(said, 280))


def _made(named: Sequence[str]) -> list[int]:
    """The columns of a new sheet: letters say theirs, headers come where there is room, in the order given."""
    taken = {column_number(name) for name in named if is_letters(name)}
    room = (column for column in count() if column not in taken)
    return [column_number(name) if is_letters(name) else next(room) for name in named]
