"""The position and cell of each dated row of a part.

A dated row is identified by its date. When rows only move, such as when a row is inserted above them, only a new layout
is written, and no new versions of rows. A part whose rows never moved has no layout: each row is still where it was
first seen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, Text, bindparam, column, delete, func, insert, select

from syncd.ledger.batches import given
from syncd.ledger.schema import layouts

Part = tuple[int, str]
"""Identifies a part: (id of the stream, part)."""

Place = tuple[int, str]
"""The place of a row: (position among the rows of its part, cell)."""

Run = tuple[int, str, int, int]
"""A run of places: (position, cell, count, step). It has a first place and `count` places in all. Each place is one row
below (step 1) or above (step -1) the place before it.
"""

_ROW = re.compile(r"(.*?)(0|[1-9]\d*)(\D*)", re.DOTALL)
"""Splits the name of a cell at its last number, which is the cell's row."""


def read_layouts(
    connection: Connection, parts: Sequence[Part], cycle: int | None = None
) -> Mapping[Part, Sequence[Place]]:
    """The places of the dated rows of each part that has a layout, as of now or of the end of a cycle.

    The places are in the order that `order_of` defines.
    """
    of = given(parts, column("stream", Integer), column("part", Text))
    same = layouts.alias()
    newest = select(func.max(same.c.cycle)).where(same.c.stream == of.c.stream, same.c.part == of.c.part)
    if cycle is not None:
        newest = newest.where(same.c.cycle <= cycle)
    query = select(layouts).join(
        of,
        (layouts.c.stream == of.c.stream)
        & (layouts.c.part == of.c.part)
        & (layouts.c.cycle == newest.correlate(of).scalar_subquery()),
    )
    return {(row.stream, row.part): list(_unpacked(row.places)) for row in connection.execute(query)}


def write_layouts(connection: Connection, stream: int, cycle: int, places: Mapping[str, Sequence[Place]]) -> None:
    """Writes the new layouts of these parts, valid from a cycle on."""
    if not places:
        return
    same = (layouts.c.stream == stream, layouts.c.cycle == cycle, layouts.c.part == bindparam("of_part"))
    connection.execute(delete(layouts).where(*same), [{"of_part": part} for part in places])
    rows = [{"stream": stream, "part": part, "cycle": cycle, "places": _packed(of)} for part, of in places.items()]
    connection.execute(insert(layouts), rows)


def order_of(row: Any) -> tuple[Any, int, int]:
    """The sort key of a dated row in a layout: its time, first position and first cycle. The key of a row never
    changes.
    """
    return row.at, row.position, row.cycle


def _packed(places: Collection[Place]) -> list[Run]:
    """The places, packed as runs. A series without gaps is a single run, whatever its length."""
    runs: list[Run] = []
    for position, cell in places:
        if runs:
            first, of, count, step = runs[-1]
            for direction in (step,) if step else (1, -1):
                if (first + count * direction, _moved(of, count * direction)) == (position, cell):
                    runs[-1] = first, of, count + 1, direction
                    break
            else:
                runs.append((position, cell, 1, 0))
        else:
            runs.append((position, cell, 1, 0))
    return runs


def _unpacked(runs: Sequence[Run]) -> Iterator[Place]:
    for position, cell, count, step in runs:
        for further in range(0, count * step or 1, step or 1):
            yield position + further, _moved(cell, further)


def _moved(cell: str, rows: int) -> str:
    """The name of the cell that is `rows` rows below a cell. The name stays the same if it has no row number, or if the
    number would become negative.
    """
    parts = _ROW.fullmatch(cell)
    if parts is None or int(parts[2]) + rows < 0:
        return cell
    return f"{parts[1]}{int(parts[2]) + rows}{parts[3]}"
