"""Finds the tables of a sheet, and the table below which an append writes.

According to Google's guide to appending, a table is a block of filled cells with blanks around it. Values are written
below the last table that the range touches. If the range touches no table, values are written from the range's first
cell on.
"""

from __future__ import annotations

from syncd.sandbox.sheets.a1 import Area
from syncd.sandbox.sheets.workbook import Sheet


def last_table(area: Area) -> Area | None:
    """The lowest table that the area touches; None if it touches no table. If several tables end in the same row,
    returns the rightmost of them.
    """
    touched = [table for table in _tables(area.sheet) if _touches(area, table)]
    return max(touched, key=lambda table: (table.end_row, table.end_column), default=None)


def _touches(area: Area, table: Area) -> bool:
    rows = area.row < table.end_row and table.row < area.end_row
    return rows and area.column < table.end_column and table.column < area.end_column


def _tables(sheet: Sheet) -> list[Area]:
    """The rectangle around each group of filled cells that touch each other at a side or a corner."""
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
