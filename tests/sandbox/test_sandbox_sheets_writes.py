"""The unmodified gspread writes to the sandbox: what cells hold then, what is answered, and who may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gspread
import httpx
import pytest
from google.oauth2.credentials import Credentials as GoogleCredentials
from gspread.auth import READONLY_SCOPES
from gspread.exceptions import APIError
from sandbox_clients import sheets_http

from syncd.sandbox import Sandbox
from syncd.sandbox.sheets.workbook import Cell, CellError, Sheet, Spreadsheet, typed
from syncd.sandbox.story.numbers import OKR_BOOK, PRIVATE_BOOK, PUBLIC_BOOK

RAW = {"valueInputOption": "RAW"}
TYPED = {"valueInputOption": "USER_ENTERED"}


@pytest.fixture
def http(box: Sandbox) -> gspread.HTTPClient:
    return by_token(box, "google_token")


def by_token(box: Sandbox, name: str) -> gspread.HTTPClient:
    client: gspread.HTTPClient = gspread.Client(
        auth=GoogleCredentials(token=box.credentials[name]), http_client=sheets_http(box)
    ).http_client
    return client


def cells(box: Sandbox, sheet: str, row: int, *columns: int) -> list[Any]:
    grid = box.world.sheets.spreadsheets[OKR_BOOK].sheet(sheet)
    return [grid.cell(row, column).value for column in columns]


def refused(code: int, status: str, message: str) -> Any:
    """A context that expects this APIError."""
    return pytest.raises(
        APIError,
        match=message,
        check=lambda error: isinstance(error, APIError) and (error.code, error.error["status"]) == (code, status),
    )


# -- what cells hold then


def test_raw_values_are_kept_unchanged(box: Sandbox, http: gspread.HTTPClient) -> None:
    before = box.world.clock.now()
    sent = ["=1+1", 42, 0.5, True, "12%", "2026-11-21", "#REF!"]
    answer = http.values_update(OKR_BOOK, "OKRs!B2", RAW, {"values": [sent]})
    assert answer == {
        "spreadsheetId": OKR_BOOK, "updatedRange": "OKRs!B2:H2",
        "updatedRows": 1, "updatedColumns": 7, "updatedCells": 7,
    }  # fmt: skip
    assert cells(box, "OKRs", 1, *range(1, 8)) == sent
    assert box.world.sheets.spreadsheets[OKR_BOOK].sheet("OKRs").cell(1, 1).formula is None
    shown = http.values_get(OKR_BOOK, "OKRs!A2:H2", {"valueRenderOption": "UNFORMATTED_VALUE"})["values"]
    assert shown == [["calls", *sent]]
    assert box.world.clock.now() > before


def test_typed_values_become_what_they_look_like(box: Sandbox, http: gspread.HTTPClient) -> None:
    sent = ["=1+1", "1,250.5", "12%", "2026-11-21", "true", "'=no formula", "#REF!", "1.2.3", "plain"]
    http.values_update(OKR_BOOK, "OKRs!B2", TYPED, {"values": [sent]})
    grid = box.world.sheets.spreadsheets[OKR_BOOK].sheet("OKRs")
    formula, number, share, day, truth, quoted, error, version, plain = (grid.cell(1, at) for at in range(1, 10))
    assert (formula.formula, number.value, share, truth.value) == ("=1+1", 1250.5, Cell(0.12, "percent"), True)
    assert (day, quoted.value) == (Cell(46347.0, "date"), "=no formula")
    assert isinstance(error.value, CellError)
    assert (version.value, plain.value) == ("1.2.3", "plain")


def test_empty_text_blanks_a_cell_and_null_leaves_it_alone(box: Sandbox, http: gspread.HTTPClient) -> None:
    answer = http.values_update(OKR_BOOK, "Support!B2:D2", RAW, {"values": [[None, "", "new"]]})
    agents = cells(box, "Support", 1, 1)[0]
    assert isinstance(agents, float)
    assert cells(box, "Support", 1, 2, 3) == [None, "new"]
    assert (answer["updatedCells"], answer["updatedRange"]) == (2, "Support!B2:D2")


def test_cell_keeps_its_number_format(box: Sandbox, http: gspread.HTTPClient) -> None:
    http.values_update(OKR_BOOK, "Support!F2", RAW, {"values": [[0.71]]})
    assert http.values_get(OKR_BOOK, "Support!F2")["values"] == [["71%"]]
    http.values_update(OKR_BOOK, "Support!F2", RAW, {"values": [[""]]})
    http.values_update(OKR_BOOK, "SelfServed", RAW, {"values": [[0.5]]})
    assert http.values_get(OKR_BOOK, "Support!F2")["values"] == [["50%"]]


def test_batch_counts_rows_columns_and_sheets_once(box: Sandbox, http: gspread.HTTPClient) -> None:
    data = [
        {"range": "OKRs!D2:E2", "values": [[1092, 0.18]]},
        {"range": "'OKRs'!G2", "values": [["today"]]},
        {"range": "Survey!C2:C3", "majorDimension": "COLUMNS", "values": [["a", "b"]]},
        {"range": "Survey!C3", "values": [["c"]]},
    ]
    answer = http.values_batch_update(OKR_BOOK, {**RAW, "data": data})
    totals = {key: value for key, value in answer.items() if key.startswith("total")}
    assert totals == {
        "totalUpdatedRows": 3, "totalUpdatedColumns": 4, "totalUpdatedCells": 5, "totalUpdatedSheets": 2,
    }  # fmt: skip
    assert [update["updatedRange"] for update in answer["responses"]] == [
        "OKRs!D2:E2",
        "OKRs!G2",
        "Survey!C2:C3",
        "Survey!C3",
    ]
    assert cells(box, "OKRs", 1, 3, 4, 5, 6) == [1092, 0.18, None, "today"]
    assert (cells(box, "Survey", 1, 2), cells(box, "Survey", 2, 2)) == (["a"], ["c"])


def test_worksheet_sees_what_it_wrote(box: Sandbox) -> None:
    client = gspread.Client(auth=GoogleCredentials(token=box.credentials["google_token"]), http_client=sheets_http(box))
    sheet = client.open_by_key(OKR_BOOK).worksheet("OKRs")
    sheet.update([["Self-service", "kim"]], "B2:C2")
    shown = {"include_values_in_response": True, "response_value_render_option": "UNFORMATTED_VALUE"}
    answer = sheet.batch_update([{"range": "D2", "values": [[0.25]]}], **shown)
    assert answer["responses"][0]["updatedData"] == {"range": "OKRs!D2", "majorDimension": "ROWS", "values": [[0.25]]}
    assert sheet.row_values(2) == ["calls", "Self-service", "kim", "0.25"]
    sheet.append_row(["renewals"])
    assert sheet.col_values(1)[-2:] == ["customers", "renewals"]


# -- what is refused, and leaves everything as it was


def test_range_beyond_the_grid_is_refused(http: gspread.HTTPClient) -> None:
    grid = r"exceeds grid limits\. Max rows: 1000, max columns: 26"
    with refused(400, "INVALID_ARGUMENT", rf"Range \(OKRs!A1001\) {grid}"):
        http.values_update(OKR_BOOK, "OKRs!A1001", RAW, {"values": [[1]]})
    with refused(400, "INVALID_ARGUMENT", rf"Range \('Renewals 2026'!Z1:AA2\) {grid}"):
        http.values_update(OKR_BOOK, "'Renewals 2026'!Z1", RAW, {"values": [[1, 2], [3]]})
    with refused(400, "INVALID_ARGUMENT", grid):
        http.values_get(OKR_BOOK, "OKRs!A5000")


def test_values_must_fit_into_the_range(http: gspread.HTTPClient) -> None:
    tried = r"Requested writing within range \[OKRs!A1:B2\], but tried writing to"
    with refused(400, "INVALID_ARGUMENT", tried + r" row \[3\]"):
        http.values_update(OKR_BOOK, "OKRs!A1:B2", RAW, {"values": [[1], [2], [3]]})
    with refused(400, "INVALID_ARGUMENT", tried + r" column \[C\]"):
        http.values_update(OKR_BOOK, "OKRs!A1:B2", RAW, {"values": [[1, 2, 3]]})


def test_batch_with_a_wrong_range_writes_nothing(box: Sandbox, http: gspread.HTTPClient) -> None:
    data = [{"range": "OKRs!D2", "values": [[1]]}, {"range": "Nowhere!A1", "values": [[1]]}]
    with refused(400, "INVALID_ARGUMENT", r"Invalid data\[1\]: Unable to parse range: Nowhere!A1"):
        http.values_batch_update(OKR_BOOK, {**RAW, "data": data})
    data[1] = {"range": "OKRs!D3", "values": [[{"no": "cell"}]]}
    with refused(400, "INVALID_ARGUMENT", r"Invalid data\[1\]: Invalid values\[0\]\[0\]: struct_value"):
        http.values_batch_update(OKR_BOOK, {**RAW, "data": data})
    assert cells(box, "OKRs", 1, 3) == [None]


def test_input_option_is_required(http: gspread.HTTPClient) -> None:
    with refused(400, "INVALID_ARGUMENT", "'valueInputOption' is required"):
        http.values_update(OKR_BOOK, "OKRs!A1", {}, {"values": [[1]]})
    with refused(400, "INVALID_ARGUMENT", "Invalid value at 'valueInputOption'"):
        http.values_batch_update(OKR_BOOK, {"valueInputOption": "COOKED", "data": []})
    with refused(400, "INVALID_ARGUMENT", "Invalid JSON payload"):
        http.request("put", f"https://sheets.googleapis.com/v4/spreadsheets/{OKR_BOOK}/values/A1", data=b"{")


# -- appending


@pytest.fixture
def guide(box: Sandbox) -> Spreadsheet:
    """The sheet of Google's guide to appending: tables in A1:C2 and B4:D6."""
    x, o = Cell("x"), Cell()
    rows = [[x, x, x], [x, x, x], [], [o, x, x, x], [o, x, x, x], [o, x, x, x]]
    return box.world.sheets.add(Spreadsheet("guide", "Guide", sheets=[Sheet(0, "Sheet1", rows, 8, 26)]))


@pytest.mark.parametrize(
    ("range", "table", "lands"),
    [
        ("Sheet1", "B4:D6", "B7"), ("C5:D5", "B4:D6", "B7"), ("B4", "B4:D6", "B7"), ("B2:D4", "B4:D6", "B7"),
        ("A3:G10", "B4:D6", "B7"), ("A1", "A1:C2", "A3"), ("E4", None, "E4"), ("A4", None, "A4"),
    ],
)  # fmt: skip
def test_appending_finds_the_table_as_googles_guide_says(
    guide: Spreadsheet, http: gspread.HTTPClient, range: str, table: str | None, lands: str
) -> None:
    answer = http.values_append(guide.id, range, RAW, {"values": [["new"]]})
    assert answer.get("tableRange") == (f"Sheet1!{table}" if table else None)
    assert answer["updates"]["updatedRange"] == f"Sheet1!{lands}"
    assert http.values_get(guide.id, f"Sheet1!{lands}")["values"] == [["new"]]


def test_appending_picks_the_lowest_of_tables_side_by_side(box: Sandbox, http: gspread.HTTPClient) -> None:
    x, o = Cell("x"), Cell()
    rows = [[x, x, o, x], [x, x, o, x], [o, o, o, x]]
    box.world.sheets.add(Spreadsheet("two", "Two", sheets=[Sheet(0, "Sheet1", rows)]))
    answer = http.values_append("two", "Sheet1", RAW, {"values": [["new"]]})
    assert (answer["tableRange"], answer["updates"]["updatedRange"]) == ("Sheet1!D1:D3", "Sheet1!D4")
    answer = http.values_append("two", "A1", RAW, {"values": [["new"]]})
    assert (answer["tableRange"], answer["updates"]["updatedRange"]) == ("Sheet1!A1:B2", "Sheet1!A3")


def test_appending_makes_the_room_it_needs(guide: Spreadsheet, http: gspread.HTTPClient) -> None:
    rows = [[number] for number in range(5)]
    assert http.values_append(guide.id, "Sheet1", RAW, {"values": rows})["updates"]["updatedRows"] == 5
    assert guide.sheets[0].row_count == 11


def test_appending_overwrites_or_inserts(guide: Spreadsheet, http: gspread.HTTPClient) -> None:
    two = {"values": [["1"], ["2"]]}
    http.values_append(guide.id, "A1", {**RAW, "insertDataOption": "INSERT_ROWS"}, two)
    column = http.values_get(guide.id, "Sheet1!A1:B6")["values"]
    assert column == [["x", "x"], ["x", "x"], ["1"], ["2"], [], ["", "x"]]
    assert guide.sheets[0].row_count == 10
    http.values_append(guide.id, "A1", RAW, {"values": [["3", "3"], ["4", "4"]]})
    assert http.values_get(guide.id, "Sheet1!A5:C6")["values"] == [["3", "3"], ["4", "4", "x"]]


# -- sheets


def test_sheet_is_added_once(box: Sandbox, http: gspread.HTTPClient) -> None:
    def add(title: str) -> Any:
        grid = {"rowCount": 2, "columnCount": 3}
        return http.batch_update(
            OKR_BOOK, {"requests": [{"addSheet": {"properties": {"title": title, "gridProperties": grid}}}]}
        )

    (reply,) = add("Check-ins")["replies"]
    made = reply["addSheet"]["properties"]
    assert (made["title"], made["index"], made["gridProperties"]["rowCount"]) == ("Check-ins", 5, 2)
    with refused(400, "INVALID_ARGUMENT", r'addSheet: A sheet with the name "check-ins" already exists'):
        add("check-ins")
    with refused(400, "INVALID_ARGUMENT", "exceeds grid limits"):
        http.values_update(OKR_BOOK, "'Check-ins'!A3", RAW, {"values": [[1]]})
    more = {"appendDimension": {"sheetId": made["sheetId"], "dimension": "ROWS", "length": 1}}
    assert http.batch_update(OKR_BOOK, {"requests": [more]})["replies"] == [{}]
    http.values_update(OKR_BOOK, "'Check-ins'!A3", RAW, {"values": [[1]]})
    assert cells(box, "Check-ins", 2, 0) == [1]


def test_batch_of_changes_is_made_as_a_whole_or_not_at_all(box: Sandbox, http: gspread.HTTPClient) -> None:
    requests = [
        {"addSheet": {"properties": {"title": "New"}}},
        {"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 4}},
        {"appendDimension": {"sheetId": 999, "dimension": "ROWS", "length": 1}},
    ]
    with refused(400, "INVALID_ARGUMENT", r"Invalid requests\[2\].appendDimension: No grid with id: 999"):
        http.batch_update(OKR_BOOK, {"requests": requests})
    book = box.world.sheets.spreadsheets[OKR_BOOK]
    assert [sheet.title for sheet in book.sheets][-1] == "OKRs"
    assert book.sheet("Support").column_count == 26
    with refused(400, "INVALID_ARGUMENT", "at least one request"):
        http.batch_update(OKR_BOOK, {"requests": []})


# -- who may


def test_inserted_rows_push_the_others_down(box: Sandbox, http: gspread.HTTPClient) -> None:
    book = box.world.sheets.spreadsheets[OKR_BOOK]
    sheet = book.sheets[0]
    before, count = [list(row) for row in sheet.rows], sheet.row_count
    rows = {"sheetId": sheet.id, "dimension": "ROWS", "startIndex": 1, "endIndex": 3}
    http.batch_update(OKR_BOOK, {"requests": [{"insertDimension": {"range": rows, "inheritFromBefore": True}}]})
    assert (sheet.rows, sheet.row_count) == ([before[0], [], [], *before[1:]], count + 2)
    wrong = {"insertDimension": {"range": rows | {"startIndex": 3}}}
    with refused(400, "INVALID_ARGUMENT", r"Invalid requests\[1\].insertDimension: range.startIndex\[3\] must be less"):
        http.batch_update(OKR_BOOK, {"requests": [{"insertDimension": {"range": rows}}, wrong]})
    assert sheet.row_count == count + 2, "all changes are made, or none"


def test_people_edit_between_a_read_and_a_write(box: Sandbox, http: gspread.HTTPClient) -> None:
    books = box.world.sheets
    table = [["KR", "Value"], ["b", 2.0], [None, 9.0], ["c", 3.0], ["a", 1.0]]
    sheet = Sheet(77, "Board", [[typed(cell) for cell in row] for row in table])
    books.spreadsheets[OKR_BOOK].sheets.append(sheet)
    books.before_next_write = lambda: books.sort_rows(OKR_BOOK, "Board", "KR")
    for value in (7, 8):
        http.values_update(OKR_BOOK, "Board!B2", RAW, {"values": [[value]]})
    assert [[cell.value for cell in row] for row in sheet.rows] == [
        ["KR", "Value"], ["a", 8], ["b", 2.0], ["c", 3.0], [None, 9.0]
    ]  # fmt: skip
    books.insert_row(OKR_BOOK, "Board", 2, ["new"])
    books.delete_row(OKR_BOOK, "Board", 4)
    assert [row[0].value for row in sheet.rows] == ["KR", "new", "a", "c", None]


def test_token_for_reading_cannot_write(box: Sandbox, tmp_path: Path) -> None:
    file = box.service_account(tmp_path / "google.json")
    client = gspread.service_account(file, scopes=READONLY_SCOPES, http_client=sheets_http(box))
    for http in (client.http_client, by_token(box, "google_readonly_token")):
        assert http.values_get(OKR_BOOK, "OKRs!A2")["values"] == [["calls"]]
        with refused(403, "PERMISSION_DENIED", "insufficient authentication scopes") as caught:
            http.values_update(OKR_BOOK, "OKRs!A2", RAW, {"values": [["x"]]})
        (detail,) = caught.value.error["details"]
        assert detail["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        assert detail["metadata"]["method"].endswith("SpreadsheetsService.UpdateValues")
    assert cells(box, "OKRs", 1, 0) == ["calls"]


def test_service_account_with_the_whole_scope_writes(box: Sandbox, tmp_path: Path) -> None:
    client = gspread.service_account(box.service_account(tmp_path / "google.json"), http_client=sheets_http(box))
    client.http_client.values_update(OKR_BOOK, "OKRs!D2", RAW, {"values": [[7]]})
    assert cells(box, "OKRs", 1, 3) == [7]


def test_token_for_another_api_cannot_read(box: Sandbox, tmp_path: Path) -> None:
    calendar = ["https://www.googleapis.com/auth/calendar"]
    file = box.service_account(tmp_path / "google.json")
    client = gspread.service_account(file, scopes=calendar, http_client=sheets_http(box))
    with refused(403, "PERMISSION_DENIED", "insufficient"):
        client.http_client.values_get(OKR_BOOK, "OKRs!A2")


def test_viewer_and_stranger_cannot_write(box: Sandbox, http: gspread.HTTPClient) -> None:
    assert http.values_get(PUBLIC_BOOK, "Stores!A2")["values"] == [["42"]]
    for book in (PUBLIC_BOOK, PRIVATE_BOOK):
        with refused(403, "PERMISSION_DENIED", "The caller does not have permission"):
            http.values_update(book, "A1", RAW, {"values": [["x"]]})
    box.world.sheets.spreadsheets[OKR_BOOK].editable = False
    with refused(403, "PERMISSION_DENIED", "does not have permission"):
        http.batch_update(OKR_BOOK, {"requests": [{"addSheet": {}}]})


def test_api_key_never_writes(box: Sandbox) -> None:
    http = gspread.api_key(box.credentials["google_api_key"], http_client=sheets_http(box)).http_client
    with refused(401, "UNAUTHENTICATED", "missing required authentication credential"):
        http.values_update(PUBLIC_BOOK, "A1", RAW, {"values": [["x"]]})


def test_unknown_method_is_404(box: Sandbox) -> None:
    secret = {"Authorization": f"Bearer {box.credentials['google_token']}"}
    here = f"{box.sheets_url}/v4/spreadsheets/{OKR_BOOK}"
    assert httpx.delete(here, headers=secret).status_code == 404
    assert httpx.post(f"{here}/values/A1", headers=secret, json={}).status_code == 404
