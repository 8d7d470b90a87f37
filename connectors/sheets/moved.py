"""Finds the cells that a write hit by mistake, because somebody moved rows or columns between the read and the write.

Google writes to addresses, and has no write that fails if cells have moved. syncd therefore reads the sheet again after
a write. syncd recognizes a row by its key, or else by the row's cells that were not written, and a column by its
header.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.sheets.cells import Cells, Place
from syncd.sdk import Scalar

_Row = Mapping[int, Scalar]
"""The cells of a row by column. The numbers of the columns are those before the write."""


@dataclass(frozen=True, slots=True)
class Stray:
    """The cells that a write hit by mistake: the former value of each, and the cells that cannot be restored.

    A formula cannot be restored, because its references move with its row. The cells of a row that somebody has just
    inserted count as blank before the write. `key` is the column of the keys after the write.
    """

    key: int
    held: dict[Place, Scalar | None] = field(default_factory=dict)
    lost: list[Place] = field(default_factory=list)


def stray_cells(before: Cells, after: Cells, entered: Mapping[Place, Scalar | None], key: int) -> Stray:
    """The cells of `entered` that were written to a wrong row or column.

    `before` and `after` are all cells of the sheet before and after the write. `key` is the column of the keys before
    the write. Cells that somebody has changed since the write are left out.
    """
    columns = _moved_columns(before, after)
    earlier, present = _rows(before, {}), _rows(after, columns)
    keys, present_keys = _keys(earlier, key), _keys(present, key)
    stray = Stray(next((now for now, then in columns.items() if then == key), key))
    written: dict[int, dict[int, int]] = {}  # for each row and each written column, the column before the write
    for (row, column), value in entered.items():
        if after.values.get((row, column)) == value:
            written.setdefault(row, {})[column] = columns.get(column, column)
    # In a row whose key was written, the former key is overwritten.
    new_rows = sorted(row for row, hit in written.items() if key in hit.values())
    # If somebody deleted rows, a missing key was deleted with its row.
    overwritten = {} if after.rows < before.rows else _overwritten(earlier, present, new_rows, key)
    for row, hit in written.items():
        others = _without(present.get(row, {}), hit.values())
        rows = {overwritten.get(row, row)}
        if key in others and keys[others[key]] == present_keys[others[key]] == 1:
            rows = {candidate for candidate, cells in earlier.items() if cells.get(key) == others[key]}
        elif _without(earlier.get(row, {}), hit.values()) != others:
            rows = {candidate for candidate, cells in earlier.items() if _without(cells, hit.values()) == others}
        for column, column_before in hit.items():
            if row in rows and column == column_before:
                continue
            values = {earlier[candidate].get(column_before) for candidate in rows if candidate in earlier}
            value = values.pop() if len(values) == 1 else None
            is_formula = isinstance(value, str) and value.startswith("=")
            if is_formula or values:
                stray.lost.append((row, column))
            stray.held[row, column] = None if is_formula else value
    return stray


def _overwritten(
    earlier: Mapping[int, _Row], present: Mapping[int, _Row], new_rows: Sequence[int], key: int
) -> dict[int, int]:
    """The rows where a new row overwrote a moved row and its key, each with the former number of the moved row.

    A row counts as overwritten if its key is now missing, and if it was between the same rows as the new row.
    """
    then, now = _rows_by_key(earlier, key), _rows_by_key(present, key)
    gone = sorted(row for text, row in then.items() if not any(cells.get(key) == text for cells in present.values()))
    stayed = sorted((now[text], row) for text, row in then.items() if text in now)
    overwritten: dict[int, int] = {}
    for new_row in new_rows:
        above = max((before for after, before in stayed if after < new_row), default=-1)
        below = min((before for after, before in stayed if after > new_row), default=None)
        former = next((row for row in gone if above < row and (below is None or row < below)), None)
        if former is not None:
            overwritten[new_row] = former
            gone.remove(former)
    return overwritten


def _rows_by_key(rows: Mapping[int, _Row], key: int) -> dict[Scalar, int]:
    times = _keys(rows, key)
    return {cells[key]: row for row, cells in rows.items() if key in cells and times[cells[key]] == 1}


def _moved_columns(before: Cells, after: Cells) -> Mapping[int, int]:
    """The former column of each column whose header has moved. A header is a text that occurs once in the first row.

    A new column in the place of a moved column has -1 as its former column.
    """
    then, now = _headers(before), _headers(after)
    moved = {now[text]: then[text] for text in now if text in then and now[text] != then[text]}
    return moved | {column: -1 for column in moved.values() if column not in moved}


def _headers(sheet: Cells) -> Mapping[Scalar, int]:
    first = {column: value for (row, column), value in sheet.values.items() if row == 0 and isinstance(value, str)}
    times = Counter(first.values())
    return {text: column for column, text in first.items() if times[text] == 1}


def _rows(sheet: Cells, columns: Mapping[int, int]) -> dict[int, dict[int, Scalar]]:
    rows: dict[int, dict[int, Scalar]] = {}
    for (row, column), value in sheet.values.items():
        rows.setdefault(row, {})[columns.get(column, column)] = value
    return rows


def _keys(rows: Mapping[int, _Row], key: int) -> Counter[Scalar]:
    return Counter(cells[key] for cells in rows.values() if key in cells)


def _without(cells: _Row, columns: Collection[int]) -> _Row:
    return {column: value for column, value in cells.items() if column not in columns}
