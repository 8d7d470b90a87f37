"""Files that are damaged, or made to fill the memory: refused in words before much of them is read."""

from __future__ import annotations

import io
import os
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_files import blank, cell, error, read, row, series, text, value, write_ods, write_xlsx

from connectors.files import csv_file
from syncd.sdk import Context, SourceBroken, SourceError

FAR = 2**31 - 1
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def rows(times: int, cells: str) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{cells}</table:table-row>'


def long_text(times: int) -> str:
    repeated = f'office:value-type="string" table:number-columns-repeated="{times}"'
    return f"<table:table-cell {repeated}><text:p>{'x' * 100_000}</text:p></table:table-cell>"


def spaces(times: int) -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>a<text:s text:c="{times}"/></text:p></table:table-cell>'
    )


ODS = {
    "a row repeated": (rows(FAR, value("float", "1")), "rows and 16,384 columns at most"),
    "a cell repeated": (rows(1, value("float", "1", more=f'table:number-columns-repeated="{FAR}"')), "columns at most"),
    "cells repeated": (rows(10_000, value("float", "1", more='table:number-columns-repeated="999"')), "max_cells"),
    "a far column": (row(blank(FAR) + value("float", "1")), "columns at most"),
    "a far row": (rows(FAR, blank(9)) + row(value("float", "1")), "1,048,576 rows"),
    "covered cells": (row(blank(FAR).replace("table-cell", "covered-table-cell") + value("float", "1")), "at most"),
    "errors repeated": (rows(FAR, error("#REF!")), "at most"),
    "texts repeated": (rows(999, long_text(999)), "MB unpacked, and max_unpacked"),
    "a text repeated by rows": (rows(9_999, long_text(1)), "MB unpacked, and max_unpacked"),
    "spaces repeated": (row(spaces(FAR)), "2,147 MB unpacked"),
    "spaces in a blank cell": (row(spaces(FAR).replace('office:value-type="string"', "")), "2,147 MB unpacked"),
}


@pytest.mark.parametrize("name", list(ODS))
def test_small_ods_file_that_asks_for_much_is_refused_in_words(tmp_path: Path, context: Context, name: str) -> None:
    content, says = ODS[name]
    write_ods(tmp_path / "a.ods", Data=row(value("float", "5")) + content)
    with pytest.raises(SourceBroken, match=re.escape(says)):
        read(tmp_path, context, "a.ods", cell="A1")


def test_ods_errors_that_are_repeated_are_errors_each(tmp_path: Path, context: Context) -> None:
    wide = error("#REF!").replace("table-cell ", 'table-cell table:number-columns-repeated="3" ')
    write_ods(tmp_path / "a.ods", Data=row(value("float", "5")) + rows(3, wide) + row(value("float", "7")))
    assert [cell(tmp_path, context, "a.ods", where).number for where in ("A1", "A5")] == [5, 7]
    for where in ("A2", "C2", "B3", "A4", "C4"):
        assert "#REF!" in (cell(tmp_path, context, "a.ods", where).problem or "")
    assert read(tmp_path, context, "a.ods", cell="D2").readings == ()


XLSX = {
    "a far row": ('<row r="9999999"><c r="A9999999"><v>1</v></c></row>', "1,048,576 rows and 16,384 columns at most"),
    "a far column": ('<row r="1"><c r="ZZZ1"><v>1</v></c></row>', "columns at most"),
    "a row of ten digits": ('<row r="4294967295"><c r="A4294967295"><v>1</v></c></row>', "no address of a cell"),
    "a row without cells' addresses": ('<row r="4294967295"><c><v>1</v></c></row>', "no address of a cell"),
    "a column of four letters": ('<row r="1"><c r="ABCD1"><v>1</v></c></row>', "no address of a cell"),
    "a negative row": ('<row r="1"><c r="A-1"><v>1</v></c></row>', "no address of a cell"),
    "an address in quotes": ("<row r='1'><c r='A4294967295'><v>1</v></c></row>", "no address of a cell"),
}


@pytest.mark.parametrize("name", list(XLSX))
def test_small_xlsx_file_that_asks_for_much_is_refused_in_words(tmp_path: Path, context: Context, name: str) -> None:
    content, says = XLSX[name]
    write_xlsx(tmp_path / "a.xlsx", content)
    with pytest.raises(SourceBroken, match=re.escape(says)):
        read(tmp_path, context, "a.xlsx", cell="A1")


@pytest.mark.parametrize("area", ["A1:XFD1048576", "A1:XFD4294967295", "B2"])
def test_declared_extent_of_a_sheet_asks_for_nothing(tmp_path: Path, context: Context, area: str) -> None:
    data = '<sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData>'
    write_xlsx(tmp_path / "a.xlsx", f'<worksheet xmlns="{MAIN}"><dimension ref="{area}"/>{data}</worksheet>')
    assert cell(tmp_path, context, "a.xlsx", "A1").number == 7


@pytest.mark.parametrize(
    ("shared", "says"),
    [
        ("<si><t>{long}</t></si><si><t>b</t></si>", "2,000 MB unpacked"),
        ("<si><t>b</t></si><si><r><t>{long}</t></r></si>", None),
        ("<si/><si><t>{long}</t></si>", None),
        ("<!-- <si></si> --><si><t>{long}</t></si>", "unpacked"),
    ],
)
def test_text_that_many_cells_share_is_counted_as_often(
    tmp_path: Path, context: Context, shared: str, says: str | None
) -> None:
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}"><v>7</v></c></row>' for n in range(1, 4001)
    )
    strings = f'<sst xmlns="{MAIN}">{shared.format(long="x" * 500_000)}</sst>'
    write_xlsx(tmp_path / "a.xlsx", cells, **{"xl/sharedStrings.xml": strings})
    if says is None:
        assert cell(tmp_path, context, "a.xlsx", "B4000").number == 7
    else:
        with pytest.raises(SourceBroken, match=says):
            read(tmp_path, context, "a.xlsx", cell="B1")


@pytest.mark.parametrize("name", ["xl/SharedStrings.xml", "XL/sharedStrings.XML"])
def test_texts_are_counted_whatever_the_case_of_their_part(tmp_path: Path, context: Context, name: str) -> None:
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 4001))
    strings = f'<sst xmlns="{MAIN}"><si><t>{"x" * 500_000}</t></si></sst>'
    write_xlsx(tmp_path / "a.xlsx", cells, **{name: strings})
    with pytest.raises(SourceBroken, match="2,000 MB unpacked"):
        read(tmp_path, context, "a.xlsx", cell="B1")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", ["content.xml", "Content.xml"])
def test_workbook_that_holds_a_part_twice_is_refused(tmp_path: Path, context: Context, again: str) -> None:
    write_ods(tmp_path / "a.ods", Data=row(value("float", "5")))
    with zipfile.ZipFile(tmp_path / "a.ods", "a") as file:
        file.writestr(again, file.read("content.xml"))
    with pytest.raises(SourceBroken, match="holds a part twice"):
        read(tmp_path, context, "a.ods", cell="A1")


@pytest.mark.parametrize("cut", [3, 40, 300])
def test_xml_that_ends_too_early_is_refused(tmp_path: Path, context: Context, cut: int) -> None:
    """calamine reads an ODS file for ever whose XML ends within a table."""
    write_ods(tmp_path / "whole.ods", Data=row(value("float", "5")))
    with zipfile.ZipFile(tmp_path / "whole.ods") as whole, zipfile.ZipFile(tmp_path / "a.ods", "w") as file:
        for name in whole.namelist():
            content = whole.read(name)
            file.writestr(name, content[:-cut] if name == "content.xml" else content)
    with pytest.raises(SourceBroken, match="is a damaged workbook"):
        read(tmp_path, context, "a.ods", cell="A1")


# -- CSV


@pytest.mark.parametrize("delimiter", [None, ",", ";"])
@pytest.mark.parametrize("before", ["", "Day,Calls\n2026-11-02,5\n", "sep=,\n"])
def test_row_of_millions_of_cells_is_refused_before_it_is_read(
    tmp_path: Path, context: Context, before: str, delimiter: str | None
) -> None:
    (tmp_path / "a.csv").write_text(before + (delimiter or ",") * 2_000_000 + "\n")
    problem = read(tmp_path, context, "a.csv", cell="A1", delimiter=delimiter).problem or ""
    assert "has 2,000,001 cells, and a table has 16,384 columns at most" in problem


def test_delimiters_within_quotes_are_no_cells(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text(f'Day,Calls,Note\n2026-11-02,5,"{"a,b;" * 20_000}"\n')
    assert series(tmp_path, context, "a.csv", "Day", "Calls") == {"2026-11-02": 5}


@pytest.mark.parametrize("line", [b"x", b",", b'"', "é".encode("cp1252")])
def test_line_that_would_fill_the_memory_is_refused(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(csv_file, "_CHUNK", 1_000)
    (tmp_path / "a.csv").write_bytes(b"Day,Calls\n" + line * 20_000)
    with pytest.raises(SourceBroken, match="has a line of more than 16 MB"):
        read(tmp_path, context, "a.csv", cell="A1")


def test_cell_of_a_million_characters_is_refused(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Day,Calls\n2026-11-02,5\n" + '"' + "x\n" * 600_000)
    problem = read(tmp_path, context, "a.csv", cell="A1").problem or ""
    assert "line 3 begins a cell of more than 1,000,000 characters; close its quote" in problem


@pytest.mark.parametrize(
    "content",
    ["1" * 200_000 + "x", " " * 200_000 + "x", "1,5" + " " * 200_000 + "x", "1-" * 100_000 + "x", "T" * 200_000],
)
@pytest.mark.parametrize("place", ["Day,{}\n2026-11-02,5\n", "{}\n5\n", "Calls\n5\n{};\n", "Day,Calls\n{};5\n"])
def test_long_cell_takes_no_longer_than_it_must(tmp_path: Path, context: Context, content: str, place: str) -> None:
    """A search that tries every part of such a cell takes hours."""
    (tmp_path / "a.csv").write_text(place.format(content))
    snapshot = read(tmp_path, context, "a.csv", cell="A1", **{"as": {"decimal": ","}})
    assert snapshot.problem is None or "a.csv" in snapshot.problem


# -- any damage

TOKENS = [
    b"<", b">", b'"', b"&", b"'", b"/>", b"</", b"-1", b"99999999999999999999", b"1e999", b"\0", b"\xff", b"<!--",
    b"]]>", b"<![CDATA[", b"&#0;", b"A0", b"ZZZZ9", b"XFD1048576", b"0", b"1048577", b't="e"', b't="s"', b"nan",
    b'number-rows-repeated="4294967296"', b'number-columns-repeated="99999999"', b"0001-01-01", b"9999-12-31T23:59:59",
    b"<row>", b"</row>", b'date1904="1"', b'r="A"',
]  # fmt: skip
KEYS: list[dict[str, Any]] = [
    {"cell": "Data!B2"},
    {"cell": "B3"},
    {"series": {"dates": "Day", "values": "Calls"}},
    {"series": {"dates": "A2:A", "values": "B2:B"}},
    {"lookup": {"table": "Data", "row": {"Day": "2026-11-02"}, "column": "Calls"}},
]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook of each kind."""
    folder = tmp_path_factory.mktemp("seeds")
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for cells in (["Day", "Calls"], ["2026-11-02", 5], ["2026-11-09", "=1+1"], ["#N/A", 1.5, None, "x"]):
        book.active.append(cells)
    book.create_sheet("Other").append([1, 2, 3])
    book.save(folder / "a.xlsx")
    days = row(value("date", "2026-11-02"), value("float", "5")) + row(value("date", "2026-11-09"), error("#REF!"))
    more = row(blank(3), value("float", "7", more='table:number-columns-repeated="3"'))
    write_ods(folder / "a.ods", Data=row(text("Day"), text("Calls")) + days + more, Other=row(value("float", "1")))
    return folder


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A few bytes removed, repeated, changed or written over, or an attribute or a text replaced."""
    data = content
    for _ in range(chance.choice([1, 1, 2, 3, 6])):
        start = chance.randrange(len(data) or 1)
        end = start + chance.choice([1, 2, 5, 20, 200])
        token = chance.choice(TOKENS)
        spots = [match.span() for match in re.finditer(rb'"[^"]*"|>[^<]+<', data)]
        if spots and chance.random() < 0.4:
            start, end = chance.choice(spots)
            start, end = start + 1, end - 1
        replacement = chance.choice([b"", token, token, token + data[start:end], data[start:end] * 2, b"\xc3"])
        data = data[:start] + replacement + data[end:]
    return data


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A workbook with damage in its package, or in one or two of its parts."""
    if chance.random() < 0.2:
        return damaged(content, chance)
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    cells = [name for name in parts if "sheet1" in name or name == "content.xml"]
    for name in {chance.choice(cells), chance.choice([*parts])}:
        parts[name] = damaged(parts[name], chance)
    if chance.random() < 0.1:
        del parts[chance.choice([*parts])]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


CSV = b'Day,Calls,Note\n2026-11-02,5,"a, b"\n2026-11-09,1.5,x\n2026-11-16,n/a,"two\nlines"\n,7,\n'


@settings(
    max_examples=examples(20, nightly=1000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]), keys=st.sampled_from(KEYS))
def test_damaged_csv_file_is_read_or_refused_in_words(
    tmp_path: Path, context: Context, seed: int, encoding: str, keys: dict[str, Any]
) -> None:
    (tmp_path / "Data.csv").write_bytes(damaged(CSV.decode().encode(encoding), random.Random(seed)))
    os.utime(tmp_path / "Data.csv", (0, 0))
    try:
        snapshot = read(tmp_path, context, "Data.csv", **keys)
    except SourceError as refusal:
        says = str(refusal)
    else:
        says = snapshot.problem or "Data.csv is read"
    assert says


@settings(
    max_examples=examples(40, nightly=2000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["a.xlsx", "a.ods"]), keys=st.sampled_from(KEYS))
def test_damaged_workbook_is_read_or_refused_in_words(
    tmp_path: Path, context: Context, seeds: Path, seed: int, kind: str, keys: dict[str, Any]
) -> None:
    (tmp_path / kind).write_bytes(mutated((seeds / kind).read_bytes(), random.Random(seed)))
    os.utime(tmp_path / kind, (0, 0))
    try:
        read(tmp_path, context, kind, **keys)
    except SourceError as refusal:
        says = str(refusal)
    else:
        says = f"{kind} is read"
    assert kind in says
