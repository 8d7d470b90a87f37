"""The unmodified gspread reads from the sandbox: three ways to log in, and Sheets' rules for ranges and blanks."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import gspread
import httpx
import pytest
from google.oauth2.credentials import Credentials as GoogleCredentials
from sandbox_clients import sheets_http

from syncd.sandbox import Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK, PRIVATE_BOOK, PUBLIC_BOOK

RAW = {"valueRenderOption": "UNFORMATTED_VALUE"}


def by_token(box: Sandbox) -> gspread.Client:
    credentials = GoogleCredentials(token=box.credentials["google_token"])
    return gspread.Client(auth=credentials, http_client=sheets_http(box))


def values(box: Sandbox, *ranges: str, **params: str) -> list[Any]:
    answer = by_token(box).http_client.values_batch_get(OKR_BOOK, list(ranges), {**RAW, **params})
    return [value_range.get("values") for value_range in answer["valueRanges"]]


def test_service_account_opens_a_shared_spreadsheet(box: Sandbox, tmp_path: Path) -> None:
    file = box.service_account(tmp_path / "google.json")
    client = gspread.service_account(file, http_client=sheets_http(box))
    book = client.open_by_key(OKR_BOOK)
    assert [sheet.title for sheet in book.worksheets()] == ["Support", "Launch", "Survey", "Renewals 2026", "OKRs"]
    assert book.worksheet("Support").acell("C11").value == "1,092"
    assert next(request.service for request in box.requests) == "token"


def test_service_account_of_another_sandbox_is_refused(box: Sandbox, shared_box: Sandbox, tmp_path: Path) -> None:
    file = shared_box.service_account(tmp_path / "google.json")
    file.write_text(file.read_text().replace(shared_box.token_url, box.token_url))
    client = gspread.service_account(file, http_client=sheets_http(box))
    with pytest.raises(Exception, match="invalid_grant"):
        client.open_by_key(OKR_BOOK)


def test_api_key_opens_public_sheets_alone(box: Sandbox) -> None:
    client = gspread.api_key(box.credentials["google_api_key"], http_client=sheets_http(box))
    assert client.open_by_key(PUBLIC_BOOK).sheet1.get_all_values() == [["Stores"], ["42"]]
    with pytest.raises(PermissionError):
        client.open_by_key(OKR_BOOK)


def test_errors_are_googles_own(box: Sandbox) -> None:
    client = by_token(box)
    with pytest.raises(PermissionError):
        client.open_by_key(PRIVATE_BOOK)
    with pytest.raises(gspread.SpreadsheetNotFound):
        client.open_by_key("nowhere")
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.http_client.values_get(OKR_BOOK, "Nowhere!A1")
    assert (caught.value.code, caught.value.error["status"]) == (400, "INVALID_ARGUMENT")
    assert caught.value.error["message"] == "Unable to parse range: Nowhere!A1"
    url = f"{box.sheets_url}/v4/spreadsheets/{OKR_BOOK}"
    assert httpx.get(url).json()["error"]["status"] == "PERMISSION_DENIED"
    assert httpx.get(url, headers={"Authorization": "Bearer no"}).json()["error"]["status"] == "UNAUTHENTICATED"
    assert "API key not valid" in httpx.get(url, params={"key": "no"}).json()["error"]["message"]


def test_blanks_are_dropped_at_the_end_and_kept_inside(shared_box: Sandbox) -> None:
    weeks, beyond, inner = values(shared_box, "Support!A2:A", "Support!A500:B600", "Launch!A2:C2")
    assert weeks[0] == [46279]
    assert weeks[-2:] == [[], ["Counted by the telephone system, without wrong numbers"]]
    assert beyond is None  # no `values` at all
    assert inner == [[46279, "", "1,050"]]


def test_range_may_be_named_in_every_way(shared_box: Sandbox) -> None:
    whole, quoted, first_sheet, named, columns, row, single = values(
        shared_box, "Survey", "'Renewals 2026'!A1:B2", "C11", "SelfServed", "Survey!B:B", "Survey!1:1", "Survey!B2"
    )
    assert whole[2] == [46326, "#REF!"]
    assert quoted[1] == ["DACH", "Enterprise"]
    assert (first_sheet, named, row, single) == ([[1092]], [[0.68]], [["Month", "Score"]], [[71]])
    assert columns == [["Score"], [71], ["#REF!"], [74]]


@pytest.mark.parametrize("text", ["", "A", "Support!", "Support!A2:", "Support!1A", "'Support", "Survey!$"])
def test_invalid_range_is_refused(shared_box: Sandbox, text: str) -> None:
    if text == "Support!":
        assert values(shared_box, text)[0] is not None  # the whole sheet, as on the real site
        return
    with pytest.raises(gspread.exceptions.APIError, match="Unable to parse range"):
        values(shared_box, text)


def test_render_options_choose_the_form_of_a_value(shared_box: Sandbox) -> None:
    def cell(range: str, value: str, dates: str = "SERIAL_NUMBER") -> Any:
        return values(shared_box, range, valueRenderOption=value, dateTimeRenderOption=dates)[0][0][0]

    assert cell("Support!A2", "FORMATTED_VALUE") == "2026-09-14"
    assert cell("Support!A2", "UNFORMATTED_VALUE") == 46279
    assert cell("Support!A2", "UNFORMATTED_VALUE", "FORMATTED_STRING") == "2026-09-14"
    assert cell("Support!F2", "FORMATTED_VALUE") == "68%"
    assert cell("Support!G2", "FORMULA") == "=C11/C2-1"
    assert cell("Support!E2", "UNFORMATTED_VALUE") == 0
    columns = values(shared_box, "Survey!A1:B2", majorDimension="COLUMNS")[0]
    assert columns == [["Month", 46295], ["Score", 71]]
    with pytest.raises(gspread.exceptions.APIError, match="valueRenderOption"):
        cell("Support!A2", "PRETTY")


def test_type_of_an_error_shows_in_the_grid_alone(shared_box: Sandbox) -> None:
    fields = "properties.timeZone,sheets(properties.title,data(rowData(values(effectiveValue))))"
    params = {"ranges": ["Survey!B3"], "fields": fields}
    content = by_token(shared_box).http_client.fetch_sheet_metadata(OKR_BOOK, params)
    assert content["properties"] == {"timeZone": "Europe/Berlin"}
    (sheet,) = content["sheets"]
    assert sheet["properties"] == {"title": "Survey"}
    (row,) = sheet["data"][0]["rowData"]
    assert row["values"][0]["effectiveValue"]["errorValue"]["type"] == "REF"


def test_metadata_lists_sheets_and_named_ranges(shared_box: Sandbox) -> None:
    content = by_token(shared_box).http_client.fetch_sheet_metadata(OKR_BOOK)
    assert content["properties"]["locale"] == "en_US"
    assert content["sheets"][1]["properties"]["index"] == 1
    assert {named["name"] for named in content["namedRanges"]} == {"SelfServed", "Satisfaction"}


def test_values_follow_changes(box: Sandbox) -> None:
    sheets = box.world.sheets
    sheets.set_cell(OKR_BOOK, "Support", "C11", 900.0)
    sheets.set_cell(OKR_BOOK, "Support", "C10", None)
    sheets.set_cell(OKR_BOOK, "Support", "C9", "#REF!")
    sheets.set_cell(OKR_BOOK, "Support", "Z30", True)
    sheets.append_row(OKR_BOOK, "Survey", [date(2026, 11, 20), 80.0])
    assert values(box, "Support!C9:C11", "Support!Z30", "Survey!A5:B5") == [
        [["#REF!"], [], [900]], [[True]], [[46346, 80]],
    ]  # fmt: skip
    sheets.set_cell(OKR_BOOK, "Survey", "B2", "=1+1")
    assert values(box, "Survey!B2", valueRenderOption="FORMULA") == [[["=1+1"]]]
    sheets.rename_sheet(OKR_BOOK, "Support", "Support 2026")
    with pytest.raises(gspread.exceptions.APIError, match="Unable to parse range"):
        values(box, "Support!A1")
    assert values(box, "SelfServed") == [[[0.68]]]


def test_columns_come_and_go_and_named_ranges_follow(box: Sandbox) -> None:
    sheets = box.world.sheets
    sheets.insert_column(OKR_BOOK, "Support", "Calls", "Chats")
    assert values(box, "Support!A1:D1", "Support!D11", "SelfServed") == [
        [["Week", "Agents", "Chats", "Calls"]], [[1092]], [[0.68]],
    ]  # fmt: skip
    sheets.rename_column(OKR_BOOK, "Support", "Chats", "Mails")
    sheets.delete_column(OKR_BOOK, "Support", "Agents")
    assert values(box, "Support!A1:C1", "SelfServed") == [[["Week", "Mails", "Calls"]], [[0.68]]]
    assert sheets.spreadsheets[OKR_BOOK].sheet("Support").column_count == 26
    sheets.delete_column(OKR_BOOK, "Support", "Self-served")
    with pytest.raises(gspread.exceptions.APIError, match="Unable to parse range: SelfServed"):
        values(box, "SelfServed")
    assert values(box, "Satisfaction")[0][0] == [71]
    with pytest.raises(ValueError, match="no column of Survey has the header Chats"):
        sheets.delete_column(OKR_BOOK, "Survey", "Chats")
