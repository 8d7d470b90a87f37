"""A1 notation, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.a1 import (
    Range,
    address,
    column_letters,
    column_number,
    parse_block,
    parse_range,
    quote_sheet,
    range_text,
    split_sheet,
)

columns = st.integers(0, 18277)  # A to ZZZ
rows = st.integers(0, 10**7)
sheets = st.text(min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("letters", "number"), [("A", 0), ("Z", 25), ("AA", 26), ("AZ", 51), ("ZZ", 701), ("AAA", 702)]
)
def test_columns(letters: str, number: int) -> None:
    assert (column_number(letters), column_letters(number)) == (number, letters)
    assert column_number(letters.lower()) == number


@given(number=columns)
def test_column_letters_round_trip(number: int) -> None:
    assert column_number(column_letters(number)) == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B3", Range(2, 1, 2, 1)),
        ("b3", Range(2, 1, 2, 1)),
        ("$B$3", Range(2, 1, 2, 1)),
        ("A2:A", Range(1, 0, None, 0)),
        ("A:A", Range(0, 0, None, 0)),
        ("2:2", Range(1, 0, 1, None)),
        ("A1:F20", Range(0, 0, 19, 5)),
        ("C4:E", Range(3, 2, None, 4)),
    ],
)
def test_ranges(text: str, expected: Range) -> None:
    assert parse_range(text) == expected


@pytest.mark.parametrize(
    "text", ["", "A", "7", "Week", "A0", "AAAA1", "A2:", ":A2", "A:2", "A1:B2:C3", "A1 ", "B3\n", "A-1"]
)
def test_what_is_no_range_is_a_name(text: str) -> None:
    assert parse_range(text) is None


@given(row=rows, column=columns)
def test_the_address_of_a_cell_is_no_block(row: int, column: int) -> None:
    cell = address(None, row, column)
    assert parse_block(cell) is None
    assert parse_block(f"{cell}:{cell}") == parse_range(cell)


@given(row=rows, column=columns)
def test_an_address_round_trips(row: int, column: int) -> None:
    assert parse_range(address(None, row, column)) == Range(row, column, row, column)


@given(sheet=sheets, row=rows, column=columns)
def test_an_address_with_its_sheet_round_trips(sheet: str, row: int, column: int) -> None:
    name, rest = split_sheet(address(sheet, row, column))
    assert name == sheet
    assert parse_range(rest) == Range(row, column, row, column)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("Support", "Support"),
        ("Q4_2026", "Q4_2026"),
        ("Q4", "'Q4'"),  # else it is the cell Q4
        ("Two words", "'Two words'"),
        ("It's", "'It''s'"),
        ("2026", "'2026'"),
        ("Größe", "'Größe'"),
        ("a!b", "'a!b'"),
    ],
)
def test_a_sheet_is_quoted_where_it_must_be(name: str, quoted: str) -> None:
    assert quote_sheet(name) == quoted
    assert split_sheet(f"{quoted}!A1") == (name, "A1")


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("A2:A", (None, "A2:A")),
        ("Week", (None, "Week")),
        ("Support!A2:A", ("Support", "A2:A")),
        ("Two words!A1", ("Two words", "A1")),
        ("'It''s'!Week", ("It's", "Week")),
    ],
)
def test_a_reference_and_its_sheet(reference: str, parts: tuple[str | None, str]) -> None:
    assert split_sheet(reference) == parts


@pytest.mark.parametrize("text", ["A1:F20", "A2:A", "B2:C", "2:5", "B2:4", "AA10:AB10"])
def test_range_is_written_as_it_was_read(text: str) -> None:
    area = parse_range(text)
    assert area is not None
    assert range_text(area) == text
