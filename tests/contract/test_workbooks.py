"""XLSX and ODS workbooks: error cells, stray cells, names, what is refused and how it is called."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook.defined_name import DefinedName
from reading_files import blank, cell, error, read, row, series, text, value, write_ods, write_xlsx

from connectors.files import Files
from connectors.files.limits import FilesSettings, Limits
from connectors.files.workbook import Workbook
from syncd.sdk import Context, SourceBroken

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
NEVER = "never calculated"


def problem(folder: Path, context: Context, file: str, where: str) -> str:
    reading = cell(folder, context, file, where)
    assert reading.number is None
    return reading.problem or ""


# -- error cells, which calamine gives as blanks


@pytest.mark.parametrize(
    ("sheet", "errors"),
    [
        ('<row r="1"><c r="A1" t="e"><v>#REF!</v></c><c r="B1"><v>2</v></c></row>', {"A1": "#REF!"}),
        (
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="C9" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>',
            {"C9": "#DIV/0!"},
        ),
        ('<row r="3"><c s="1" t="e" r="B3"><v>#N/A</v></c></row>', {"B3": "#N/A"}),
        ("<row r='1'><c r='A1' t='e'><v>#NAME?</v></c><c r='B1'><v>2</v></c></row>", {"A1": "#NAME?"}),
        ('<row><c><v>1</v></c><c t="e"><v>#NUM!</v></c></row><row><c t="e"/></row>', {"B1": "#NUM!", "A2": "an error"}),
        ('<row r="1"><c r="A1" t="e"/><c r="B1"><v>2</v></c></row>', {"A1": "an error"}),
        ('<row r="1"><c r="A1" t="e"><v/></c><c r="B1"><v>2</v></c></row>', {"A1": "an error"}),
        ('<row r="1"><c r="A1"><f>B1*2</f></c><c r="B1"><v>2</v></c></row>', {"A1": NEVER}),
        ('<row r="1"><c r="A1"><f>B1*2</f><v></v></c><c r="B1"><v>2</v></c></row>', {"A1": NEVER}),
        ('<row r="1"><c r="A1"><f t="shared" si="0"/></c><c r="B1"><f>1</f><v>2</v></c></row>', {"A1": NEVER}),
        (
            f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="e"><x:v>#REF!</x:v></x:c>'
            '<x:c r="B1"><x:f>1</x:f></x:c></x:row></x:sheetData></x:worksheet>',
            {"A1": "#REF!", "B1": NEVER},
        ),
    ],
)
def test_an_xlsx_error_is_no_blank_however_it_is_written(
    tmp_path: Path, context: Context, sheet: str, errors: dict[str, str]
) -> None:
    write_xlsx(tmp_path / "a.xlsx", sheet)
    for where, what in errors.items():
        assert what in problem(tmp_path, context, "a.xlsx", where)


def test_text_that_looks_like_an_error_cell_is_none(tmp_path: Path, context: Context) -> None:
    like = '<![CDATA[<c r="B1" t="e">]]>'
    write_xlsx(
        tmp_path / "a.xlsx",
        f'<row r="1"><c r="A1" t="inlineStr"><is><t>{like}</t></is></c><c r="C1"><v>2</v></c></row>',
    )
    assert cell(tmp_path, context, "a.xlsx", "C1").number == 2


def test_a_calculated_empty_text_is_a_blank(tmp_path: Path, context: Context) -> None:
    write_xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1" t="str"><f>""</f><v></v></c><c r="B1"><v>2</v></c></row>')
    assert read(tmp_path, context, "a.xlsx", cell="A1").readings == ()


def test_a_zero_that_nobody_calculated_is_unknown(tmp_path: Path, context: Context) -> None:
    """XlsxWriter stores 0 with each formula, and asks Excel to calculate."""
    sheet = '<row r="1"><c r="A1"><f>B1*2</f><v>0</v></c><c r="B1"><v>0</v></c></row>'
    write_xlsx(tmp_path / "a.xlsx", sheet, workbook='<calcPr fullCalcOnLoad="1"/>')
    assert NEVER in problem(tmp_path, context, "a.xlsx", "A1")
    assert cell(tmp_path, context, "a.xlsx", "B1").number == 0
    write_xlsx(tmp_path / "a.xlsx", sheet, workbook="<calcPr/>")
    assert cell(tmp_path, context, "a.xlsx", "A1").number == 0


def test_an_ods_error_is_no_blank_wherever_it_stands(tmp_path: Path, context: Context) -> None:
    twice = error("#REF!").replace("<table:table-cell", '<table:table-cell table:number-columns-repeated="2"')
    formula = '<table:table-cell table:formula="of:=A1*2"/>'
    rows = (
        row(value("float", "1"), blank(3), error("Err:502"), value("float", "2"))
        + row(blank(6), times=7)
        + row(blank(), twice, value("float", "3"), times=2)
        + row(formula)
        + row(blank(9), error("#N/A"))
    )
    write_ods(tmp_path / "a.ods", Data=rows, Second=row(error("#NAME?")))
    wrong = {"E1": "Err:502", "B9": "#REF!", "C10": "#REF!", "A11": NEVER, "J12": "#N/A", "Second!A1": "#NAME?"}
    for where, what in wrong.items():
        assert what in problem(tmp_path, context, "a.ods", where)
    assert [cell(tmp_path, context, "a.ods", where).number for where in ("F1", "D9", "D10")] == [2, 3, 3]


@pytest.mark.parametrize(
    "written", ['office:value-type="float" office:value="0"', 'office:value-type="string" office:string-value=""']
)
@pytest.mark.parametrize("shown", ["#DIV/0!", "#N/A", "#NAME?", "Err:502"])
def test_an_error_of_a_program_that_marks_none_is_no_number(
    tmp_path: Path, context: Context, written: str, shown: str
) -> None:
    """OpenOffice writes a value of 0, and the error as the text that is shown."""
    wrong = f'<table:table-cell table:formula="of:=1/0" {written}><text:p>{shown}</text:p></table:table-cell>'
    narrow = value("float", "12", "###")
    comment = value("float", "4").replace(
        "<text:p>", "<office:annotation><text:p>#REF!</text:p></office:annotation><text:p>"
    )
    write_ods(tmp_path / "a.ods", Data=row(wrong, narrow, comment))
    assert problem(tmp_path, context, "a.ods", "A1") == f"the error {shown}"
    assert [cell(tmp_path, context, "a.ods", where).number for where in ("B1", "C1")] == [12, 4]


# -- cells that lie far apart


def far_xlsx(path: Path, far: str, content: Any) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    sheet.append(["Day", "Calls"])
    for week in range(8):
        sheet.append([date(2026, 10, 5 + week), 1200 - 10 * week])
    sheet["B12"] = "#REF!"
    sheet[far] = content
    book.save(path)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("far", ["Z1048576", "XFD1", "XFD1048576", "B1048576", "ZZ700000"])
@pytest.mark.parametrize("content", [" ", 7])
def test_a_stray_cell_of_an_xlsx_file_costs_nothing(tmp_path: Path, context: Context, far: str, content: Any) -> None:
    far_xlsx(tmp_path / "a.xlsx", far, content)
    assert cell(tmp_path, context, "a.xlsx", "B9").number == 1130
    assert "#REF!" in problem(tmp_path, context, "a.xlsx", "B12")
    assert read(tmp_path, context, "a.xlsx", cell="B11").readings == ()
    strays = [reading.number for reading in read(tmp_path, context, "a.xlsx", cell=far).readings]
    assert strays == ([7] if content == 7 else [])
    limits = Limits("a.xlsx", FilesSettings(type="files", root="."))
    with (tmp_path / "a.xlsx").open("rb") as file:
        blocks = list(Workbook(file, limits).blocks(None))
    assert sum(len(rows) for _, rows in blocks) < 20
    assert sum(len(cells) for _, rows in blocks for cells in rows) < 200_000


@pytest.mark.parametrize("far", [(1_048_575, 25), (1_048_575, 16_383), (0, 16_383)])
def test_a_stray_cell_of_an_ods_file_costs_nothing(tmp_path: Path, context: Context, far: tuple[int, int]) -> None:
    down, right = far
    stray = value("float", "7")
    rows = row(text("Day"), text("Calls"), *([blank(right - 2), stray] if not down else []))
    rows += row(value("date", "2026-10-05"), value("float", "1200"), times=2)
    rows += row(blank(), error("#REF!")) + row(blank(16_384), times=5) + row(blank(), value("float", "3"), blank(9))
    if down:
        rows += row(blank(16_384), times=down - 10) + row(blank(right), stray)
    write_ods(tmp_path / "a.ods", Data=rows)
    where = ["B2", "B3", "B10", f"{'Z' if right == 25 else 'XFD'}{down + 1}"]
    assert [cell(tmp_path, context, "a.ods", address).number for address in where] == [1200, 1200, 3, 7]
    assert "#REF!" in problem(tmp_path, context, "a.ods", "B4")
    limits = Limits("a.ods", FilesSettings(type="files", root="."))
    with (tmp_path / "a.ods").open("rb") as file:
        assert sum(len(rows) for _, rows in Workbook(file, limits).blocks(None)) < 20


# -- names, sheets, dates


@pytest.mark.parametrize("reference", ["Data!$B$2", "'Data'!B2", "Data!$B$2:$B$2"])
def test_a_named_range_of_an_xlsx_file_is_read(tmp_path: Path, context: Context, reference: str) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Data"
    book.active.append(["Day", "Calls"])
    book.active.append([date(2026, 10, 5), 12])
    book.defined_names["Total"] = DefinedName("Total", attr_text=reference)
    book.defined_names["Gone"] = DefinedName("Gone", attr_text="#REF!")
    book.defined_names["Days"] = DefinedName("Days", attr_text="Data!$A$2:$A$9")
    book.save(tmp_path / "a.xlsx")
    assert cell(tmp_path, context, "a.xlsx", "total").number == 12
    assert "no range of cells" in (read(tmp_path, context, "a.xlsx", cell="Gone").problem or "")
    assert series(tmp_path, context, "a.xlsx", "Days", "Calls") == {"2026-10-05": 12}


def test_a_named_range_of_an_ods_file_is_read(tmp_path: Path, context: Context) -> None:
    named = (
        '<table:named-expressions><table:named-range table:name="Total" table:base-cell-address="$Data.$A$1"'
        ' table:cell-range-address="$Data.$B$2"/><table:named-range table:name="Days"'
        " table:cell-range-address=\"$'Data'.$A$2:.$A$9\"/></table:named-expressions>"
    )
    rows = row(text("Day"), text("Calls")) + row(value("date", "2026-10-05"), value("float", "12"))
    write_ods(tmp_path / "a.ods", after=named, Data=rows)
    assert cell(tmp_path, context, "a.ods", "Total").number == 12
    assert series(tmp_path, context, "a.ods", "Days", "Calls") == {"2026-10-05": 12}


def test_a_sheet_without_a_name_is_the_first_that_people_see(tmp_path: Path, context: Context) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Lists"
    book.active["A1"] = 1
    book.active.sheet_state = "hidden"
    book.create_sheet("Data")["A1"] = 2
    book.save(tmp_path / "a.xlsx")
    hidden = (
        '<style:style xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" style:name="Lists"'
        ' style:family="table"><style:table-properties table:display="false"/></style:style>'
    )
    write_ods(tmp_path / "a.ods", styles=hidden, Lists=row(value("float", "1")), Data=row(value("float", "2")))
    for file in ("a.xlsx", "a.ods"):
        assert [cell(tmp_path, context, file, where).number for where in ("A1", "Lists!A1", "data!A1")] == [2, 1, 2]


def test_merged_cells_have_their_content_once(tmp_path: Path, context: Context) -> None:
    book = openpyxl.Workbook()
    for cells in (["Day", "Calls"], [date(2026, 10, 5), 12], [None, 13]):
        book.active.append(cells)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")
    assert series(tmp_path, context, "a.xlsx", "Day", "Calls") == {"2026-10-05": 12}
    notes = read(tmp_path, context, "a.xlsx", series={"dates": "Day", "values": "Calls"}).notes
    assert "1 with no date" in notes[0]


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_dates_count_from_1900_or_1904(tmp_path: Path, context: Context, epoch: datetime | None) -> None:
    book = openpyxl.Workbook()
    if epoch is not None:
        book.epoch = epoch
    for cells in (["Day", "Share", "Yes"], [date(2026, 10, 5), 0.57, True], [datetime(2026, 10, 6, 9, 30), 0.6, False]):
        book.active.append(cells)
    book.save(tmp_path / "a.xlsx")
    percent = {"as": {"percent": True}}
    assert series(tmp_path, context, "a.xlsx", "Day", "Share", **percent) == {"2026-10-05": 57, "2026-10-06": 60}
    assert "TRUE" in problem(tmp_path, context, "a.xlsx", "C2")


def test_a_strict_workbook_is_read(tmp_path: Path, context: Context) -> None:
    book, strict = openpyxl.Workbook(), "http://purl.oclc.org/ooxml/"
    book.active.append([1180, "text", date(2026, 10, 5)])
    book.save(tmp_path / "b.xlsx")
    with zipfile.ZipFile(tmp_path / "b.xlsx") as old, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as new:
        for name in old.namelist():
            content = old.read(name).decode()
            content = content.replace(MAIN, f"{strict}spreadsheetml/main")
            content = content.replace(
                "http://schemas.openxmlformats.org/officeDocument/2006/", f"{strict}officeDocument/"
            )
            new.writestr(name, content)
    assert cell(tmp_path, context, "a.xlsx", "A1").number == 1180
    assert "the date 2026-10-05" in problem(tmp_path, context, "a.xlsx", "C1")


def test_parts_that_nobody_reads_may_be_anything(tmp_path: Path, context: Context) -> None:
    """Pivot caches break openpyxl; `customXml` may be UTF-16."""
    parts = {
        "xl/pivotCache/pivotCacheDefinition1.xml": "<cut",
        "customXml/item1.xml": "<a/>".encode("utf-16"),
        "xl/drawings/drawing1.xml": "",
    }
    write_xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1"><v>4</v></c></row>', **parts)
    assert cell(tmp_path, context, "a.xlsx", "A1").number == 4


# -- what is refused


def refusal(folder: Path, context: Context, file: str, **limits: Any) -> str:
    with pytest.raises(SourceBroken) as caught:
        read(folder, context, file, cell="A1", limits=limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is a web page that is called a workbook"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "is an XML file"),
        (b"Day,Calls\n2026-10-05,1\n", "is a text file that is called a workbook; name it .csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old Excel file (.xls)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "is protected by a password"),
        (bytes(range(256)), "is no workbook that can be read"),
        (b"PK\x03\x04 cut off", "is a damaged workbook"),
    ],
)
@pytest.mark.parametrize("file", ["a.xlsx", "a.ods"])
def test_a_file_that_is_no_workbook_is_called_what_it_is(
    tmp_path: Path, context: Context, file: str, content: bytes, says: str
) -> None:
    (tmp_path / file).write_bytes(content)
    assert f"{file} {says}" in refusal(tmp_path, context, file)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("word/document.xml", "is a ZIP file and no workbook"),
        ("xl/workbook.bin", "is an Excel binary workbook"),
        ("content.xml", "has no sheet with cells"),
    ],
)
def test_a_package_of_another_kind_is_called_so(tmp_path: Path, context: Context, part: str, says: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr(part, "<a/>")
    assert says in refusal(tmp_path, context, "a.xlsx")


def test_an_ods_file_with_a_password_is_called_so(tmp_path: Path, context: Context) -> None:
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
        archive.writestr("content.xml", bytes(100))
    assert "protected by a password" in refusal(tmp_path, context, "a.ods")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "[Content_Types].xml"]
)
def test_an_xlsx_file_that_declares_entities_is_refused(tmp_path: Path, context: Context, part: str) -> None:
    write_xlsx(tmp_path / "b.xlsx", '<row r="1"><c r="A1"><v>4</v></c></row>', **{"xl/sharedStrings.xml": "<sst/>"})
    with zipfile.ZipFile(tmp_path / "b.xlsx") as old, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, (BOMB if name == part else "") + old.read(name).decode())
    assert "declares XML entities" in refusal(tmp_path, context, "a.xlsx")


def test_an_ods_file_that_declares_entities_is_refused(tmp_path: Path, context: Context) -> None:
    write_ods(tmp_path / "b.ods", Data=row(value("float", "1")))
    with zipfile.ZipFile(tmp_path / "b.ods") as old, zipfile.ZipFile(tmp_path / "a.ods", "w") as new:
        new.writestr("content.xml", old.read("content.xml").replace(b"?>", b"?>" + BOMB.encode(), 1))
    assert "declares XML entities" in refusal(tmp_path, context, "a.ods")


def test_limits_of_a_connection_refuse_and_are_named(tmp_path: Path, context: Context) -> None:
    rows = "".join(f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(1, 60_000))
    write_xlsx(tmp_path / "a.xlsx", rows)
    write_ods(
        tmp_path / "a.ods", Data=row(value("float", "1", more='table:number-columns-repeated="9000"'), times=9000)
    )
    (tmp_path / "a.csv").write_text("A\n" + "1\n" * 2_000)
    assert "max_cells" in refusal(tmp_path, context, "a.xlsx", max_cells=50_000)
    assert "max_unpacked" in refusal(tmp_path, context, "a.xlsx", max_unpacked="1 MB")
    assert "max_ratio" in refusal(tmp_path, context, "a.xlsx", max_ratio=2)
    assert "max_cpu" in refusal(tmp_path, context, "a.xlsx", max_cpu="0s")
    assert "max_cells of the connection is 5,000,000" in refusal(tmp_path, context, "a.ods")
    assert "max_unpacked of the connection is 0 MB" in refusal(tmp_path, context, "a.csv", max_unpacked="2 kB")
    assert "max_cpu" in refusal(tmp_path, context, "a.csv", max_cpu="0s")
    assert cell(tmp_path, context, "a.xlsx", "A59999").number == 59_999


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path, context: Context) -> None:
    content = io.BytesIO()
    write_xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1"><v>4</v></c></row>' + " " * 5000)
    raw = (tmp_path / "a.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    content.write(raw.replace(size.to_bytes(4, "little"), (200).to_bytes(4, "little")))
    (tmp_path / "a.xlsx").write_bytes(content.getvalue())
    assert "damaged" in refusal(tmp_path, context, "a.xlsx")


def test_a_sheet_in_utf_16_is_refused(tmp_path: Path, context: Context) -> None:
    """A scan for error cells would find none."""
    sheet = f'<?xml version="1.0" encoding="UTF-16"?><worksheet xmlns="{MAIN}"><sheetData/></worksheet>'.encode(
        "utf-16"
    )
    write_xlsx(tmp_path / "a.xlsx", "", **{"xl/worksheets/sheet1.xml": sheet})
    assert "is not UTF-8" in refusal(tmp_path, context, "a.xlsx")


def test_measures_of_a_cycle_share_one_reading_of_their_file(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reading_files import opened

    from connectors.files import workbook
    from syncd.sdk import Stream

    scans: list[object] = []
    whole = workbook.scan_excel

    def counted(*arguments: Any, **keys: Any) -> Any:
        scans.append(arguments)
        return whole(*arguments, **keys)

    monkeypatch.setattr(workbook, "scan_excel", counted)
    far_xlsx(tmp_path / "a.xlsx", "C1", "Note")
    measures = [{"cell": "B2"}, {"cell": "B3"}, {"series": {"dates": "Day", "values": "Calls"}}]
    parts = [Files.Measure.model_validate({"file": "a.xlsx", **keys}).part() for keys in measures]
    (page,) = opened(tmp_path, context).pull(Stream("a.xlsx", "readings", frozenset(parts)), None)
    assert [len(page.readings[part].readings) for part in parts] == [1, 1, 8]
    assert len(scans) == 1
