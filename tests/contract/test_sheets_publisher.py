"""Google Sheets: check-ins to the cells of a sheet, through gspread against the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.sheets import Sheets
from connectors.sheets.cells import ranges
from connectors.sheets.publisher import SheetsPublisher
from syncd.publishing.overwriting import decide
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.credentials import SERVICE_EMAIL, Credentials
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, Workbooks, typed
from syncd.sdk import ConfigError, Content, Context, RetryLater, SourceBroken, SourceError, Statement, Written
from syncd.sdk.testing import statement

BOOK = "1AbC"
COLUMNS = {"value": "D", "progress": "E", "health": "F", "updated": "G"}
TABLE = [
    ["KR", "Title", "Owner", "Value", "Progress", "Health", "As of", "Difference"],
    ["calls", "Calls fall", "support", None, None, None, None, "=D2-1200"],
    [None, "a line between"],
    ["articles", "40 articles", "web", None, None, None, None, "=D4-40"],
    ["Total", None, None, "=SUM(D2:D4)"],
]


def sheet(number: int, title: str, table: list[list[Any]]) -> Sheet:
    return Sheet(number, title, [[typed(cell) for cell in row] for row in table])


@pytest.fixture
def desk(box: Sandbox) -> Sandbox:
    box.world.sheets.add(Spreadsheet(BOOK, "Goals", sheets=[sheet(7, "Read me", [["x"]]), sheet(8, "OKRs", TABLE)]))
    return box


@pytest.fixture
def once(context: Context) -> Context:
    """The context that syncd gives a publisher: each request is made once."""
    return replace(context, retry=replace(context.retry, attempts=1))


def keys(**more: Any) -> Any:
    asked = {"spreadsheet": BOOK, "sheet": "OKRs", "key_column": "A", "columns": COLUMNS, **more}
    return Sheets.Publish.model_validate(asked)


def opened(box: Sandbox, context: Context, given: Any = None, **account: Any) -> SheetsPublisher:
    account = account or {"token": box.credentials["google_token"]}
    settings = {"type": "sheets", "url": box.sheets_url, **account}
    return Sheets.publisher(
        Sheets.Settings.model_validate(settings, context={"resolved": True}), context, given or keys()
    )


@pytest.fixture
def publisher(desk: Sandbox, once: Context) -> Iterator[SheetsPublisher]:
    sheets_publisher = opened(desk, once)
    yield sheets_publisher
    sheets_publisher.close()


def deliver(publisher: SheetsPublisher, *check_ins: Statement) -> dict[str, Written]:
    """Reads, decides as syncd does at the first delivery, and writes. Returns what was read."""
    wanted = {check_in.key_result: publisher.content(check_in) for check_in in check_ins}
    targets = publisher.read(wanted)
    writes: dict[str, Content] = {}
    for name, content in wanted.items():
        if targets[name].absent is None:
            writes[name] = decide(targets[name].content, content, {}, override=False).write
    if any(writes.values()):
        publisher.write({name: content for name, content in writes.items() if content})
    return dict(targets)


def grid(box: Sandbox, title: str = "OKRs") -> list[list[Any]]:
    """What was entered into each cell: its formula if it has one, else its value."""
    rows = [
        [cell.formula or cell.value for cell in row] for row in box.world.sheets.spreadsheets[BOOK].sheet(title).rows
    ]
    return [row[: len(row) - next((n for n, cell in enumerate(reversed(row)) if cell is not None), 0)] for row in rows]


def asked(box: Sandbox) -> list[tuple[str, str]]:
    return [(request.method, request.path.rpartition(BOOK)[2]) for request in box.requests if BOOK in request.path]


READ_WRITE_AND_CHECK = [("GET", "/values:batchGet"), ("POST", "/values:batchUpdate"), ("GET", "/values:batchGet")]
CALLS = [1092.0, 0.18, "Off track", "2030-01-01 12:00"]


def test_the_cells_of_a_row_are_set_and_no_others(desk: Sandbox, publisher: SheetsPublisher) -> None:
    deliver(publisher, statement("calls"), statement("articles", value=0.0, progress=None, health="at_risk"))
    expected = [list(row) for row in TABLE]
    expected[1][3:7] = CALLS
    expected[3][3:7] = [0.0, None, "At risk", "2030-01-01 12:00"]
    assert grid(desk) == expected
    assert grid(desk, "Read me") == [["x"]]
    assert asked(desk) == READ_WRITE_AND_CHECK


def test_a_place_says_where_it_is(publisher: SheetsPublisher) -> None:
    targets = deliver(publisher, statement("calls"))
    assert targets["calls"].where == {
        "value in D": "OKRs!D2",
        "progress in E": "OKRs!E2",
        "health in F": "OKRs!F2",
        "updated in G": "OKRs!G2",
    }
    assert keys().target("calls") == "OKRs!calls in 1AbC"
    assert keys(sheet="It's 2026").target("calls") == "'It''s 2026'!calls in 1AbC"


def test_a_text_that_begins_as_a_formula_stays_a_text(desk: Sandbox, once: Context) -> None:
    """A title could hold IMPORTXML, which sends data elsewhere."""
    deliver(opened(desk, once, keys(columns={"note": "D"})), statement("calls", note='=IMPORTXML("x","y")'))
    cell = desk.world.sheets.spreadsheets[BOOK].sheet("OKRs").cell(1, 3)
    assert (cell.value, cell.formula) == ('=IMPORTXML("x","y")', None)


def test_a_formula_in_a_cell_is_left_alone(desk: Sandbox, publisher: SheetsPublisher) -> None:
    """Whatever its result: the number that the cell shows was not entered."""
    desk.world.sheets.set_cell(BOOK, "OKRs", "D2", "=SUM(H1:H9)")
    targets = deliver(publisher, statement("calls", value=0.0))
    assert targets["calls"].content["value in D"] == "=SUM(H1:H9)"
    assert grid(desk)[1][3] == "=SUM(H1:H9)"


def test_a_ticked_box_is_not_a_number(desk: Sandbox, publisher: SheetsPublisher) -> None:
    """Python would take TRUE for 1, and would not write the number 1 over it."""
    desk.world.sheets.set_cell(BOOK, "OKRs", "D2", True)
    assert deliver(publisher, statement("calls", value=1.0))["calls"].content["value in D"] == "TRUE"


def test_a_named_range_with_the_name_of_the_sheet_is_not_the_sheet(desk: Sandbox, once: Context) -> None:
    """Without quotes Google would read the named range, whose rows are not those of the sheet."""
    desk.world.sheets.spreadsheets[BOOK].named["OKRs"] = "Read me!A1:A1"
    deliver(opened(desk, once, keys(key_column="kr", columns={"value": "Value"})), statement("calls"))
    assert grid(desk)[1][3] == CALLS[0]


@pytest.mark.parametrize("columns", [{"value": "Value", "health": "health "}, {"value": "D", "health": "Health"}])
def test_a_column_is_named_by_its_header(desk: Sandbox, once: Context, columns: dict[str, str]) -> None:
    desk.world.sheets.insert_column(BOOK, "OKRs", "Health", "Trend")
    deliver(opened(desk, once, keys(key_column="kr", columns=columns)), statement("calls"))
    assert grid(desk)[1][3:7] == [1092.0, None, None, "Off track"]
    assert len(asked(desk)) == 3


def test_a_key_result_without_a_row_is_absent_and_the_others_are_written(
    desk: Sandbox, publisher: SheetsPublisher
) -> None:
    targets = deliver(publisher, statement("nps"), statement("calls"))
    assert targets["nps"].absent == "OKRs has no row for it in column A; add one, or set create: true"
    assert grid(desk)[1][3:7] == CALLS


def test_a_key_result_with_two_rows_is_absent(desk: Sandbox, publisher: SheetsPublisher) -> None:
    desk.world.sheets.set_cell(BOOK, "OKRs", "A5", " calls ")
    targets = deliver(publisher, statement("calls"))
    assert targets["calls"].absent == "OKRs has 'calls' in the rows 2 and 5; keep one of them"
    assert grid(desk)[1] == TABLE[1]


def test_ids_that_are_calculated_are_not_read(desk: Sandbox, publisher: SheetsPublisher) -> None:
    desk.world.sheets.set_cell(BOOK, "OKRs", "A2", '="ca"&"lls"')
    targets = deliver(publisher, statement("calls"))
    assert str(targets["calls"].absent).endswith("in column A, which holds formulas; write the ids themselves there")


def test_an_id_of_digits_that_is_stored_as_a_number_is_recognized(desk: Sandbox, publisher: SheetsPublisher) -> None:
    desk.world.sheets.set_cell(BOOK, "OKRs", "A3", 2027.0)
    assert deliver(publisher, statement("2027"))["2027"].where["value in D"] == "OKRs!D3"


# -- Many at once


def test_a_thousand_key_results_take_a_single_read_and_write(desk: Sandbox, once: Context) -> None:
    book = desk.world.sheets.spreadsheets[BOOK]
    book.sheets[1] = sheet(8, "OKRs", [["KR"], *([f"kr-{number}"] for number in range(1000))])
    book.sheets[1].row_count = 1001
    check_ins = [statement(f"kr-{number}", value=float(number)) for number in range(1000)]
    deliver(opened(desk, once), *check_ins)
    assert asked(desk) == READ_WRITE_AND_CHECK
    assert [row[3] for row in grid(desk)[1:]] == [float(number) for number in range(1000)]
    deliver(opened(desk, once), *check_ins)
    assert len(asked(desk)) == 4  # nothing differs


def test_cells_are_sent_as_a_range_for_each_run_of_rows() -> None:
    cells = {(row, column): float(row) for row in (1, 2, 3, 7) for column in (3, 4)} | {(9, 0): None}
    assert [(value_range["range"], value_range["values"]) for value_range in ranges("It's", cells)] == [
        ("'It''s'!A10", [[""]]),
        ("'It''s'!D2:D4", [[1.0, 2.0, 3.0]]),
        ("'It''s'!D8", [[7.0]]),
        ("'It''s'!E2:E4", [[1.0, 2.0, 3.0]]),
        ("'It''s'!E8", [[7.0]]),
    ]


# -- What is made


def test_a_sheet_is_made_with_a_header_and_a_row_for_each_key_result(desk: Sandbox, once: Context) -> None:
    given = keys(sheet="Q4", key_column="Key result", columns={"value": "Now", "health": "B"}, create=True)
    deliver(opened(desk, once, given), statement("calls"), statement("articles", value=33.0, health="done"))
    assert grid(desk, "Q4") == [
        ["Key result", "health", "Now"],
        ["calls", "Off track", 1092.0],
        ["articles", "Done", 33.0],
    ]
    deliver(opened(desk, once, given), statement("calls"), statement("nps", value=41.0, health="unknown"))
    assert grid(desk, "Q4")[3:] == [["nps", "Unknown", 41.0]]


def test_a_header_above_lettered_columns_has_the_names_of_the_values(desk: Sandbox, once: Context) -> None:
    deliver(opened(desk, once, keys(sheet="Q4", columns={"value": "AC"}, create=True)), statement("calls"))
    header, row = grid(desk, "Q4")
    assert (header[0], header[28], row[0], row[28]) == ("key_result", "value", "calls", 1092.0)


NOTES = [[None, "Sum of the quarter", None, "=SUM(D2:D4)"], [None, "Frozen until 1 December"]]


def test_a_new_row_comes_below_the_table_and_above_what_people_wrote_there(desk: Sandbox, once: Context) -> None:
    """Their texts may be in columns that syncd has nothing to do with."""
    desk.world.sheets.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", [*TABLE[:4], *NOTES])
    deliver(opened(desk, once, keys(columns={"value": "D"}, create=True)), statement("nps"), statement("calls"))
    assert grid(desk) == [
        *TABLE[:1],
        [*TABLE[1][:3], CALLS[0], *TABLE[1][4:]],
        *TABLE[2:4],
        ["nps", None, None, CALLS[0]],
        *NOTES,
    ]


def test_a_new_row_comes_below_all_others_if_its_place_was_taken_meanwhile(desk: Sandbox, once: Context) -> None:
    table = [*TABLE[:4], *NOTES]
    desk.world.sheets.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", table)

    def meanwhile() -> None:
        """Somebody types into the row that is about to be inserted."""
        desk.world.sheets.before_next_write = lambda: desk.world.sheets.set_cell(BOOK, "OKRs", "B5", "mine")

    desk.world.sheets.before_next_write = meanwhile
    publisher = opened(desk, once, keys(columns={"value": "D"}, create=True))
    with pytest.raises(RetryLater, match="somebody moved rows of OKRs while syncd wrote to them"):
        deliver(publisher, statement("nps"))
    assert grid(desk)[4] == [None, "mine"]
    deliver(publisher, statement("nps"))
    assert grid(desk) == [*TABLE[:4], ["nps", None, None, CALLS[0]], [None, "mine"], *NOTES]


def test_a_new_row_comes_below_all_others_and_the_sheet_grows(desk: Sandbox, once: Context) -> None:
    desk.world.sheets.spreadsheets[BOOK].sheet("OKRs").row_count = len(TABLE)
    deliver(opened(desk, once, keys(create=True)), statement("nps"))
    assert grid(desk)[:-1] == TABLE
    assert grid(desk)[-1] == ["nps", None, None, *CALLS]


# -- People who edit between a read and a write

BOARD = [
    ["KR", "Title", "Value", "Health"],
    ["calls", "Calls fall", 5.0, "At risk"],
    ["nps", "NPS", 40.0, "On track"],
    ["articles", "40 articles", 7.0, "Done"],
    [None, "a note", "n/a", None],
]
LETTERS = {"key_column": "A", "columns": {"value": "C", "health": "D"}}
HEADERS = {"key_column": "kr", "columns": {"value": "Value", "health": "Health"}}
EDITS: dict[str, Callable[[Workbooks], None]] = {
    "sorted": lambda books: books.sort_rows(BOOK, "OKRs", "KR"),
    "sorted the other way": lambda books: books.sort_rows(BOOK, "OKRs", "KR", descending=True),
    "sorted by another column": lambda books: books.sort_rows(BOOK, "OKRs", "Title"),
    "a row inserted": lambda books: books.insert_row(BOOK, "OKRs", 2, [None, "new"]),
    "a blank row inserted": lambda books: books.insert_row(BOOK, "OKRs", 2, []),
    "a row deleted": lambda books: books.delete_row(BOOK, "OKRs", 3),
    "nothing moved": lambda books: books.set_cell(BOOK, "OKRs", "B2", "Fewer calls"),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", list(EDITS))
@pytest.mark.parametrize("columns", [LETTERS, HEADERS], ids=["letters", "headers"])
def test_rows_that_move_while_syncd_writes_keep_their_own_numbers(
    desk: Sandbox, once: Context, columns: Any, name: str
) -> None:
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", BOARD)
    publisher = opened(desk, once, keys(**columns))
    check_ins = [statement("calls", value=9.0, health="done"), statement("articles", value=33.0, health="at_risk")]

    def write() -> None:
        wanted = {check_in.key_result: publisher.content(check_in) for check_in in check_ins}
        present = publisher.read(wanted)
        publisher.write({key: content for key, content in wanted.items() if present[key].absent is None})

    books.before_next_write = lambda: EDITS[name](books)
    if name == "nothing moved":
        write()
    else:
        with pytest.raises(RetryLater, match="somebody moved rows of OKRs while syncd wrote to them"):
            write()
        rows = {row[0]: row[2:] for row in grid(desk) if row and row[0]}
        assert rows.get("nps") in ([40.0, "On track"], None), "what was overwritten is there again"
        write()
    expected = {row[1]: row[2:] for row in BOARD if row[0] != "nps" or name != "a row deleted"}
    expected |= {"Calls fall": [9.0, "Done"], "40 articles": [33.0, "At risk"]}
    expected |= {"Fewer calls": expected.pop("Calls fall")} if name == "nothing moved" else {}
    expected |= {"new": []} if name == "a row inserted" else {}
    expected["a note"] = ["n/a"]
    assert {row[1]: row[2:] for row in grid(desk) if any(row)} == expected


def test_row_of_a_key_result_that_is_deleted_while_syncd_writes_is_absent_then(desk: Sandbox, once: Context) -> None:
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", BOARD)
    publisher = opened(desk, once, keys(**LETTERS))
    wanted = {"calls": publisher.content(statement("calls", value=9.0))}
    publisher.read(wanted)
    books.before_next_write = lambda: books.delete_row(BOOK, "OKRs", 2)
    with pytest.raises(RetryLater):
        publisher.write(wanted)
    assert grid(desk) == [BOARD[0], *BOARD[2:4], [None, "a note", "n/a"]]
    assert "has no row for it" in (publisher.read(wanted)["calls"].absent or "")


NARROW = [["KR", "Value"], ["calls", 5.0], ["nps", 40.0], ["articles", 7.0]]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("at", [2, 3, 4])
@pytest.mark.parametrize(
    ("inserted", "new"),
    [
        (1, ["signups"]),
        (1, ["signups", "visits"]),
        (2, ["signups", "visits"]),
        (2, ["signups", "visits", "trials"]),
    ],
)
def test_row_that_moved_under_a_new_row_is_there_again(
    desk: Sandbox, once: Context, at: int, inserted: int, new: list[str]
) -> None:
    """All its cells are in columns that syncd writes, so nothing of it is left."""
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", NARROW)
    publisher = opened(desk, once, keys(columns={"value": "B"}, create=True))
    check_ins = [statement(name, value=9.0) for name in new]

    def insert() -> None:
        for _ in range(inserted):
            books.insert_row(BOOK, "OKRs", at, [])

    books.before_next_write = insert
    with pytest.raises(RetryLater, match="somebody moved rows of OKRs"):
        deliver(publisher, *check_ins)
    deliver(publisher, *check_ins)
    values = {row[0]: row[1] for row in grid(desk) if row}
    assert values == {**{row[0]: row[1] for row in NARROW}, **dict.fromkeys(new, 9.0)}


def test_row_that_was_deleted_beside_a_new_row_stays_deleted(desk: Sandbox, once: Context) -> None:
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", NARROW)
    publisher = opened(desk, once, keys(columns={"value": "B"}, create=True))
    books.before_next_write = lambda: books.delete_row(BOOK, "OKRs", 4)
    deliver(publisher, statement("signups", value=9.0))
    assert [row for row in grid(desk) if row] == [*NARROW[:3], ["signups", 9.0]]


def test_write_whose_answer_was_lost_is_checked_with_the_next_read(desk: Sandbox, once: Context) -> None:
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", BOARD)
    publisher = opened(desk, once, keys(**LETTERS))
    wanted = {"calls": publisher.content(statement("calls", value=9.0))}
    publisher.read(wanted)
    books.before_next_write = lambda: books.sort_rows(BOOK, "OKRs", "KR")
    desk.fault(Fault("sheets", "reset_after", method="POST"))
    with pytest.raises(RetryLater):
        publisher.write(wanted)
    desk.heal()
    assert grid(desk)[1] == ["articles", "40 articles", 9.0, "Off track"]
    with pytest.raises(RetryLater, match="somebody moved rows"):
        publisher.read(wanted)
    assert grid(desk)[1] == BOARD[3]
    publisher.read(wanted)


def test_formula_that_was_overwritten_in_a_row_that_moved_is_named(desk: Sandbox, once: Context) -> None:
    """Its references moved with it, so syncd cannot tell what to write."""
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", [*BOARD[:3], ["sum", "all", "=SUM(C2:C3)", None]])
    publisher = opened(desk, once, keys(**LETTERS))
    wanted = {"nps": publisher.content(statement("nps", value=41.0))}
    publisher.read(wanted)
    books.before_next_write = lambda: books.delete_row(BOOK, "OKRs", 2)
    with pytest.raises(SourceBroken, match="syncd overwrote OKRs!C3; what was there is in the spreadsheet's version"):
        publisher.write(wanted)
    assert grid(desk)[1:] == [BOARD[2], ["sum", "all"]]


def test_column_that_is_inserted_while_syncd_writes_shifts_no_number(desk: Sandbox, once: Context) -> None:
    books = desk.world.sheets
    books.spreadsheets[BOOK].sheets[1] = sheet(8, "OKRs", BOARD)
    publisher = opened(desk, once, keys(**HEADERS))
    wanted = {"calls": publisher.content(statement("calls", value=9.0, health="done"))}
    publisher.read(wanted)
    books.before_next_write = lambda: books.insert_column(BOOK, "OKRs", "Value", "Team")
    with pytest.raises(RetryLater):
        publisher.write(wanted)
    assert grid(desk)[1] == ["calls", "Calls fall", None, 5.0, "At risk"]
    publisher.read(wanted)
    publisher.write(wanted)
    assert grid(desk)[1] == ["calls", "Calls fall", None, 9.0, "Done"]


# -- The log

HEADER = ["updated", "period", "key_result", "value", "progress", "health", "quality", "note"]


def test_the_log_gets_a_row_for_every_statement(desk: Sandbox, once: Context) -> None:
    given = keys(log="History", columns={"value": "D"})
    first, other = statement("calls"), statement("articles", value=None, progress=None, note=None)
    later = statement("calls", updated=first.updated + timedelta(seconds=5), note="=1", health="done")
    for check_ins in ((first, other), (first, other), (later, other)):
        deliver(opened(desk, once, given), *check_ins)
    assert grid(desk, "History") == [
        HEADER,
        ["2030-01-01 12:00:00", "2030-Q1", "calls", 1092.0, 0.18, "Off track", "complete", first.note],
        ["2030-01-01 12:00:00", "2030-Q1", "articles", None, None, "Off track", "complete"],
        ["2030-01-01 12:00:05", "2030-Q1", "calls", 1092.0, 0.18, "Done", "complete", "=1"],
    ]
    writes = [path for method, path in asked(desk) if method == "POST"]
    assert writes == [":batchUpdate", "/values:batchUpdate", "/values:batchUpdate"]


def test_the_log_gets_no_second_row_for_what_its_newest_row_says(desk: Sandbox, once: Context) -> None:
    """After a restore, the ledger lacks a check-in that is in the log, and syncd states it again at a later time."""
    given = keys(log="History", columns={"value": "D"})
    first = statement("calls", value=1 / 3, note=None)
    second = replace(first, value=900.0, updated=first.updated + timedelta(minutes=1))

    def later(minutes: int, check_in: Statement) -> Statement:
        return replace(check_in, updated=first.updated + timedelta(minutes=minutes))

    for check_in, rows in (
        (first, 1), (later(1, second), 2), (later(2, second), 2), (later(3, first), 3), (later(4, first), 3),
        (later(5, replace(first, note="late")), 4), (later(6, replace(first, period="2030-Q2")), 5),
    ):  # fmt: skip
        deliver(opened(desk, once, given), check_in)
        assert len(grid(desk, "History")) == 1 + rows
    sheet = desk.world.sheets.spreadsheets[BOOK].sheet("History")
    sheet.rows[1:] = sheet.rows[:0:-1]  # somebody sorts it
    deliver(opened(desk, once, given), later(7, replace(first, period="2030-Q2")))
    assert len(grid(desk, "History")) == 6


def test_a_sheet_that_is_not_a_log_is_left_alone(desk: Sandbox, once: Context) -> None:
    with pytest.raises(SourceBroken, match="the first row of Read me is not the header of a log"):
        deliver(opened(desk, once, keys(log="Read me")), statement("calls"))
    assert grid(desk, "Read me") == [["x"]]
    assert grid(desk) == TABLE


def test_a_check_in_without_a_row_is_not_in_the_log(desk: Sandbox, once: Context) -> None:
    deliver(opened(desk, once, keys(log="History")), statement("nps"))
    assert [page.title for page in desk.world.sheets.spreadsheets[BOOK].sheets] == ["Read me", "OKRs"]


# -- What is wrong with the sheet, or with the account


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"sheet": "Goals"}, "there is no sheet 'Goals'; correct sheet in publish:, or set create: true "
         "(there are: Read me, OKRs)"),
        ({"columns": {"value": "Status"}}, "OKRs has no column 'Status'; correct it in publish: "
         "(its first row has: KR, Title, Owner, Value, Progress, Health, As of, Difference)"),
        ({"columns": {"value": "KPI"}},
         "OKRs has no column KPI: its last column is Z; if KPI is a header, write 'kpi' in publish:"),
        ({"columns": {"value": "D", "health": "Value"}}, "'D' and 'Value' are the same column of OKRs"),
        ({"key_column": "KR", "columns": {"value": "Value"}, "create": True},
         "OKRs has no column KR: its last column is Z; if KR is a header, write 'kr' in publish:"),
        ({"key_column": "a"}, "OKRs has no column 'a'; correct it in publish:, or write 'A' for the column of that"),
        ({"spreadsheet": "1Gone"}, "there is no spreadsheet 1Gone; correct it in publish: (HTTP 404"),
    ],
)  # fmt: skip
def test_an_error_says_what_to_do(desk: Sandbox, once: Context, more: Any, message: str) -> None:
    with pytest.raises(SourceBroken) as caught:
        deliver(opened(desk, once, keys(**more)), statement("calls"))
    assert message in str(caught.value)
    assert grid(desk) == TABLE


def test_a_repeated_header_is_refused(desk: Sandbox, once: Context) -> None:
    desk.world.sheets.set_cell(BOOK, "OKRs", "H1", "Value")
    with pytest.raises(SourceBroken, match="OKRs has 'Value' above columns D and H; write the letter of the right one"):
        deliver(opened(desk, once, keys(columns={"value": "Value"})), statement("calls"))


def test_a_header_of_capital_letters_is_named_in_lower_case(desk: Sandbox, once: Context) -> None:
    desk.world.sheets.set_cell(BOOK, "OKRs", "J1", "NPS")
    assert deliver(opened(desk, once, keys(columns={"value": "nps"})), statement("calls"))["calls"].where == {
        "value in nps": "OKRs!J2"
    }


def test_a_service_account_asks_for_no_more_than_it_needs(
    desk: Sandbox, once: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes: list[str] = []
    give = Credentials.new_google_token

    def note(self: Credentials, scope: str) -> str:
        scopes.append(scope)
        return give(self, scope)

    monkeypatch.setattr(Credentials, "new_google_token", note)
    account = {"credentials": str(desk.service_account(tmp_path / "google.json"))}
    deliver(opened(desk, once, **account), statement("calls"))
    assert grid(desk)[1][3:7] == CALLS
    settings = Sheets.Settings.model_validate({"type": "sheets", "url": desk.sheets_url, **account})
    assert {check.name: check.ok for check in Sheets.open(settings, once).check()}["authenticated"]
    whole = "https://www.googleapis.com/auth/spreadsheets"
    assert scopes == [whole, f"{whole}.readonly"]


def test_a_spreadsheet_that_is_not_shared_names_the_account(desk: Sandbox, once: Context, tmp_path: Path) -> None:
    book = desk.world.sheets.spreadsheets[BOOK]
    publisher = opened(desk, once, credentials=str(desk.service_account(tmp_path / "google.json")))
    for book.shared, book.editable in ((False, False), (True, False)):
        with pytest.raises(SourceBroken, match=f"share the spreadsheet {BOOK} with {SERVICE_EMAIL} as editor"):
            deliver(publisher, statement("calls"))


def test_a_token_that_may_only_read_names_the_scope(desk: Sandbox, once: Context) -> None:
    publisher = opened(desk, once, token=desk.credentials["google_readonly_token"])
    with pytest.raises(
        SourceBroken, match=r"needs the scope https://www\.googleapis\.com/auth/spreadsheets \(HTTP 403"
    ):
        deliver(publisher, statement("calls"))


def test_any_other_refusal_is_quoted(desk: Sandbox, publisher: SheetsPublisher) -> None:
    refusal = "You are trying to edit a protected cell or object."
    desk.fault(Fault("sheets", method="POST", status=400, body=f'{{"error": {{"code": 400, "message": "{refusal}"}}}}'))
    with pytest.raises(SourceBroken, match=rf"Google refuses the request \(HTTP 400: {refusal}\)"):
        deliver(publisher, statement("calls"))
    assert grid(desk) == TABLE


def test_refusal_is_told_by_its_code_and_not_by_a_piece_of_a_word(desk: Sandbox, publisher: SheetsPublisher) -> None:
    """A message quotes what the request names: a sheet may be called anything."""
    for status, message in ((400, "Invalid value at 'data': orange"), (400, "the arrangement has no permission")):
        desk.fault(Fault("sheets", status=status, body=f'{{"error": {{"code": {status}, "message": "{message}"}}}}'))
        with pytest.raises(SourceBroken, match=rf"^Google refuses the request \(HTTP 400: {message}\)$"):
            deliver(publisher, statement("calls"))
        desk.heal()
    detail = '{"reason": "SERVICE_DISABLED"}'
    desk.fault(Fault("sheets", status=403, body=f'{{"error": {{"message": "No permission", "details": [{detail}]}}}}'))
    with pytest.raises(
        SourceBroken, match=r"^enable the Google Sheets API in the project of the credentials \(HTTP 403"
    ):
        deliver(publisher, statement("calls"))


def test_an_api_key_cannot_write(desk: Sandbox, once: Context) -> None:
    with pytest.raises(ConfigError, match="an api_key cannot write"):
        opened(desk, once, api_key=desk.credentials["google_api_key"])


# -- What goes wrong on the way

FORBIDDEN = '{"error": {"message": "The caller does not have permission"}}'
FAULTS = {
    "401": (Fault("sheets", "unauthorized"), SourceBroken),
    "403": (Fault("sheets", status=403, body=FORBIDDEN), SourceBroken),
    "404": (Fault("sheets", status=404), SourceBroken),
    "409": (Fault("sheets", status=409, body='{"error": {"message": "The operation was aborted."}}'), SourceBroken),
    "429": (Fault("sheets", "too_many"), RetryLater),
    "429 for 5 s": (Fault("sheets", "too_many", seconds=5), RetryLater),
    "500": (Fault("sheets", status=500), RetryLater),
    "503 with HTML": (Fault("sheets", "html", status=503), RetryLater),
    "a reset": (Fault("sheets", "reset"), RetryLater),
    "an answer that is lost": (Fault("sheets", "reset_after"), RetryLater),
    "half an answer": (Fault("sheets", "truncate"), RetryLater),
    "no answer in time": (Fault("sheets", "hang"), RetryLater),
    "half of its JSON": (Fault("sheets", "malformed"), RetryLater),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_write_is_sent_once_and_takes_effect_once_after_each_fault(desk: Sandbox, once: Context, name: str) -> None:
    fault, error = FAULTS[name]
    given = keys(create=True, log="History")
    account = {"token": desk.credentials["google_token"], "timeout": 0.5}
    check_ins = (statement("calls"), statement("nps", value=41.0))
    desk.world.sheets.spreadsheets[BOOK].sheets.append(sheet(9, "History", [HEADER]))
    desk.fault(replace(fault, method="POST"))
    with pytest.raises(SourceError) as caught:
        deliver(opened(desk, once, given, **account), *check_ins)
    assert type(caught.value) in (error, *error.__subclasses__())
    assert [method for method, _ in asked(desk)] == ["GET", "POST"]
    desk.heal()
    deliver(opened(desk, once, given, **account), *check_ins)
    took_effect = name in ("an answer that is lost", "half an answer")
    assert [method for method, _ in asked(desk)][2:] == (["GET"] if took_effect else ["GET", "POST", "GET"])
    assert grid(desk)[1][3:7] == CALLS
    assert [row[0] for row in grid(desk)] == [row[0] for row in TABLE] + ["nps"]
    assert [row[2] for row in grid(desk, "History")] == ["key_result", "calls", "nps"]


# -- The keys


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"columns": {}}, "at least 1"),
        ({"columns": {"valeu": "D"}}, "valeu"),
        ({"columns": {"value": "D", "health": "D"}}, "write another column for one of value and health: both are 'D'"),
        ({"columns": {"value": "A"}}, "write another column for one of key_column and value: both are 'A'"),
        ({"log": "okrs"}, "write another sheet's name in log"),
        ({"spreadsheet": "https://docs.google.com/spreadsheets/d/1AbC/edit"}, "write its id alone: 1AbC"),
    ],
)
def test_wrong_keys_are_refused_with_what_to_write(more: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        keys(**more)
    assert message in str(caught.value)


def test_the_row_of_a_former_id_is_that_of_the_new_one(desk: Sandbox, once: Context) -> None:
    """Whoever keeps the sheet may rename the row: then it is the row with the new id."""
    publisher = opened(desk, once, keys(create=True))
    rows = len(grid(desk))
    deliver(publisher, statement("rings", former=("bells", "calls")))
    assert len(grid(desk)) == rows
    assert grid(desk)[1][3:7] == CALLS
    assert grid(desk)[1][0] == "calls"
    publisher.close()
