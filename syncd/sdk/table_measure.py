"""The keys that every connector of spreadsheets adds to a measure: `cell`, `series` or `lookup`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from syncd.sdk.a1 import parse_range, split_sheet
from syncd.sdk.cells import Reader
from syncd.sdk.facts import Between, Snapshot
from syncd.sdk.key_rules import Rule, has_any, needs, single, text
from syncd.sdk.keys_of_measures import ReadingKeys
from syncd.sdk.lookup import read_lookup, with_header
from syncd.sdk.series import read_series
from syncd.sdk.tables import Grid, Lookup, Resolve, Series, Unreadable, read_cell

_CELL = text(r"^(?!(?:.*!)?([A-Za-z]+\d+):(?!\1$)[A-Za-z]+\d*$)", "is a range; write one cell, or a series")


class TableKeys(ReadingKeys):
    """The keys that say where the number is in a table."""

    rules: ClassVar[Sequence[Rule]] = single("cell", "series", "lookup")
    whole_rules = (needs(has_any("cell", "series", "lookup"), "needs one of 'cell', 'series' and 'lookup'"),)

    cell: Annotated[str, WithJsonSchema(_CELL)] | None = Field(
        None, description="A single cell: `Support!B4`, or a named range."
    )
    series: Series | None = Field(None, description="A column of dates and a column of numbers.")
    lookup: Lookup | None = Field(None, description="A cell of a table: the row that meets conditions, and the column.")
    header: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=1000,
        description="The number of the row that names the columns; by default the first row that is not blank.",
    )

    @model_validator(mode="after")
    def _single_shape(self) -> TableKeys:
        given = [name for name in ("cell", "series", "lookup") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(given)}; keep one of them"
                if given
                else "needs one of 'cell', 'series' and 'lookup'"
            )
        if self.cell is not None:
            area = parse_range(split_sheet(self.cell)[1])
            if area is not None and (area.first_row, area.first_column) != (area.last_row, area.last_column):
                raise ValueError(f"has the cell {self.cell!r}, which is a range; write one cell, or a series")
        return self

    @property
    def many(self) -> bool:
        """Whether the measure reads a series."""
        return self.series is not None

    def references(self) -> Sequence[str]:
        """The ranges, headers, named ranges and sheets that the measure reads."""
        if self.series is not None:
            return [self.series.dates, self.series.values]
        return [with_header(self.lookup.table, self.header)] if self.lookup is not None else [self.cell or ""]

    def read(self, resolve: Resolve, reader: Reader, between: Between | None = None) -> Snapshot:
        """The measure's readings, or the problem if the readings cannot be read. `between` limits a long series to a
        span of time.
        """
        try:
            if self.series is not None:
                return read_series(self.series, resolve, reader, between)
            if self.lookup is not None:
                return read_lookup(self.lookup, resolve, reader, self.header)
            return read_cell(self.cell or "", resolve, reader)
        except Unreadable as error:
            return Snapshot(problem=str(error))


def is_range(reference: str) -> bool:
    """Whether a reference is a range in A1 notation, not a header, a named range or a sheet."""
    return parse_range(split_sheet(reference)[1]) is not None


def below_header(sheet: Grid, name: str, reader: Reader, header_row: int | None = None) -> Grid:
    """The column of a sheet below a name in its header row. Raises Unreadable, with the names of the existing columns,
    if the name is not found.
    """
    header = sheet.header(header_row)
    return sheet.below(header, header.position(name, reader, sheet.sheet or ""))
