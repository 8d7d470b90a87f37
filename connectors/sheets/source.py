"""Reads unformatted numbers from Google Sheets. One batchGet reads all ranges of a spreadsheet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from connectors.sheets.client import UNFORMATTED, Client, Refused, Values
from connectors.sheets.keys import SheetsMeasure
from syncd.sdk import Check, Context, Json, Page, Snapshot, Stream
from syncd.sdk.a1 import parse_range, quote_sheet, split_sheet, whole_sheet
from syncd.sdk.cells import Cell, Reader
from syncd.sdk.table_measure import below_header
from syncd.sdk.tables import Grid, Unreadable

_Place = tuple[str, str]
"""The shape of a measure (`cell`, `series` or `lookup`), and a reference of the measure."""


class SheetsSource:
    """Reads spreadsheets through an opened account."""

    def __init__(self, client: Client, context: Context) -> None:
        self._client = client
        self._context = context

    def verify(self, stream: Stream) -> None:
        """Does nothing, because spreadsheets have no fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The current readings of every part. Makes one batchGet, and one more request if a part names a header.

        If Google refuses the batch because of one range, each range is requested by itself. A deleted sheet then fails
        only the measures that read it.
        """
        parts = {part: SheetsMeasure.of_part(part) for part in sorted(stream.needs)}
        ranges, headers = self._ranges(stream.key, parts.values())
        grids = self._grids(stream.key, sorted(set(ranges.values())))

        def resolve(keys: SheetsMeasure, reader: Reader, reference: str) -> Grid:
            place = keys.shape, reference
            grid = grids[ranges[place]]
            if isinstance(grid, str):
                raise Unreadable(grid)
            header = headers.get(place)
            return grid if header is None else below_header(grid, header, reader, keys.header)

        readings: dict[str, Snapshot] = {}
        for part, keys in parts.items():
            reader = Reader(self._context.zone, keys.as_, serial_dates=True)
            readings[part] = keys.read(partial(resolve, keys, reader), reader, stream.windows.get(part))
        yield Page(readings=readings)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Yields no pages, because streams of readings have no census."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """Checks whether Google is reachable and accepts the credentials, and makes further checks for `syncd
        doctor`.
        """
        return self._client.check()

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _ranges(
        self, spreadsheet: str, measures: Collection[SheetsMeasure]
    ) -> tuple[dict[_Place, str], dict[_Place, str]]:
        """The range to request for each place, and the header by place. The range of a header is its whole sheet.

        Only a lookup may name a whole sheet. Any other reference with the name of a sheet is a header.
        """
        ranges = {(keys.shape, reference): reference for keys in measures for reference in keys.references()}
        headers: dict[_Place, str] = {}
        unclear = {
            (keys.shape, reference)
            for keys in measures
            for reference in keys.references()
            if keys.area(reference) is None
        }
        if not unclear:
            return ranges, headers
        answer = self._client.spreadsheet(spreadsheet)
        titles = [sheet.properties.title for sheet in answer.sheets]
        named = {entry.name for entry in answer.namedRanges}
        for place in unclear:
            shape, reference = place
            sheet, rest = split_sheet(reference)
            if sheet is not None:
                ranges[place], headers[place] = whole_sheet(sheet), rest
            elif rest in titles and shape == "lookup":
                ranges[place] = quote_sheet(rest)
            elif rest not in named and titles:
                ranges[place], headers[place] = whole_sheet(titles[0]), rest
        return ranges, headers

    def _grids(self, spreadsheet: str, wanted: Sequence[str]) -> dict[str, Grid | str]:
        try:
            return dict(zip(wanted, self._batch(spreadsheet, wanted), strict=True))
        except Refused as error:
            if not error.bad_range:
                raise
            if len(wanted) == 1:
                return {wanted[0]: error.message}
        grids: dict[str, Grid | str] = {}
        for requested in wanted:
            try:
                (grids[requested],) = self._batch(spreadsheet, [requested])
            except Refused as error:
                if not error.bad_range:
                    raise
                grids[requested] = error.message
        return grids

    def _batch(self, spreadsheet: str, ranges: Sequence[str]) -> list[Grid]:
        return [_grid(values) for values in self._client.values(spreadsheet, ranges, UNFORMATTED)]


def _grid(values: Values) -> Grid:
    sheet, rest = split_sheet(values.range)
    area = parse_range(rest)
    top, left = (area.first_row, area.first_column) if area else (0, 0)
    rows: list[list[Cell]] = [[*row] for row in values.cells()]
    return Grid(sheet, rows, top, left)
