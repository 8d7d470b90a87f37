"""The keys that every connector of spreadsheets adds to a measure: `cell`, `series` or `lookup`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from syncd.sdk.a1 import Range, column_letters, parse_block, parse_range, split_sheet
from syncd.sdk.cells import Reader
from syncd.sdk.facts import Between, Snapshot
from syncd.sdk.key_rules import Rule, has_any, needs, single, text
from syncd.sdk.keys_of_measures import ReadingKeys
from syncd.sdk.lookup import read_lookup, with_header
from syncd.sdk.series import read_series
from syncd.sdk.tables import Grid, Header, Lookup, Resolve, Series, Unreadable, read_cell

_CELL = text(r"^(?!(?:.*!)?([A-Za-z]+\d+):(?!\1$)[A-Za-z]+\d*$)", "is a range; write one cell, or a series")


class TableKeys(ReadingKeys):
    """The keys that say where the number is in a table."""

    rules: ClassVar[Sequence[Rule]] = single("cell", "series", "lookup")
    as_texts = (("lookup", "row"),)
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
            area = self.area(self.cell)
            if area is not None and (area.first_row, area.first_column) != (area.last_row, area.last_column):
                raise ValueError(f"has the cell {self.cell!r}, which is a range; write one cell, or a series")
        return self

    @property
    def many(self) -> bool:
        """Whether the measure reads a series."""
        return self.series is not None

    @property
    def shape(self) -> str:
        """The key that says where the number is."""
        return "cell" if self.cell is not None else "series" if self.series is not None else "lookup"

    def area(self, reference: str) -> Range | None:
        """The cells of a reference in A1 notation; None for a name. `Q4` is a cell only for the key `cell`. For a
        series or a lookup, `Q4` is the name of a column or a sheet.
        """
        text = split_sheet(reference)[1]
        return parse_range(text) if self.cell is not None else parse_block(text)

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


def series_column(header: Header, name: str, reader: Reader, table: str) -> int:
    """The position of a series' column below a name. Raises Unreadable, with the names of the existing columns, if the
    header lacks the name.
    """
    try:
        return header.position(name, reader, table)
    except Unreadable as error:
        if (cell := parse_range(name)) is None:
            raise
        hint = f"; a range has a colon, such as {name}:{column_letters(cell.first_column)}"
        raise Unreadable(f"{error}{hint}") from None


def below_header(sheet: Grid, name: str, reader: Reader, header_row: int | None = None) -> Grid:
    """The column of a sheet below a name in its header row."""
    header = sheet.header(header_row)
    return sheet.below(header, series_column(header, name, reader, sheet.sheet or ""))
