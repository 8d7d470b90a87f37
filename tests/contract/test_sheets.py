"""Google Sheets: the connector through gspread against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from connectors.sheets import Sheets
from connectors.sheets.source import SheetsSource
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.sheets.workbook import Cell, Sheet, Spreadsheet, day, typed
from syncd.sdk import ConfigError, Context, Reading, RetryLater, Snapshot, SourceBroken, Stream

BOOK = "book-1"
WEEKS = [date(2026, 10, 5), date(2026, 10, 12), date(2026, 10, 19), date(2026, 10, 26), date(2026, 11, 2)]


def sheet(number: int, title: str, rows: list[list[Any]]) -> Sheet:
    return Sheet(number, title, [[value if isinstance(value, Cell) else typed(value) for value in row] for row in rows])


@pytest.fixture
def desk(box: Sandbox) -> Sandbox:
    support = [
        ["Week", "Calls", "Broken", "Share", "Text", "Note"],
        [WEEKS[0], 1200.0, 1.0, Cell(0.7, "percent"), "1.050,5", "n/a"],
        [WEEKS[1], 0.0, 2.0, Cell(0.57, "percent"), "85%", None],
        [WEEKS[2], None, "#REF!", None, "text", True],
        ["no date", 5.0, None, None, None, None],
        [WEEKS[4], 900.5, "#N/A", Cell(0.85, "percent"), None, None],
    ]
    okrs = [["Team", "Area", "Bugs"], ["web", "a", 0.0], ["api", "a", 4.0], ["api", "b", "#DIV/0!"], ["ops", "a", None]]
    box.world.sheets.add(
        Spreadsheet(
            BOOK,
            "Numbers",
            public=True,
            sheets=[
                sheet(1, "Support", support),
                sheet(2, "It's 2026", okrs),
                sheet(3, "Plan", okrs),
                sheet(4, "Q1", [["Bugs"], [7.0]]),
            ],
            named={"Total": "Support!B6", "Team_bugs": "Plan!A1:C5"},
        )
    )
    box.requests.clear()
    return box


def opened(box: Sandbox, context: Context, **keys: Any) -> SheetsSource:
    keys = keys or {"token": box.credentials["google_token"]}
    settings = {"type": "sheets", "url": box.sheets_url, **keys}
    return Sheets.open(Sheets.Settings.model_validate(settings, context={"resolved": True}), context)


@pytest.fixture
def source(desk: Sandbox, context: Context) -> Iterator[SheetsSource]:
    sheets_source = opened(desk, context)
    yield sheets_source
    sheets_source.close()


def part(**keys: Any) -> str:
    return Sheets.Measure.model_validate({"spreadsheet": BOOK, **keys}).part()


def snapshots(source: SheetsSource, *parts: str, book: str = BOOK) -> list[Snapshot]:
    (page,) = source.pull(Stream(book, "readings", frozenset(parts)), None)
    return [page.readings[part] for part in parts]


def reading_of(source: SheetsSource, **keys: Any) -> Reading:
    (snapshot,) = snapshots(source, part(**keys))
    assert snapshot.problem is None
    (reading,) = snapshot.readings
    return reading


def numbers(snapshot: Snapshot) -> dict[str, float | None]:
    assert snapshot.problem is None
    return {reading.cell: reading.number for reading in snapshot.readings}


def series(values: str, dates: str = "Support!A2:A", **keys: Any) -> str:
    return part(series={"dates": dates, "values": values}, **keys)


def test_all_ranges_of_a_spreadsheet_are_read_in_a_single_request(desk: Sandbox, source: SheetsSource) -> None:
    parts = [series("Support!B2:B"), series("Support!C2:C"), part(cell="Plan!C2"), part(cell="'It''s 2026'!C3")]
    pulled = snapshots(source, *parts)
    assert [len(snapshot.readings) for snapshot in pulled] == [3, 4, 1, 1]
    (request,) = desk.requests
    assert request.path.endswith(f"/v4/spreadsheets/{BOOK}/values:batchGet")
    asked = parse_qs(request.query)
    assert asked["valueRenderOption"] == ["UNFORMATTED_VALUE"]
    assert sorted(asked["ranges"]) == ["'It''s 2026'!C3", "Plan!C2", "Support!A2:A", "Support!B2:B", "Support!C2:C"]


def test_a_series_has_a_reading_for_each_dated_row_that_is_not_blank(source: SheetsSource) -> None:
    (snapshot,) = snapshots(source, series("Support!B2:B"))
    assert numbers(snapshot) == {"Support!B2": 1200, "Support!B3": 0, "Support!B6": 900.5}  # zero is zero
    midnight = [datetime.combine(week, datetime.min.time(), source._context.zone) for week in WEEKS]
    assert [reading.at for reading in snapshot.readings] == [midnight[0], midnight[1], midnight[4]]
    assert len(snapshot.notes) == 1
    assert "Support!B5" in snapshot.notes[0]


def test_an_error_in_a_series_is_a_reading_without_a_number(source: SheetsSource) -> None:
    (snapshot,) = snapshots(source, series("Support!C2:C"))
    assert numbers(snapshot) == {"Support!C2": 1, "Support!C3": 2, "Support!C4": None, "Support!C6": None}
    assert [reading.problem for reading in snapshot.readings[2:]] == ["the error #REF!", "the error #N/A"]


@pytest.mark.parametrize(
    ("cell", "number", "problem"),
    [
        ("Support!B2", 1200, None),
        ("Support!B3", 0, None),
        ("Support!D2", 0.7, None),
        ("Support!C4", None, "the error #REF!"),
        ("Support!F2", None, "the text 'n/a', which is not a number"),
        ("Support!F4", None, "TRUE, which is not a number"),
        ("Support!E2", None, 'the text \'1.050,5\', which is not a number; write as: {decimal: ",", thousands: "."}'),
        ("Support!E3", None, "the text '85%', which is not a number; write as: {percent: true}"),
        ("'Q1'!A2", 7, None),
        ("Total", 900.5, None),
        ("Support!$B$2", 1200, None),
        ("B2", 1200, None),
    ],
)
def test_a_cell_is_a_number_or_a_problem(
    source: SheetsSource, cell: str, number: float | None, problem: str | None
) -> None:
    reading = reading_of(source, cell=cell)
    assert (reading.number, reading.problem, reading.at) == (number, problem, None)


@pytest.mark.parametrize(
    ("cell", "how", "number"),
    [
        ("Support!E2", {"decimal": ",", "thousands": "."}, 1050.5),
        ("Support!E3", {"percent": True}, 85),
        ("Support!D3", {"percent": True}, 57),
        ("Support!D6", {"percent": True}, 85),
        ("Support!B3", {"percent": True}, 0),
        ("Support!E4", {"percent": True}, None),
        ("Support!F4", {"percent": True}, None),
    ],
)
def test_texts_and_percents_are_numbers_with_as(
    source: SheetsSource, cell: str, how: Any, number: float | None
) -> None:
    assert reading_of(source, cell=cell, **{"as": how}).number == number


@pytest.mark.parametrize("cell", ["Support!B4", "Support!Z900", "Plan!C5"])
def test_a_blank_cell_is_no_reading(source: SheetsSource, cell: str) -> None:
    (snapshot,) = snapshots(source, part(cell=cell))
    assert (len(snapshot.readings), snapshot.problem) == (0, None)
    assert "blank" in snapshot.notes[0]


@pytest.mark.parametrize(
    ("dates", "values"),
    [("Week", "Calls"), ("Support!Week", "Support!Calls"), ("Support!A2:A", "Support!Calls"), ("Week", "B2:B")],
)
def test_columns_are_named_by_their_headers(desk: Sandbox, source: SheetsSource, dates: str, values: str) -> None:
    (snapshot,) = snapshots(source, series(values, dates))
    assert numbers(snapshot) == {"Support!B2": 1200, "Support!B3": 0, "Support!B6": 900.5}
    assert len(desk.requests) == 2


def test_names_like_the_address_of_a_cell_are_names_outside_of_cell(desk: Sandbox, source: SheetsSource) -> None:
    rows: list[list[Any]] = [["Week", "B2"], [WEEKS[0], 500.0], [WEEKS[1], 450.0]]
    desk.world.sheets.spreadsheets[BOOK].sheets.insert(0, sheet(9, "Q4", rows))
    pulled = snapshots(
        source,
        series("B2", "Week"),
        series("'Q4'!B2", "'Q4'!Week"),
        part(cell="B2"),
        part(lookup={"table": "Q4", "row": {"Week": "2026-10-12"}, "column": "B2"}),
    )
    column = {"'Q4'!B2": 500, "'Q4'!B3": 450}
    assert [numbers(snapshot) for snapshot in pulled] == [column, column, {"'Q4'!B2": 500}, {"'Q4'!B3": 450}]


def test_a_series_in_rows_is_read(desk: Sandbox, source: SheetsSource) -> None:
    wide = sheet(9, "Wide", [["Week", *WEEKS[:3]], ["Calls", 3.0, None, 5.0]])
    desk.world.sheets.spreadsheets[BOOK].sheets.append(wide)
    (snapshot,) = snapshots(source, series("Wide!B2:Z2", "Wide!B1:Z1"))
    assert numbers(snapshot) == {"Wide!B2": 3, "Wide!D2": 5}


@pytest.mark.parametrize(
    ("table", "row", "column", "number"),
    [
        ("Plan!A1:C", {"Team": "web"}, "Bugs", 0),
        ("Plan", {"Team": "api", "Area": "a"}, "Bugs", 4),
        ("It's 2026", {"Team": "api", "Area": "a"}, "Bugs", 4),
        ("Team_bugs", {"Team": "web"}, "Bugs", 0),
        ("Plan", {"Team": "api"}, "Bugs", None),  # two rows
        ("Plan", {"Team": "none"}, "Bugs", None),
        ("Plan", {"Team": "api", "Area": "b"}, "Bugs", None),  # #DIV/0!
    ],
)
def test_a_lookup_reads_the_cell_of_the_matching_row(
    source: SheetsSource, table: str, row: dict[str, str], column: str, number: float | None
) -> None:
    reading = reading_of(source, lookup={"table": table, "row": row, "column": column})
    assert reading.number == number
    assert (reading.problem is None) == (number is not None)


@pytest.mark.parametrize(
    ("table", "header", "number"),
    [
        ("Titled!A4:B9", 3, 1092),
        ("Titled!A4:B", 3, 1092),
        ("Titled!A5:B9", 3, 1092),
        ("'Titled'!$A$5:$B$9", 3, 1092),
        ("Titled!5:9", 3, 1092),
        ("Titled!A3:B9", 3, 1092),
        ("Titled!A2:B9", None, 1092),  # its first row is blank
        ("Titled", 3, 1092),
        ("Titled!A6:B9", 3, None),  # the row stands above the table
    ],
)
def test_the_header_of_a_lookup_may_stand_above_its_range(
    desk: Sandbox, source: SheetsSource, table: str, header: int | None, number: float | None
) -> None:
    titled = [["Report"], [], ["Team", "Calls"], ["web", 1180.0], ["api", 1092.0], ["ops", 900.0]]
    desk.world.sheets.spreadsheets[BOOK].sheets.append(sheet(9, "Titled", titled))
    lookup = {"table": table, "row": {"Team": "api"}, "column": "Calls"}
    reading = reading_of(source, lookup=lookup, header=header)
    assert (reading.number, reading.cell) == ((number, "Titled!B5") if number else (None, table))


def test_a_header_outside_of_a_table_is_a_problem(source: SheetsSource) -> None:
    lookup = {"row": {"Team": "web"}, "column": "Bugs"}
    below, named = snapshots(
        source,
        part(lookup={"table": "Plan!A2:C5", **lookup}, header=8),
        part(lookup={"table": "Team_bugs", **lookup}, header=9),
    )
    assert "header: 8 is below Plan!A2:C5" in (below.problem or "")
    assert "row 9 has: nothing" in (named.problem or "")


def test_a_header_below_blank_rows_names_its_columns(desk: Sandbox, source: SheetsSource) -> None:
    rows: list[list[Any]] = [[], [None, " "], ["Week", "Calls"], [WEEKS[0], 1180.0]]
    desk.world.sheets.spreadsheets[BOOK].sheets.append(sheet(9, "Low", rows))
    (snapshot,) = snapshots(source, series("Low!Calls", "Low!Week"))
    assert numbers(snapshot) == {"Low!B4": 1180}


def test_a_missing_header_is_a_problem_that_names_the_others(source: SheetsSource) -> None:
    broken, whole = snapshots(source, series("Anrufe", "Week"), series("Calls", "Week"))
    assert broken.problem is not None
    assert "Week, Calls, Broken, Share, Text, Note" in broken.problem
    assert len(whole.readings) == 3


def test_a_deleted_sheet_fails_only_its_own_part(source: SheetsSource) -> None:
    gone, named, here, total = snapshots(
        source, series("Gone!B2:B", "Gone!A2:A"), part(cell="Old!B2"), series("Support!B2:B"), part(cell="Total")
    )
    assert "Gone!" in (gone.problem or "")
    assert "Old!B2" in (named.problem or "")
    assert (len(here.readings), total.readings[0].number) == (3, 900.5)


def test_a_renamed_sheet_is_a_problem_and_not_an_empty_series(desk: Sandbox, source: SheetsSource) -> None:
    desk.world.sheets.rename_sheet(BOOK, "Support", "Help")
    (snapshot,) = snapshots(source, series("Support!B2:B"))
    assert snapshot.problem is not None


def test_an_all_blank_range_is_an_empty_series(source: SheetsSource) -> None:
    (snapshot,) = snapshots(source, series("Support!X2:X"))
    assert (len(snapshot.readings), snapshot.problem) == (0, None)


def test_an_edit_is_seen_by_the_next_pull(desk: Sandbox, source: SheetsSource) -> None:
    before, _ = snapshots(source, part(cell="Plan!C2"), part(cell="Plan!C5"))
    desk.world.sheets.set_cell(BOOK, "Plan", "C2", 3.0)
    after, _ = snapshots(source, part(cell="Plan!C2"), part(cell="Plan!C5"))
    assert (before.readings[0].number, after.readings[0].number) == (0, 3)


# -- who asks


@pytest.mark.parametrize("way", ["token", "api_key", "credentials"])
def test_each_kind_of_credential_reads_and_passes_the_doctor(
    desk: Sandbox, context: Context, tmp_path: Path, way: str
) -> None:
    desk.service_account(tmp_path / "google.json")
    keys = {
        "token": {"token": desk.credentials["google_token"]},
        "api_key": {"api_key": desk.credentials["google_api_key"]},
        "credentials": {"credentials": "google.json"},  # below the settings' folder
    }[way]
    source = opened(desk, replace(context, folder=str(tmp_path)), **keys)
    assert reading_of(source, cell="Plan!C3").number == 4
    assert {check.name: check.ok for check in source.check()}["authenticated"]


def test_an_api_key_reads_public_spreadsheets_only(desk: Sandbox, context: Context) -> None:
    desk.world.sheets.spreadsheets[BOOK].public = False
    with pytest.raises(SourceBroken, match="permission"):
        snapshots(opened(desk, context, api_key=desk.credentials["google_api_key"]), part(cell="Plan!C3"))


def test_a_spreadsheet_that_is_not_shared_is_refused(desk: Sandbox, source: SheetsSource) -> None:
    book = desk.world.sheets.spreadsheets[BOOK]
    book.shared = book.public = False
    with pytest.raises(SourceBroken, match="permission"):
        snapshots(source, part(cell="Plan!C3"))


def test_a_missing_spreadsheet_is_refused(source: SheetsSource) -> None:
    with pytest.raises(SourceBroken, match="not found"):
        snapshots(source, part(cell="Plan!C3"), book="none")


@pytest.mark.parametrize("keys", [{"token": "wrong-token-77"}, {"api_key": "wrong-key-77"}])
def test_refused_credentials_are_not_tried_again(
    desk: Sandbox, context: Context, keys: dict[str, str], slept: list[float]
) -> None:
    source = opened(desk, context, **keys)
    with pytest.raises(SourceBroken) as caught:
        snapshots(source, part(cell="Plan!C3"))
    assert slept == []
    assert "77" not in str(caught.value)
    assert not {check.name: check.ok for check in source.check()}["authenticated"]


def test_a_deleted_service_account_is_refused(desk: Sandbox, context: Context, tmp_path: Path) -> None:
    source = opened(desk, context, credentials=str(desk.service_account(tmp_path / "google.json")))
    desk.fault(Fault("token", "unauthorized"))
    with pytest.raises(SourceBroken, match="Google"):
        snapshots(source, part(cell="Plan!C3"))


@pytest.mark.parametrize("text", [None, "{}", "no JSON", '{"type": "authorized_user"}'])
def test_a_wrong_credentials_file_is_named(desk: Sandbox, context: Context, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "google.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"google\.json"):
        opened(desk, context, credentials=str(tmp_path / "google.json"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "needs"),
        ({"token": "${A}", "api_key": "${B}"}, "keep one"),
        ({"token": "written-out"}, "${TOKEN}"),
        ({"token": "${A}", "url": "sheets.googleapis.com"}, "https://"),
    ],
)
def test_wrong_settings_are_refused_with_what_to_write(keys: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sheets.Settings.model_validate({"type": "sheets", **keys})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"spreadsheet": "https://docs.google.com/spreadsheets/d/1AbC/edit", "cell": "A1"},
        {"spreadsheet": "a b", "cell": "A1"},
        {"spreadsheet": BOOK},
        {"spreadsheet": BOOK, "cell": "A1:B2"},
        {"spreadsheet": BOOK, "cell": "A1", "lookup": {"table": "T", "row": {"a": 1}, "column": "b"}},
        {"spreadsheet": BOOK, "lookup": {"table": "T", "row": {}, "column": "b"}},
    ],
)
def test_wrong_measures_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sheets.Measure.model_validate(keys)


# -- what goes wrong


@pytest.mark.parametrize("form", ["object", "null_rows"])
def test_an_answer_of_other_types_gives_nothing(desk: Sandbox, source: SheetsSource, form: Any) -> None:
    desk.fault(Fault("sheets", "wrong_types", form=form))
    with pytest.raises(RetryLater, match="not what Google documents"):
        snapshots(source, part(cell="Plan!C3"))


def test_a_broken_token_endpoint_is_tried_again(desk: Sandbox, context: Context, tmp_path: Path) -> None:
    source = opened(desk, context, credentials=str(desk.service_account(tmp_path / "google.json")))
    desk.fault(Fault("token", "reset", times=1))
    assert reading_of(source, cell="Plan!C3").number == 4


def test_dates_are_read_and_a_number_that_is_no_date_may_be_any(desk: Sandbox, source: SheetsSource) -> None:
    rows: list[list[Any]] = [[Cell(1e12, "plain"), 5.0], [day(WEEKS[0]), 6.0], [Cell(46300.604166666664, "date"), 7.0]]
    rows.append([Cell(202612, "plain"), 8.0])
    desk.world.sheets.spreadsheets[BOOK].sheets.append(sheet(9, "Odd", rows))
    (snapshot,) = snapshots(source, series("Odd!B1:B", "Odd!A1:A"))
    assert numbers(snapshot) == {"Odd!B2": 6, "Odd!B3": 7, "Odd!B1": None, "Odd!B4": None}
    problem = next(reading.problem or "" for reading in snapshot.readings if reading.cell == "Odd!B4")
    assert problem.startswith("a number whose date '202612' cannot be read; write ")
    assert snapshot.readings[1].at == datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


def test_a_column_with_the_name_of_a_sheet_is_the_column(desk: Sandbox, source: SheetsSource) -> None:
    desk.world.sheets.set_cell(BOOK, "Support", "C1", "Plan")
    (by_name,) = snapshots(source, series("Plan", dates="Support!A2:A"))
    (by_range,) = snapshots(source, series("Support!C2:C"))
    assert numbers(by_name) == numbers(by_range)


@pytest.mark.parametrize(
    ("cell", "says"),
    [("1e999", "a number beyond 1.8e308"), ("[" * 500 + "]" * 500, "nested more than 100 levels deep")],
)
def test_answer_beyond_a_bound_is_refused_in_words(desk: Sandbox, source: SheetsSource, cell: str, says: str) -> None:
    body = '{"valueRanges": [{"range": "Support!B2", "values": [[' + cell + "]]}]}"
    desk.fault(Fault("sheets", status=200, body=body))
    with pytest.raises(SourceBroken, match=says):
        snapshots(source, part(cell="Support!B2"))
