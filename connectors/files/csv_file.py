"""Reads a CSV file row by row. Finds its encoding and its delimiter, and refuses rows that do not fit its header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from connectors.files.csv_delimiter import (
    CANDIDATES,
    LONGEST_CELL,
    Disagreement,
    describe_error,
    describe_longer,
    find_delimiter,
    is_content,
    is_number_with_commas,
    longer,
    width_of,
)
from connectors.files.limits import MOST_COLUMNS, Limits
from connectors.files.opened import Block, in_blocks
from syncd.sdk import SourceBroken
from syncd.sdk.a1 import Range
from syncd.sdk.tables import Unreadable

if TYPE_CHECKING:
    from _csv import Reader

_SAMPLE_ROWS = 1_000
_SAMPLE_SIZE = 1_000_000
_CHUNK = 1 << 20
_LONGEST_LINE = 16  # chunks
_QUOTED = re.compile('"[^"]*"')
_DECLARED = re.compile(r'"?sep=(.)"?[\r\n]*\Z', re.IGNORECASE)


class CsvFile:
    """An opened CSV file. A CSV file has one sheet. Mappings may name the sheet by the file's name without its
    extension.

    `header` is the number of the header's row, from 1. If `header` is None, the first row that is not blank is the
    header.
    """

    text_numbers = True

    def __init__(
        self, content: BinaryIO, limits: Limits, *, delimiter: str | None, header: int | None, decimal: str | None
    ) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._content = content
        self._limits = limits
        self._name = limits.file.rsplit("/", 1)[-1]
        self._header = header
        _check_line_lengths(content, self._name)
        self._encoding = _encoding(content, self._name)
        lines = self._first_lines()
        declared = _DECLARED.match(lines[0]) if lines else None
        self._skipped = 1 if declared else 0
        if delimiter is None and declared:
            delimiter = declared[1]
        self._is_single = False
        if delimiter is None:
            is_whole = sum(map(len, lines)) < _SAMPLE_SIZE and len(lines) < _SAMPLE_ROWS + (header or 0)
            try:
                delimiter = find_delimiter(lines, header, decimal, is_whole=is_whole)
            except Disagreement as error:
                raise self._unreadable(str(error)) from None
            self._is_single = delimiter is None
        self._delimiter = delimiter or ","

    @property
    def sheets(self) -> Sequence[str]:
        """Empty, because a CSV file does not name its sheet."""
        return ()

    def sheet(self, name: str | None) -> str | None:
        """Returns None if the name is None or the name of the file."""
        if name is not None and name != self._name.rsplit(".", 1)[0]:
            raise Unreadable(f"{self._name} is CSV and has no sheet {name!r}; write the range alone, such as A2:A")
        return None

    def named_range(self, sheet: str | None, name: str) -> tuple[str | None, Range] | None:
        """Returns None, because CSV has no named ranges."""
        return None

    def blocks(self, sheet: str | None) -> Iterator[Block]:
        """The rows. Raises Unreadable with the line number if a row does not fit the header or is not valid CSV."""
        with self._reading() as rows:
            width: int | None = None
            lines = rows.line_num
            try:
                for first, block in in_blocks(rows):
                    self._limits.check_time()
                    body = 0
                    if width is None:
                        header = self._header_row(first, block)
                        body = header + 1 - first
                        width = width_of(block[header - first]) if header < first + len(block) else None
                    if width is not None:
                        self._check(first, block, body, width, rows.line_num - lines != len(block))
                    lines = rows.line_num
                    yield first, block
            except csv.Error as error:
                raise self._unreadable(describe_error(self._line(None), error)) from None

    def _check(self, first: int, rows: list[list[str]], body: int, width: int, has_long_cells: bool) -> None:
        """Raises Unreadable for the first of these rows that does not fit a header of this width; `body` rows came
        before.
        """
        if self._is_single:
            return self._join(first, rows, body)
        lengths = set(map(len, rows))
        if max(lengths) > width:
            for number, row in enumerate(rows[body:], first + body):
                if longer(row, width):
                    raise self._unreadable(describe_longer(self._line(number), row, self._header_line(), width))
        if width > 1 and 1 in lengths:
            for number, row in enumerate(rows[body:], first + body):
                if len(row) == 1 and (other := self._separated_by(row[0], width)):
                    raise self._unreadable(
                        f"line {self._line(number)} is separated by {other!r}, not by {self._delimiter!r}"
                    )
        if has_long_cells:
            self._check_swallowed(first, rows, body, width)
        return None

    def _join(self, first: int, rows: list[list[str]], body: int) -> None:
        """Joins the cells of each row to one cell, because the decimal comma of a single column was mistaken for a
        delimiter.
        """
        for number, row in enumerate(rows, first):
            if len(row) > 1:
                text = ",".join(row)
                if number >= first + body and any(map(is_content, row)) and not is_number_with_commas(text):
                    raise self._unreadable(describe_longer(self._line(number), row, self._header_line(), 1))
                row[:] = [text]
            elif row and self._separated_by(row[0], 1):
                raise self._unreadable(describe_longer(self._line(number), [*row, ""], self._header_line(), 1))

    def _separated_by(self, text: str, width: int) -> str | None:
        """Another delimiter that splits a cell into as many cells as the header has, or into several cells if the
        header has one cell. At least one of the new cells must be a number or a day. A footnote with a semicolon
        therefore stays a text.
        """
        for delimiter in CANDIDATES:
            cells = text.split(delimiter)
            fits = len(cells) == width if width > 1 else len(cells) > 1
            if delimiter != self._delimiter and fits and any(map(is_content, cells)):
                return delimiter
        return None

    def _check_swallowed(self, first: int, rows: list[list[str]], body: int, width: int) -> None:
        """Raises Unreadable for a cell that contains whole rows, because its quote was only closed in a later row."""
        shapes = {shape for row in rows[body:] if row and (shape := _shape(row[0]))}
        for number, row in enumerate(rows[body:], first + body):
            for cell in row:
                for line in re.split(r"\r\n|\r|\n", cell)[1:]:
                    cells = line.split(self._delimiter)
                    if len(cells) >= width > 1 and _shape(cells[0]) in shapes:
                        raise self._unreadable(
                            f"line {self._line(number)} opens a quote that swallows rows below it, such as "
                            f"{line[:40]!r}; close it, or write it twice where a quote is meant"
                        )

    def _header_row(self, first: int, block: Sequence[Sequence[str]]) -> int:
        if self._header is not None:
            return self._header - 1
        return next((number for number, row in enumerate(block, first) if width_of(row)), first + len(block))

    def _header_line(self) -> int:
        return self._line(None if self._header is None else self._header - 1, first_filled=self._header is None)

    def _line(self, number: int | None, *, first_filled: bool = False) -> int:
        """The line, from 1, in which a row begins: the row `number`, the first row that is not blank, or the row that
        is not valid CSV.
        """
        with self._reading() as rows:
            line = 1
            try:
                for index, row in enumerate(rows):
                    if index == number or (first_filled and width_of(row)):
                        break
                    line = rows.line_num + 1
            except csv.Error:
                pass
        return line + self._skipped

    @contextmanager
    def _lines(self) -> Iterator[io.TextIOWrapper]:
        self._content.seek(0)
        errors = "replace" if self._encoding == "cp1252" else "strict"
        text = io.TextIOWrapper(self._content, self._encoding, errors, newline="")
        try:
            yield text
        except UnicodeDecodeError as error:
            raise SourceBroken(f"{self._name} is no text in {error.encoding}; save it as UTF-8") from None
        finally:
            text.detach()

    def _first_lines(self) -> list[str]:
        size, lines = 0, []
        with self._lines() as text:
            for line in islice(self._bounded(text, CANDIDATES), _SAMPLE_ROWS + (self._header or 0)):
                lines.append(line)
                size += len(line)
                if size >= _SAMPLE_SIZE:
                    break
        return lines

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with self._lines() as text:
            for _ in range(self._skipped):
                text.readline()
            yield csv.reader(self._bounded(text, self._delimiter), delimiter=self._delimiter, strict=True)

    def _bounded(self, lines: Iterable[str], delimiters: str) -> Iterator[str]:
        """The lines. Raises Unreadable for a line with millions of commas, before csv makes millions of cells from
        it.
        """
        for line in lines:
            if len(line) > MOST_COLUMNS:
                plain = _QUOTED.sub("", line)
                if (most := max(map(plain.count, delimiters))) >= MOST_COLUMNS:
                    raise self._unreadable(
                        f"the line {line[:20]!r}… has {most + 1:,} cells, and a table has {MOST_COLUMNS:,} columns at "
                        'most; say what separates its cells, such as delimiter: ";"'
                    )
            yield line

    def _unreadable(self, why: str) -> Unreadable:
        return Unreadable(f"{self._name}: {why}")


def _shape(text: str) -> str | None:
    """The text with a 9 for each digit, such as `9999-99-99` for a day; None if it has no digits."""
    shape = re.sub(r"\d", "9", text.strip())
    return shape if "9" in shape else None


def _check_line_lengths(content: BinaryIO, name: str) -> None:
    content.seek(0)
    chunks = 0
    while chunk := content.read(_CHUNK):
        chunks = 0 if b"\n" in chunk or b"\r" in chunk else chunks + 1
        if chunks > _LONGEST_LINE:
            raise SourceBroken(f"{name} has a line of more than {_LONGEST_LINE} MB; export it as CSV with a row a line")


def _encoding(content: BinaryIO, name: str) -> str:
    """The encoding of a text: UTF-8, UTF-16 with a byte order mark, or else Windows-1252. Spreadsheet programs write
    these three.
    """
    content.seek(0)
    if content.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    content.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    while chunk := content.read(_CHUNK):
        if b"\0" in chunk:
            raise SourceBroken(f"{name} is no text file that can be read; save it as CSV in UTF-8")
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            is_utf8 = False
            break
    return "utf-8-sig" if is_utf8 else "cp1252"
