"""Tables: which blocks of cells count as tables, and below which table an append writes.

Google's guide to appending: a table is a block of filled cells with blanks around it. The values go below the last
table that the range touches; if it touches none, they go into the range's first cell.
"""

from __future__ import annotations

from syncd.sandbox.sheets.a1 import Area
from syncd.sandbox.sheets.workbook import Sheet


def last_table(area: Area) -> Area | None:
    """The lowest table that the area touches; if several end in the same row, the rightmost of them."""
    touched = [table for table in _tables(area.sheet) if _touches(area, table)]
    return max(touched, key=lambda table: (table.end_row, table.end_column), default=None)


def _touches(area: Area, table: Area) -> bool:
    rows = area.row < table.end_row and table.row < area.end_row
    return rows and area.column < table.end_column and table.column < area.end_column


def _tables(sheet: Sheet) -> list[Area]:
    """The box around each group of filled cells that touch, by a side or a corner."""
    unread = {
        (row, column)
        for row, cells in enumerate(sheet.rows)
        for column, cell in enumerate(cells)
        if cell.value is not None
    }
    tables = []
    while unread:
        group, edge = set(), [unread.pop()]
        while edge:
            row, column = edge.pop()
            group.add((row, column))
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & unread
            unread -= near
            edge.extend(near)
        rows, columns = [row for row, _ in group], [column for _, column in group]
        tables.append(Area(sheet, min(rows), min(columns), max(rows) + 1, max(columns) + 1))
    return tables
