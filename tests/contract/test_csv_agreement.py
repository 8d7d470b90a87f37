"""CSV files whose rows do not agree: the number is unknown, and the reason names the line and what to do."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from reading_files import cell, read, series
from waiting import HANG

from connectors.files import Files
from connectors.files.csv_delimiter import CANDIDATES, find_delimiter
from syncd.sdk import Context, RetryLater, SourceBroken

DATED = {"series": {"dates": "Day", "values": "Calls"}}


def problem(folder: Path, context: Context, text: str | bytes, **keys: Any) -> str:
    """Why nothing can be read of a file with this content."""
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    snapshot = read(folder, context, "a.csv", **(keys or DATED))
    assert [reading.number for reading in snapshot.readings] == []
    return snapshot.problem or ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Day,Calls\n2026-11-02,950\n2026-11-09,1,092\n", "line 3 has 3 cells and the header in line 1 has 2"),
        ("Day,Calls\n2026-11-02,1,180\n2026-11-09,1,092\n", "line 2 has 3 cells"),
        ("Day,Calls,\n2026-11-02,950,\n2026-11-09,1,092\n", "line 3 has 3 cells and the header in line 1 has 2"),
        ("Day;Calls\r\n2026-11-02;950\r\n2026-11-09;1;092\r\n", "line 3 has 3 cells"),
        ("Day\tCalls\n2026-11-02\t950\t1\n", "line 2 has 3 cells"),
        ("Calls of all teams\nDay;Calls\n2026-11-02;950\n", "line 2 has 2 cells and the header in line 1 has 1"),
        ('Day,Note,Calls\n2026-11-02,"two\nlines",950\n2026-11-09,x,1,092\n', "line 4 has 4 cells"),
        ("Day,Calls\n2026-11-02,950\n2026-11-09;900\n", "line 3 is separated by ';', not by ','"),
        ('Day,Calls,Note\n2026-11-02,950,ok\n2026-11-09,900,"said no\n2026-11-16,800,ok\n', "line 3 opens a quote"),
        (
            'Day,Calls,Note\n2026-11-02,950,"ok\n2026-11-09,900,no"\n2026-11-16,800,ok\n',
            "line 2 opens a quote that",
        ),
        (
            'Day,Calls,Note\n2026-11-02,950,"a\n2026-11-09,900,b\n2026-11-16,800,"c"\n',
            "line 2 has text after",
        ),
        ('"Day","Calls\n2026-11-02,950\n', "line 1 opens a quote that nothing closes"),
        ("Day;Calls, in k\n2026-11-02;1,5\n2026-11-09;2,5\n", 'its rows can be separated by "," and ";"'),
    ],
)
def test_rows_that_disagree_are_unknown_and_the_line_is_named(
    tmp_path: Path, context: Context, text: str, says: str
) -> None:
    assert says in problem(tmp_path, context, text)
    assert "a.csv: " in problem(tmp_path, context, text)


FOOTNOTES = [
    "Source: CRM; exported weekly",
    "Source: CRM; exported weekly; without tests",
    "a|b",
    "one\ttwo\tthree",
    "See https://crm.example/?a;b;c",
]


@pytest.mark.parametrize("footnote", FOOTNOTES)
@pytest.mark.parametrize("rows", [0, 3000])
def test_a_footnote_that_holds_another_delimiter_is_a_text(
    tmp_path: Path, context: Context, footnote: str, rows: int
) -> None:
    more = "2026-11-09,900\n" * rows
    (tmp_path / "a.csv").write_text(f"Day,Calls\n2026-11-02,950\n{more}\n{footnote}\n")
    assert series(tmp_path, context, "a.csv", "Day", "Calls")["2026-11-02"] == 950


@pytest.mark.parametrize("footnote", [*FOOTNOTES, "Source: CRM, exported weekly, without tests"])
def test_a_footnote_below_a_single_column_is_a_text(tmp_path: Path, context: Context, footnote: str) -> None:
    (tmp_path / "a.csv").write_text(f"Calls\n950\n900\n{footnote}\n")
    assert cell(tmp_path, context, "a.csv", "A2").number == 950
    assert cell(tmp_path, context, "a.csv", "A4").number is None


@pytest.mark.parametrize("row", ["950;900", "2026-11-02;a;b", "950|x"])
def test_a_number_below_a_single_column_may_not_be_in_two(tmp_path: Path, context: Context, row: str) -> None:
    assert "and the header in line 1 has 1" in problem(tmp_path, context, f"Calls\n950\n{row}\n", cell="A2")


@pytest.mark.parametrize("leading", ["\n", "\r\n\r\n", ",\n", " , \n", "\n" * 300])
def test_the_header_is_the_first_row_that_is_not_blank(tmp_path: Path, context: Context, leading: str) -> None:
    (tmp_path / "a.csv").write_text(leading + "Day,Calls\n2026-11-02,950\n", newline="")
    assert series(tmp_path, context, "a.csv", "Day", "Calls") == {"2026-11-02": 950}
    lookup = {"table": "a", "row": {"Day": "2026-11-02"}, "column": "Calls"}
    assert [reading.number for reading in read(tmp_path, context, "a.csv", lookup=lookup).readings] == [950]


def test_a_row_beyond_the_first_thousand_that_disagrees_is_named(tmp_path: Path, context: Context) -> None:
    rows = [f"2026-11-02,{number}" for number in range(3000)]
    assert "line 3002 has 3 cells" in problem(tmp_path, context, "\n".join(["Day,Calls", *rows, "2026-11-09,1,092"]))
    assert "line 3002 opens a quote" in problem(tmp_path, context, "\n".join(["Day,Calls", *rows, '2026-11-09,"1']))


def test_a_column_that_is_blank_so_far_is_a_column(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Day,Calls\n2026-11-07,\n2026-11-14,\n", encoding="utf-8")
    snapshot = read(tmp_path, context, "a.csv", **DATED)
    assert (snapshot.problem, [reading.number for reading in snapshot.readings]) == (None, [])


@pytest.mark.parametrize("text", ["1180,5\n", "1180,5\n1192,5\n", "1,180\n1,192\n"])
def test_numbers_that_may_be_two_columns_are_unknown(tmp_path: Path, context: Context, text: str) -> None:
    assert "delimiter" in problem(tmp_path, context, text, cell="A1")
    assert cell(tmp_path, context, "a.csv", "A1", delimiter=",").number == float(text.split(",")[0])


def test_a_column_of_decimal_commas_is_one_column(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Calls\n1180,5\n1192\n\n3,25\n")
    numbers = [cell(tmp_path, context, "a.csv", f"A{row}", **{"as": {"decimal": ","}}).number for row in (2, 3, 5)]
    assert numbers == [1180.5, 1192, 3.25]
    assert cell(tmp_path, context, "a.csv", "A2").number is None


def test_two_columns_with_a_decimal_comma_as_delimiter_are_unknown(tmp_path: Path, context: Context) -> None:
    text = "January, 2026\n1180,5\n1192,5\n"
    assert "commas may be decimal" in problem(tmp_path, context, text, cell="A2", **{"as": {"decimal": ","}})


def test_a_decimal_comma_is_no_delimiter_where_another_mark_fits(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("2026-11-02;950,5\n2026-11-09;1092,5\n")
    numbers = series(tmp_path, context, "a.csv", "A1:A", "B1:B", **{"as": {"decimal": ","}})
    assert numbers == {"2026-11-02": 950.5, "2026-11-09": 1092.5}
    text = "2026-11-02,950,5\n2026-11-09,1092,5\n"
    ranges = {"series": {"dates": "A1:A", "values": "B1:B"}, "as": {"decimal": ","}}
    assert "commas may be decimal" in problem(tmp_path, context, text, **ranges)


@pytest.mark.parametrize("mark", CANDIDATES)
def test_a_declared_delimiter_is_obeyed_and_its_line_is_no_row(tmp_path: Path, context: Context, mark: str) -> None:
    (tmp_path / "a.csv").write_bytes(f"\ufeffsep={mark}\r\nDay{mark}Calls\r\n2026-11-02{mark}950\r\n".encode())
    assert series(tmp_path, context, "a.csv", "Day", "Calls") == {"2026-11-02": 950}
    assert cell(tmp_path, context, "a.csv", "B2").number == 950
    longer = f"sep={mark}\nDay{mark}Calls\n2026-11-02{mark}1{mark}180\n"
    assert "line 3 has 3 cells and the header in line 2" in problem(tmp_path, context, longer)


def test_delimiter_says_what_separates_the_cells(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Day:Calls, all\n2026-11-02:1\n")
    assert series(tmp_path, context, "a.csv", "Day", "Calls, all", delimiter=":") == {"2026-11-02": 1}
    (tmp_path / "a.csv").write_text("Day;Calls, in k\n2026-11-02;1,5\n")
    how = {"delimiter": ";", "as": {"decimal": ","}}
    assert series(tmp_path, context, "a.csv", "Day", "Calls, in k", **how) == {"2026-11-02": 1.5}


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "x"])
def test_a_delimiter_is_one_mark(delimiter: str) -> None:
    with pytest.raises(ValidationError, match="write one character"):
        Files.Measure.model_validate({"file": "a.csv", "cell": "A1", "delimiter": delimiter})


def test_a_workbook_takes_no_delimiter() -> None:
    with pytest.raises(ValidationError, match="drop 'delimiter'"):
        Files.Measure.model_validate({"file": "a.xlsx", "cell": "A1", "delimiter": ";"})


@pytest.mark.parametrize("above", ["Report\n\n", "Report;of 2026;;\n2026;x;y;z\n", 'Report, "all"\nx,y,z\n'])
def test_header_names_the_row_of_the_columns(tmp_path: Path, context: Context, above: str) -> None:
    (tmp_path / "a.csv").write_text(above + "Day;Calls\n2026-11-02;950\n2026-11-09;900\n")
    assert series(tmp_path, context, "a.csv", "Day", "Calls", header=3) == {"2026-11-02": 950, "2026-11-09": 900}
    lookup = {"table": "a", "row": {"Day": "2026-11-09"}, "column": "Calls"}
    (reading,) = read(tmp_path, context, "a.csv", lookup=lookup, header=3).readings
    assert (reading.number, reading.cell) == (900, "B5")


def test_cells_that_hold_delimiters_and_breaks_disagree_with_nothing(tmp_path: Path, context: Context) -> None:
    rows = [
        "Day,Calls,Note",
        '2026-11-02,1,"a; b; c"',
        '2026-11-09,2,"one\n\ntwo, ""three""; four"',
        "2026-11-16,3",
        "",
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    assert list(series(tmp_path, context, "a.csv", "Day", "Calls").values()) == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04 and more", "is a workbook|but a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel file"),
        (b"\r\n<!DOCTYPE html><html><body>Sign in", "web page"),
        (b"Day,Calls\n2026-11-02,\0\n", "no text file"),
        ("Day,Calls\n2026-11-02,1\n".encode("utf-16")[:-1], "save it as UTF-8"),
    ],
)
def test_a_csv_file_that_is_something_else_is_called_so(
    tmp_path: Path, context: Context, content: bytes, says: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceBroken, match=says):
        read(tmp_path, context, "a.csv", cell="A1")


# -- a property


TEXTS = st.text(st.sampled_from('ab ,;|\t"\n0123.é'), max_size=8)


@settings(max_examples=examples(30))
@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), max_size=6), st.integers(2, 3), st.sampled_from(CANDIDATES))
def test_a_delimiter_is_seen_among_texts_that_hold_all_of_them(rows: list[list[str]], width: int, mark: str) -> None:
    """Each row is written with every cell in quotes: then no other delimiter can fit."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerows(row[:width] for row in [["Day", "Calls", "Note"], *rows])
    text.seek(0)
    assert find_delimiter(list(text), None, None, is_whole=True) == mark


# -- files that somebody writes


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file counts as written after so long that a busy machine is never slower."""
    monkeypatch.setattr("connectors.files.source.SETTLED", HANG)


@pytest.mark.usefixtures("settled")
def test_a_file_that_was_just_written_is_read_once_it_is_settled(
    tmp_path: Path, context: Context, slept: list[float]
) -> None:
    (tmp_path / "a.csv").write_text("A\n1\n")
    assert cell(tmp_path, context, "a.csv", "A2").number == 1
    assert slept
    assert all(0 < seconds <= HANG for seconds in slept)
    slept.clear()
    os.utime(tmp_path / "a.csv", (0, 0))
    assert cell(tmp_path, context, "a.csv", "A2").number == 1
    assert slept == []


def sleeping(context: Context, act: Callable[[], None]) -> Context:
    """Somebody acts while syncd waits."""
    return replace(context, retry=replace(context.retry, sleep=lambda _: act()))


@pytest.mark.usefixtures("settled")
def test_a_file_that_is_still_written_is_read_when_it_is_whole(tmp_path: Path, context: Context) -> None:
    path = tmp_path / "a.csv"
    path.write_text('A,B\n1,"hal')

    def finish() -> None:
        path.write_text('A,B\n1,"half"\n2,x\n')
        os.utime(path, (0, 0))

    assert cell(tmp_path, sleeping(context, finish), "a.csv", "A3").number == 2


def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.files import source

    path, reads = tmp_path / "a.csv", []
    whole = source.opened

    def changing(name: str, *rest: Any) -> Any:
        reads.append(name)
        if len(reads) <= changes:
            path.write_text(f"A\n{len(reads)}\n")
            os.utime(path, (changes + len(reads), changes + len(reads)))
        return whole(name, *rest)

    monkeypatch.setattr(source, "opened", changing)
    path.write_text("A\n0\n")
    os.utime(path, (0, 0))
    changes = 1
    assert cell(tmp_path, context, "a.csv", "A2").number == 1
    assert len(reads) == 2
    reads.clear()
    changes = 99
    with pytest.raises(RetryLater, match="changes while it is read"):
        read(tmp_path, context, "a.csv", cell="A2")
