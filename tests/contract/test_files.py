"""Spreadsheet files: CSV, XLSX and ODS as people and their programs write them."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart
from pydantic import ValidationError
from reading_files import ODS_HEAD, blank, cell, error, opened, read, row, series, text, value, write_ods

from connectors.files import Files
from syncd.sdk import Context, SourceBroken, Stream

# -- CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_of_any_encoding_delimiter_and_line_end_is_read(
    tmp_path: Path, context: Context, encoding: str, mark: str, end: str
) -> None:
    rows = [
        ["Woche", "Anrufe für Müller", "Note"],
        ["2026-10-05", "12", "a"],
        ["2026-10-12", "", "b"],
        ["2026-10-19", "0", ""],
    ]
    text = end.join(mark.join(row) for row in rows) + end
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    numbers = series(tmp_path, context, "a.csv", "Woche", "Anrufe für Müller")
    assert numbers == {"2026-10-05": 12, "2026-10-19": 0}


def test_csv_with_german_numbers_and_dates_is_read_with_as(tmp_path: Path, context: Context) -> None:
    text = (
        "Woche;Betrag;Notiz\r\n05.10.2026;1.315,80;\r\n12.10.2026;999,5;a, b, c\r\n19.10.2026;;\r\n26.10.2026;-1,0;\r\n"
    )
    (tmp_path / "costs.csv").write_bytes(text.encode("cp1252"))
    how = {"decimal": ",", "thousands": ".", "date": "%d.%m.%Y"}
    numbers = series(tmp_path, context, "costs.csv", "Woche", "Betrag", **{"as": how})
    assert numbers == {"2026-10-05": 1315.8, "2026-10-12": 999.5, "2026-10-26": -1}


def test_csv_dates_that_need_as_are_a_problem_and_no_empty_series(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Woche;Betrag\n05.10.2026;1\n12.10.2026;2\n", encoding="utf-8")
    (reading,) = read(tmp_path, context, "a.csv", series={"dates": "Woche", "values": "Betrag"}).readings
    assert reading.number is None
    assert "as: {date" in (reading.problem or "")


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\x0b", "\x0c", "\u2028", "\x85", "\x1c"])
def test_csv_line_breaks_within_a_cell_move_no_row(tmp_path: Path, context: Context, inside: str) -> None:
    quoted = f'Week,Note,Calls\n2026-10-05,"one{inside}two, ""three""",7\n2026-10-12,,8\n'
    (tmp_path / "a.csv").write_bytes(quoted.encode())
    assert cell(tmp_path, context, "a.csv", "C2").number == 7
    assert cell(tmp_path, context, "a.csv", "C3").number == 8
    if inside in "\x0b\x0c\u2028\x85\x1c":  # these end no row of CSV, even without quotes
        (tmp_path / "b.csv").write_bytes(f"Week,Note,Calls\n2026-10-05,one{inside}two,7\n2026-10-12,,8\n".encode())
        assert cell(tmp_path, context, "b.csv", "C2").number == 7
        assert cell(tmp_path, context, "b.csv", "C3").number == 8


@pytest.mark.parametrize(
    ("text", "number", "problem"),
    [
        ("12", 12, None),
        ("-12", -12, None),
        ("3.5", 3.5, None),
        ("1e3", 1000, None),
        ("0", 0, None),
        (" 7 ", 7, None),
        ("1,5", None, "text"),
        ("1.050,5", None, "text"),
        ("85%", None, "text"),
        ("nan", None, "text"),
        ("inf", None, "text"),
        ("1_000", None, "text"),
        ("0x10", None, "text"),
        ("١٢", None, "text"),
        ("TRUE", None, "text"),
        ("#REF!", None, "the error #REF!"),
        ("#DIV/0!", None, "the error #DIV/0!"),
        ("1e999", None, "a number beyond"),
    ],
)
def test_a_csv_cell_is_a_number_only_if_it_is_plain(
    tmp_path: Path, context: Context, text: str, number: float | None, problem: str | None
) -> None:
    (tmp_path / "a.csv").write_text(f'Name;Value\nx;"{text}"\n', encoding="utf-8")
    reading = cell(tmp_path, context, "a.csv", "B2")
    assert reading.number == number
    assert (problem or "") in (reading.problem or "")
    assert reading.raw.strip() == text.strip()


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        (["1.180", "1.204"], 1.18),
        (["1.180", '"42,50"'], None),
        (['"42,50"', "1.180"], None),
        (["1.180", "1.204.500"], None),
        (["1.180", '"1,204"'], 1.18),  # 1,204 may be grouped
    ],
)
def test_csv_cell_with_a_point_is_a_number_unless_its_column_has_a_decimal_comma(
    tmp_path: Path, context: Context, rows: list[str], number: float | None
) -> None:
    lines = ["Team,Calls,Price", *(f'{team},{row},"3,50"' for team, row in zip("ab", rows, strict=True))]
    (tmp_path / "a.csv").write_text("".join(f"{line}\n" for line in lines))
    where = rows.index("1.180")
    by_place = cell(tmp_path, context, "a.csv", f"B{where + 2}")
    lookup = {"table": "A1:C", "row": {"Team": "ab"[where]}, "column": "Calls"}
    (by_row,) = read(tmp_path, context, "a.csv", lookup=lookup).readings
    assert by_place.number == by_row.number == number
    assert ('write as: {decimal: ",", thousands: "."}' in (by_place.problem or "")) is (number is None)
    how = {"decimal": ",", "thousands": "."}
    assert cell(tmp_path, context, "a.csv", f"B{where + 2}", **{"as": how}).number == 1180


@pytest.mark.parametrize("days", [("05", "12", "19"), ("19", "12", "05")])
def test_amount_of_a_csv_is_unknown_beside_a_decimal_comma_however_it_is_located(
    tmp_path: Path, context: Context, days: tuple[str, ...]
) -> None:
    amounts = dict(zip(days, ["€ 1,70", "€ 1,689", "€ 1,65"], strict=True))
    lines = ["Day;Amount", *(f"2026-10-{day};{amounts[day]}" for day in sorted(days))]
    (tmp_path / "a.csv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    how = {"as": {"currency": True}}
    expected = {f"2026-10-{days[0]}": 1.7, "2026-10-12": None, f"2026-10-{days[2]}": 1.65}
    assert series(tmp_path, context, "a.csv", "Day", "Amount", **how) == expected
    assert series(tmp_path, context, "a.csv", "A2:A", "B2:B", **how) == expected
    assert cell(tmp_path, context, "a.csv", "B3", **how).number is None
    lookup = {"table": "A1:B", "row": {"Day": "2026-10-12"}, "column": "Amount"}
    (by_row,) = read(tmp_path, context, "a.csv", lookup=lookup, **how).readings
    assert 'write as: {currency: true, decimal: ","}' in (by_row.problem or "")


def test_csv_of_a_single_column_is_read(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Value\n12\n13\n", encoding="utf-8")
    assert cell(tmp_path, context, "a.csv", "A3").number == 13


def test_csv_with_other_delimiters_in_its_texts_is_read(tmp_path: Path, context: Context) -> None:
    rows = ["Week;Calls;Note", *(f"2026-10-{day:02};{day};a, b, c, d" for day in range(1, 10))]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    assert series(tmp_path, context, "a.csv", "Week", "Calls")["2026-10-09"] == 9


def test_csv_with_decimal_commas_and_semicolons_is_read(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Woche;A;B\n2026-10-05;1,5;2,5\n2026-10-12;3,5;4,5\n", encoding="utf-8")
    numbers = series(tmp_path, context, "a.csv", "Woche", "B", **{"as": {"decimal": ","}})
    assert numbers == {"2026-10-05": 2.5, "2026-10-12": 4.5}


def test_csv_with_quotes_around_every_cell_is_read(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text('"Week","Calls, all"\n"2026-10-05","7"\n', encoding="utf-8")
    assert series(tmp_path, context, "a.csv", "Week", "Calls, all") == {"2026-10-05": 7}


def test_csv_longer_than_the_delimiters_sample_is_read(tmp_path: Path, context: Context) -> None:
    """Longer than the sample that the delimiter is guessed from. The sample must not end inside a character."""
    rows = ["Note;Week;Calls", *(f'"{"x; y, " * 20}";2026-10-05;{row}' for row in range(400))]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    assert cell(tmp_path, context, "a.csv", "C401").number == 399


def test_csv_with_a_huge_cell_is_read(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text(f"Note,Calls\n{'x' * 200_000},7\n", encoding="utf-8")
    assert cell(tmp_path, context, "a.csv", "B2").number == 7


def test_csv_rows_of_different_length_are_read(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("A,B,C\n1\n2,3\n4,5,6\n\n7,8,9\n", encoding="utf-8")
    assert cell(tmp_path, context, "a.csv", "C4").number == 6
    assert cell(tmp_path, context, "a.csv", "C6").number == 9
    assert read(tmp_path, context, "a.csv", cell="C2").notes == ["C2 is blank"]


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_csv_that_is_empty_has_no_number(tmp_path: Path, context: Context, text: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert len(read(tmp_path, context, "a.csv", cell="A2").readings) == 0
    assert read(tmp_path, context, "a.csv", series={"dates": "Week", "values": "Calls"}).problem is not None


def test_csv_has_no_sheets(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("A\n1\n", encoding="utf-8")
    assert "has no sheet" in (read(tmp_path, context, "a.csv", cell="Data!A2").problem or "")


def test_a_missing_or_repeated_header_is_a_problem(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Week,Calls,Calls\n2026-10-05,1,2\n", encoding="utf-8")
    assert "Week, Calls" in (read(tmp_path, context, "a.csv", series={"dates": "Day", "values": "B2:B"}).problem or "")
    twice = read(tmp_path, context, "a.csv", series={"dates": "Week", "values": "Calls"})
    assert "twice" in (twice.problem or "")


@pytest.mark.parametrize("header", ["Q4", "FY26", "May26", "kpi1"])
def test_header_like_the_address_of_a_cell_names_its_column(tmp_path: Path, context: Context, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"W1,{header}\n2026-11-02,500\n2026-11-09,450\n", encoding="utf-8")
    assert series(tmp_path, context, "a.csv", "W1", header) == {"2026-11-02": 500, "2026-11-09": 450}


def test_address_of_a_cell_in_a_series_is_no_header_and_no_range(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Week,Calls\n2026-11-02,500\n", encoding="utf-8")
    read_cell = read(tmp_path, context, "a.csv", series={"dates": "Week", "values": "$B2"})
    assert read_cell.problem == (
        "a.csv has no column '$B2'; the first row has: Week, Calls; a range has a colon, such as $B2:B"
    )


# -- XLSX


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    data = book.active
    data.title = "Data"
    data.append(["Week", "Calls", "Share", "Note"])
    data.append([date(2026, 10, 5), 1200, 0.7, "text"])
    data.append([datetime(2026, 10, 12, 14, 30), None, 0.57, True])
    data.append([date(2026, 10, 19), "#REF!", None, time(8, 30)])
    data.append([date(2026, 10, 26), 0, 0.85, timedelta(hours=30)])
    for number in range(2, 6):
        data.cell(number, 3).number_format = "0%"
    second = book.create_sheet("It's 2")
    second["C4"] = 4.5  # the cells before it were never written
    book.create_sheet("Empty")
    book.create_chartsheet("Chart").add_chart(BarChart())
    book.save(tmp_path / "numbers.xlsx")
    return tmp_path


def test_an_xlsx_series_is_read_by_range_and_by_header(workbook: Path, context: Context) -> None:
    expected = {"2026-10-05": 1200, "2026-10-19": None, "2026-10-26": 0}
    assert series(workbook, context, "numbers.xlsx", "Data!A2:A", "Data!B2:B") == expected
    assert series(workbook, context, "numbers.xlsx", "Week", "Calls") == expected
    assert series(workbook, context, "numbers.xlsx", "Data!Week", "Data!Calls") == expected
    shares = series(workbook, context, "numbers.xlsx", "Week", "Share", **{"as": {"percent": True}})
    assert shares == {"2026-10-05": 70, "2026-10-12": 57, "2026-10-26": 85}


def test_table_of_a_lookup_may_be_a_sheet_named_like_a_cell(tmp_path: Path, context: Context) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Q4"
    for line in (["Team", "FY26"], ["web", 3], ["api", 4]):
        book.active.append(line)
    book.save(tmp_path / "a.xlsx")
    lookup = {"table": "Q4", "row": {"Team": "api"}, "column": "FY26"}
    (reading,) = read(tmp_path, context, "a.xlsx", lookup=lookup).readings
    assert (reading.number, reading.cell) == (4, "'Q4'!B3")
    in_a_cell = read(tmp_path, context, "a.xlsx", lookup={**lookup, "table": "'Q4'!B2"})
    assert in_a_cell.problem == "'Q4'!B2 is no table; write a range such as Plan!A1:F, or the name of a sheet"


@pytest.mark.parametrize(
    ("where", "number", "problem"),
    [
        ("Data!B2", 1200, None),
        ("B5", 0, None),
        ("Data!B4", None, "the error #REF!"),
        ("Data!D2", None, "the text"),
        ("Data!D3", None, "TRUE"),
        ("Data!D4", None, "not a number"),
        ("Data!A2", None, "the date"),
        ("'It''s 2'!C4", 4.5, None),
    ],
)
def test_an_xlsx_cell_is_a_number_or_a_problem(
    workbook: Path, context: Context, where: str, number: float | None, problem: str | None
) -> None:
    reading = cell(workbook, context, "numbers.xlsx", where)
    assert reading.number == number
    assert (problem or "") in (reading.problem or "")


@pytest.mark.parametrize("where", ["Data!B3", "Empty!A1", "Data!Z99"])
def test_xlsx_blanks_are_no_readings(workbook: Path, context: Context, where: str) -> None:
    assert read(workbook, context, "numbers.xlsx", cell=where).readings == ()


def test_a_missing_xlsx_sheet_is_a_problem_that_names_the_others(workbook: Path, context: Context) -> None:
    problem = read(workbook, context, "numbers.xlsx", cell="Gone!A1").problem or ""
    assert "has no sheet 'Gone'" in problem
    assert "Data" in problem


def test_an_xlsx_lookup_reads_the_cell_of_a_row(workbook: Path, context: Context) -> None:
    where = {"table": "Data", "row": {"Note": "text"}, "column": "Calls"}
    (reading,) = read(workbook, context, "numbers.xlsx", lookup=where).readings
    assert (reading.number, reading.cell) == (1200, "Data!B2")


def test_a_formula_that_was_never_calculated_is_not_a_blank(tmp_path: Path, context: Context) -> None:
    """Programs write formulas without results. Skipping such a cell would show an older number as the latest."""
    book = openpyxl.Workbook()
    for cells in (["Week", "Calls"], [date(2026, 10, 5), 12], [date(2026, 10, 12), "=B2*2"]):
        book.active.append(cells)
    book.save(tmp_path / "a.xlsx")
    assert series(tmp_path, context, "a.xlsx", "Week", "Calls") == {"2026-10-05": 12, "2026-10-12": None}


def test_the_stored_result_of_a_formula_counts(tmp_path: Path, context: Context) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.active["A2"] = "=1/0"
    book.active["A3"] = '=""'
    book.save(tmp_path / "raw.xlsx")
    with zipfile.ZipFile(tmp_path / "raw.xlsx") as old, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith("sheet1.xml"):
                text = text.replace(b'<c r="A1"><f>1+1</f><v /></c>', b'<c r="A1"><f>1+1</f><v>2</v></c>')
                text = text.replace(b'<c r="A1"><f>1+1</f><v></v></c>', b'<c r="A1"><f>1+1</f><v>2</v></c>')
                for empty in (b"<v />", b"<v></v>"):
                    text = text.replace(b'<c r="A2"><f>1/0</f>' + empty, b'<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v>')
                    text = text.replace(b'<c r="A3"><f>""</f>' + empty, b'<c r="A3" t="str"><f>""</f><v></v>')
            new.writestr(name, text)
    assert cell(tmp_path, context, "a.xlsx", "A1").number == 2
    assert cell(tmp_path, context, "a.xlsx", "A2").problem == "the error #DIV/0!"
    assert read(tmp_path, context, "a.xlsx", cell="A3").readings == ()  # a calculated empty text is a blank


# -- ODS


def test_ods_as_libreoffice_writes_it_is_read(tmp_path: Path, context: Context) -> None:
    comment = "<office:annotation><dc:creator>a</dc:creator><text:p>77</text:p></office:annotation>"
    rows = (
        f"<table:table-header-rows>{row(text('Week'), text('Calls'), text('Share'))}</table:table-header-rows>"
        + row(value("date", "2026-10-05"), value("float", "1200", "1.200"), value("percentage", "0.57", "57 %"))
        + row(value("date", "2026-10-12"), blank(), value("percentage", "0.85"))
        + row(value("date", "2026-10-19"), error("#REF!"), blank())
        + row(value("date", "2026-10-26T00:00:00"), error("#DIV/0!"), blank())
        + row(value("date", "2026-11-02"), value("currency", "0", "0,00 €").replace("<text:p>", comment + "<text:p>"))
        + row(blank(16384), times=1048570)
    )
    write_ods(tmp_path / "a.ods", Data=rows)
    expected = {"2026-10-05": 1200, "2026-10-19": None, "2026-10-26": None, "2026-11-02": 0}
    assert series(tmp_path, context, "a.ods", "Week", "Calls") == expected
    assert series(tmp_path, context, "a.ods", "Data!A2:A", "Data!B2:B") == expected
    assert cell(tmp_path, context, "a.ods", "Data!B4").problem == "the error #REF!"
    shares = series(tmp_path, context, "a.ods", "Week", "Share", **{"as": {"percent": True}})
    assert shares == {"2026-10-05": 57, "2026-10-12": 85}


def test_ods_repetitions_are_counted(tmp_path: Path, context: Context) -> None:
    covered = '<table:covered-table-cell table:number-columns-repeated="2"/>'
    rows = (
        row(blank(3), value("float", "1", more='table:number-columns-repeated="2"'), value("float", "2"))
        + row(blank(1024), times=10)
        + row(text("merged"), covered, value("float", "3"), times=3)
        + "<table:table-row-group>"
        + row(value("float", "4"))
        + "</table:table-row-group>"
    )
    write_ods(tmp_path / "a.ods", Data=rows, Second=row(value("float", "9")))
    where = {"D1": 1, "E1": 1, "F1": 2, "D12": 3, "D14": 3, "A15": 4, "Second!A1": 9}
    assert {address: cell(tmp_path, context, "a.ods", address).number for address in where} == where
    assert read(tmp_path, context, "a.ods", cell="D11").readings == ()


def test_ods_texts_and_truth_values_are_not_numbers(tmp_path: Path, context: Context) -> None:
    two = '<table:table-cell office:value-type="string"><text:p>one</text:p><text:p>two</text:p></table:table-cell>'
    write_ods(tmp_path / "a.ods", Data=row(text("n/a"), value("boolean", "true", "WAHR"), two, text("12")))
    assert [cell(tmp_path, context, "a.ods", address).number for address in ("A1", "B1", "C1", "D1")] == [None] * 4


def test_ods_by_another_program_is_read(tmp_path: Path, context: Context) -> None:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    document = OpenDocumentSpreadsheet()
    table = Table(name="Data")
    for cells in (
        [("string", None, "Week"), ("string", None, "Calls")],
        [("date", "2026-10-05", "5.10."), ("float", "7", "7,0")],
        [("date", "2026-10-12", "12.10."), ("string", None, "#NAME?")],
    ):
        line = TableRow()
        for kind, written, shown in cells:
            keys = {"valuetype": kind} | ({"datevalue" if kind == "date" else "value": written} if written else {})
            table_cell = TableCell(**keys)
            table_cell.addElement(P(text=shown))
            line.addElement(table_cell)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    document.save(str(tmp_path / "a.ods"))
    assert series(tmp_path, context, "a.ods", "Week", "Calls") == {"2026-10-05": 7, "2026-10-12": None}


# -- files that are not what they should be


@pytest.mark.parametrize("name", ["a.xlsx", "a.ods"])
@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_file_that_is_not_a_workbook_is_refused(tmp_path: Path, context: Context, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceBroken, match=r"a\.(xlsx|ods)"):
        read(tmp_path, context, name, cell="A1")


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
@pytest.mark.parametrize("content", [b"<cut", b""])
def test_an_xlsx_file_with_a_damaged_part_is_refused(
    workbook: Path, context: Context, member: str, content: bytes
) -> None:
    with zipfile.ZipFile(workbook / "numbers.xlsx") as old, zipfile.ZipFile(workbook / "bad.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    with pytest.raises(SourceBroken, match=r"bad\.xlsx"):
        read(workbook, context, "bad.xlsx", cell="B2")


def test_an_xlsx_file_with_nothing_but_charts_beside_its_sheet_is_read(tmp_path: Path, context: Context) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = 4
    book.create_chartsheet("a chart sheet without a chart")
    book.save(tmp_path / "a.xlsx")
    assert cell(tmp_path, context, "a.xlsx", "A1").number == 4


def test_an_ods_file_with_damaged_content_is_refused(tmp_path: Path, context: Context) -> None:
    for number, content in enumerate(["<cut", "", ODS_HEAD]):
        with zipfile.ZipFile(tmp_path / f"{number}.ods", "w") as archive:
            archive.writestr("content.xml", content)
        with pytest.raises(SourceBroken):
            read(tmp_path, context, f"{number}.ods", cell="A1")


def test_a_workbook_that_fails_its_checksum_gives_no_wrong_number(workbook: Path, context: Context) -> None:
    raw = bytearray((workbook / "numbers.xlsx").read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    (workbook / "bad.xlsx").write_bytes(bytes(raw))
    try:
        reading = cell(workbook, context, "bad.xlsx", "Data!B2")
    except SourceBroken:
        return
    assert reading.number == 1200  # the damage was elsewhere


def test_a_missing_file_is_named(tmp_path: Path, context: Context) -> None:
    with pytest.raises(SourceBroken, match=r"gone\.csv cannot be read"):
        read(tmp_path, context, "gone.csv", cell="A1")


def test_a_folder_with_the_name_of_a_file_is_refused(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(SourceBroken, match=r"a\.csv"):
        read(tmp_path, context, "a.csv", cell="A1")


# -- the way out


@pytest.mark.parametrize("file", ["../secret.csv", "a/../../secret.csv", "/etc/x.csv", "~/x.csv", "a.exe", "a", ""])
def test_a_path_that_leads_out_is_refused_when_read(file: str) -> None:
    with pytest.raises(ValidationError):
        Files.Measure.model_validate({"file": file, "cell": "A1"})


@pytest.mark.parametrize("way", ["file", "folder"])
def test_a_link_that_leads_out_is_not_followed(tmp_path: Path, context: Context, way: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.csv").write_text("A\n42\n", encoding="utf-8")
    if way == "file":
        (root / "a.csv").symlink_to(outside / "secret.csv")
    else:
        (root / "sub").symlink_to(outside)
    with pytest.raises(SourceBroken, match="leads out"):
        read(root, context, "a.csv" if way == "file" else "sub/secret.csv", cell="A2")


def test_a_stream_key_that_leads_out_is_not_followed(tmp_path: Path, context: Context) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.csv").write_text("A\n42\n", encoding="utf-8")
    part = Files.Measure.model_validate({"file": "a.csv", "cell": "A2"}).part()
    with pytest.raises(SourceBroken, match="leads out"):
        list(opened(tmp_path / "root", context).pull(Stream("../secret.csv", "readings", frozenset({part})), None))


def test_a_link_within_the_root_is_followed(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("A\n42\n", encoding="utf-8")
    (tmp_path / "latest.csv").symlink_to(tmp_path / "a.csv")
    assert cell(tmp_path, context, "latest.csv", "A2").number == 42


def test_the_doctor_counts_the_files(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("A\n", encoding="utf-8")
    (check,) = opened(tmp_path, context).check()
    assert (check.ok, "1 spreadsheet file" in check.detail) == (True, True)
    (check,) = opened(tmp_path / "none", context).check()
    assert not check.ok


def test_a_column_with_the_name_of_its_file_is_the_column(tmp_path: Path, context: Context) -> None:
    (tmp_path / "calls.csv").write_text("day,calls\n2026-10-05,12\n")
    assert series(tmp_path, context, "calls.csv", "day", "calls") == {"2026-10-05": 12}
    snapshot = read(
        tmp_path, context, "calls.csv", lookup={"table": "calls", "row": {"day": "2026-10-05"}, "column": "calls"}
    )
    assert [reading.number for reading in snapshot.readings] == [12]
