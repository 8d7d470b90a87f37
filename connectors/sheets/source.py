"""Numbers from Google Sheets: every range of one spreadsheet in one batchGet, unformatted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from connectors.sheets.client import UNFORMATTED, Client, Refused, Values
from connectors.sheets.settings import SpreadsheetId
from syncd.sdk import Check, Context, Json, Page, RetryLater, Snapshot, Stream
from syncd.sdk.a1 import parse_range, quote_sheet, split_sheet, whole_sheet
from syncd.sdk.cells import Cell, Reader
from syncd.sdk.table_measure import TableKeys, below_header, is_range
from syncd.sdk.tables import Grid, Unreadable


class SheetsMeasure(TableKeys):
    """What Google Sheets adds to a measure."""

    spreadsheet: SpreadsheetId

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """One spreadsheet is one stream."""
        return [self.spreadsheet]


class SheetsSource:
    """An opened account."""

    def __init__(self, client: Client, context: Context) -> None:
        self._client = client
        self._context = context

    def verify(self, stream: Stream) -> None:
        """Spreadsheets have no fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Every part's readings as they stand. One batchGet, and one request more where a part names a header.

        Where Google refuses the batch for one bad range, each reference is asked for alone: a sheet that is gone fails
        its own measures and no others.
        """
        parts = {part: SheetsMeasure.of_part(part) for part in sorted(stream.needs)}
        references = sorted({ref for keys in parts.values() for ref in keys.references()})
        tables = {keys.lookup.table for keys in parts.values() if keys.lookup is not None}
        ranges, headers = self._ranges(stream.key, references, tables)
        grids = self._grids(stream.key, ranges)

        def resolve(reference: str) -> Grid:
            found = grids[ranges[reference]]
            if isinstance(found, str):
                raise Unreadable(found)
            header = headers.get(reference)
            return found if header is None else below_header(found, header, reference)

        readings: dict[str, Snapshot] = {}
        for part, keys in parts.items():
            readings[part] = keys.read(resolve, Reader(self._context.zone, keys.as_, serial_dates=True))
        yield Page(readings=readings)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Never asked of readings."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """What `syncd doctor` asks."""
        return self._client.check()

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _ranges(
        self, spreadsheet: str, references: Sequence[str], tables: Collection[str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """What to ask Google for each reference (a header's whole sheet), and which references are headers.

        `tables` are those that may be a whole sheet: elsewhere a column may be called like one.
        """
        asked = {reference: reference for reference in references}
        headers: dict[str, str] = {}
        unclear = [reference for reference in references if not is_range(reference)]
        if not unclear:
            return asked, headers
        answer = self._client.spreadsheet(spreadsheet)
        titles = [sheet.properties.title for sheet in answer.sheets]
        named = {entry.name for entry in answer.namedRanges}
        for reference in unclear:
            sheet, rest = split_sheet(reference)
            if sheet is not None:
                asked[reference], headers[reference] = whole_sheet(sheet), rest
            elif rest in titles and reference in tables:
                asked[reference] = quote_sheet(rest)
            elif rest not in named and titles:
                asked[reference], headers[reference] = whole_sheet(titles[0]), rest
        return asked, headers

    def _grids(self, spreadsheet: str, ranges: Mapping[str, str]) -> dict[str, Grid | str]:
        """The cells of each range asked for, or why there are none."""
        wanted = list(dict.fromkeys(ranges.values()))
        try:
            return dict(zip(wanted, self._batch(spreadsheet, wanted), strict=True))
        except Refused as error:
            if not error.bad_range:
                raise
            if len(wanted) == 1:
                return {wanted[0]: error.message}
        found: dict[str, Grid | str] = {}
        for one in wanted:
            try:
                (found[one],) = self._batch(spreadsheet, [one])
            except Refused as error:
                if not error.bad_range:
                    raise
                found[one] = error.message
        return found

    def _batch(self, spreadsheet: str, ranges: Sequence[str]) -> list[Grid]:
        found = self._client.values(spreadsheet, ranges, UNFORMATTED)
        return [_grid(asked, values) for asked, values in zip(ranges, found, strict=True)]


def _grid(asked: str, values: Values) -> Grid:
    sheet, rest = split_sheet(values.range or asked)
    area = parse_range(rest)
    top, left = (area.first_row, area.first_column) if area else (0, 0)
    rows: list[list[Cell]] = [[_cell(cell) for cell in row] for row in values.values]
    return Grid(sheet, rows, top, left)


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RetryLater(f"its answer holds a cell of the type {type(value).__name__}")
