"""Finds the character that separates the cells of a CSV file: the delimiter with which every row fits the header.

syncd does not use csv.Sniffer, which mistakes a decimal comma for a delimiter (cpython#119123).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

CANDIDATES = ",;\t|"
LONGEST_CELL = 1_000_000
"""The most characters of a cell. Excel accepts 32,767."""

# For stripped texts. No two parts of a pattern match the same characters, so matching a cell of a megabyte does not
# take long.
_NUMBER_WITH_COMMAS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+(\.\d+)?|\d+,\d+)\s*%?", re.ASCII)
_NO_NAME = re.compile(r"[.,:+/ -]*\d[\d.,:+/ TZ-]*", re.ASCII)
_SHOWN = {"\t": r"\t"}


class Disagreement(Exception):
    """No delimiter fits, or several do. The message gives the reason and the place: a line, or the whole file."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The first rows of a file, split by one delimiter. `problem` describes the first row that does not fit the
    header.
    """

    delimiter: str
    header: Sequence[str]
    width: int
    problem: str | None
    is_split: bool
    is_full: bool


def find_delimiter(lines: Sequence[str], header: int | None, decimal: str | None, *, is_whole: bool) -> str | None:
    """Finds the delimiter of a file from its first lines; None if each row is a single cell. Raises Disagreement.

    `header` is the number of the header's row, from 1. `decimal` is the decimal mark of the measure.
    """
    readings = [_read(lines, delimiter, header, is_whole) for delimiter in CANDIDATES]
    agreeing = [reading for reading in readings if reading.is_split and reading.problem is None]
    if len(agreeing) > 1:
        agreeing = [reading for reading in agreeing if reading.is_full] or agreeing
    if len(agreeing) > 1:
        agreeing = [reading for reading in agreeing if reading.delimiter != decimal] or agreeing
    if len(agreeing) > 1:
        both = " and ".join(_quoted(reading.delimiter) for reading in agreeing)
        raise Disagreement(f"its rows can be separated by {both}; say which is meant, such as delimiter: {both[:3]}")
    if agreeing:
        delimiter = agreeing[0].delimiter
        no_names = delimiter == decimal and any(map(is_content, agreeing[0].header))
        if no_names or (delimiter == "," and _are_numbers(lines, header, decimal)):
            raise Disagreement(
                'its commas may be decimal marks or separate columns; write delimiter: ";" or delimiter: ","'
            )
        return delimiter
    for reading in sorted(readings, key=lambda reading: -reading.width):
        if reading.problem and not (
            reading.delimiter == "," and reading.width < 2 and _are_numbers(lines, header, ",")
        ):
            raise Disagreement(reading.problem)
    return None


def longer(row: Sequence[str], width: int) -> bool:
    """Whether a row has a filled cell to the right of the last column of its header."""
    return len(row) > width and any(cell.strip() for cell in row[width:])


def width_of(row: Sequence[str]) -> int:
    """The number of cells in a row, without the blank cells at its end."""
    return next((index for index in range(len(row), 0, -1) if row[index - 1].strip()), 0)


def is_number_with_commas(text: str) -> bool:
    """Whether a line reads as a single number that holds commas."""
    return _NUMBER_WITH_COMMAS.fullmatch(text.strip()) is not None


def describe_longer(line: int, row: Sequence[str], header_line: int, width: int) -> str:
    """Says why a row that is longer than its header is wrong, and how to correct it."""
    return (
        f"line {line} has {len(row)} cells and the header in line {header_line} has {width}; put a cell that holds the "
        'delimiter in quotes, or say which row is the header (header: 3), or what separates cells (delimiter: ";")'
    )


def describe_error(line: int, error: csv.Error) -> str:
    """Says why csv.reader refuses a row, and how to correct it."""
    if "unexpected end" in str(error):
        return f"line {line} opens a quote that nothing closes; close it, or write it twice where a quote is meant"
    if "expected after" in str(error):
        return f"line {line} has text after a closing quote; write each quote within a cell twice"
    if "field limit" in str(error):
        return (
            f"line {line} begins a cell of more than {LONGEST_CELL:,} characters; close its quote, or write it twice "
            "where a quote is meant"
        )
    return f"line {line} cannot be read: {error}"


def _read(lines: Sequence[str], delimiter: str, header: int | None, is_whole: bool) -> _Reading:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    problem = None
    line = 1
    try:
        for row in reader:
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        if is_whole or "unexpected end" not in str(error):  # otherwise only the sample ends within a cell
            problem = describe_error(line, error)
    index = header - 1 if header else next((at for at, (_, row) in enumerate(rows) if width_of(row)), 0)
    header_cells = rows[index][1] if index < len(rows) else []
    width = width_of(header_cells)
    body = [(line, row) for line, row in rows[index + 1 :] if width_of(row)]
    too_long = [(line, row) for line, row in body if longer(row, width)]
    if width < 2 and not any(is_content(cell) for _, row in too_long for cell in row):
        too_long = []  # these rows are footnotes below a single column
    if problem is None and too_long:
        problem = describe_longer(*too_long[0], rows[index][0], width)
    is_split = len(header_cells) > 1 and (not body or any(len(row) > 1 for _, row in body))
    return _Reading(delimiter, header_cells, width, problem, is_split, all(len(row) >= width for _, row in body))


def is_content(cell: str) -> bool:
    """Whether a cell holds a number or a date, which cannot be the name of a column."""
    return _NO_NAME.fullmatch(cell.strip()) is not None


def _are_numbers(lines: Sequence[str], header: int | None, decimal: str | None) -> bool:
    """Whether some lines have commas, and each such line is a single number. The header line does not count if its row
    is given, or if `decimal` is the comma.
    """
    texts = [line for line in lines[header or 0 :] if line.strip()]
    if decimal == "," and header is None:
        texts = texts[1:]
    with_commas = [text for text in texts if "," in text]
    return bool(with_commas) and all(map(is_number_with_commas, with_commas))


def _quoted(delimiter: str) -> str:
    return f'"{_SHOWN.get(delimiter, delimiter)}"'
