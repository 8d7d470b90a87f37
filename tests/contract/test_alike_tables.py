"""A table in CSV, XLSX, ODS and Google Sheets gives the same readings: by day, by number, below any header row."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from reading_files import blank, read, row, series, text, value, write_ods

from syncd.sdk import Context, Snapshot
from syncd.sdk.cells import Reader
from syncd.sdk.facts import Between
from syncd.sdk.lookup import read_lookup
from syncd.sdk.tables import Grid, Lookup

DAYS = [date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)]
NUMBERS = [4.0, 5.5, 7.0]
CALLS = [1180, 1092, 900]
KINDS = ["a.csv", "dates.xlsx", "texts.xlsx", "a.ods", "sheets"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table in each kind of file, below two rows of a title."""
    folder = tmp_path_factory.mktemp("alike")
    table = [["Day", "Group", "Calls"], *zip(DAYS, NUMBERS, CALLS, strict=True)]
    with (folder / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["Report"], [], *table])
    for name in ("dates.xlsx", "texts.xlsx"):
        book = openpyxl.Workbook()
        book.active.title = "Plan"
        for cells in [["Report"], [], *table]:
            book.active.append(cells if name == "dates.xlsx" else [str(item) for item in cells[:2]] + list(cells[2:]))
        book.save(folder / name)
    rows = [
        row(value("date", f"{day}"), value("float", f"{group}"), value("float", f"{calls}"))
        for day, group, calls in table[1:]
    ]
    titles = row(text("Report")) + row(blank(9)) + row(text("Day"), text("Group"), text("Calls"))
    write_ods(folder / "a.ods", Plan=titles + "".join(rows))
    return folder


def looked_up(
    folder: Path, context: Context, kind: str, where: dict[str, Any], **keys: Any
) -> tuple[float | None, str | None]:
    table = "a" if kind == "a.csv" else "Plan"
    lookup = {"table": table, "row": where, "column": "Calls"}
    if kind == "sheets":
        epoch = date(1899, 12, 30)
        serial = [[(day - epoch).days, group, calls] for day, group, calls in zip(DAYS, NUMBERS, CALLS, strict=True)]
        grid = Grid("Plan", [["Report"], [], ["Day", "Group", "Calls"], *serial])
        reader = Reader(context.zone, serial_dates=True)
        snapshot = read_lookup(Lookup.model_validate(lookup), lambda _: grid, reader, header_row=3)
    else:
        snapshot = read(folder, context, kind, lookup=lookup, header=3, **keys)
    assert snapshot.problem is None, snapshot.problem
    (reading,) = snapshot.readings
    return reading.number, reading.problem


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("where", "number"),
    [
        ({"Day": "2026-11-09"}, 1092),
        ({"Day": "2026-11-09T00:00"}, 1092),
        ({"Group": 4}, 1180),
        ({"Group": "4"}, 1180),
        ({"Group": 5.5}, 1092),
        ({"Group": "5.5"}, 1092),
        ({"Calls": 900, "Day": "2026-11-16"}, 900),
        ({"Day": "2026-11-10"}, None),
        ({"Group": 6}, None),
    ],
)
def test_a_lookup_matches_alike_in_each_kind_of_table(
    folder: Path, context: Context, kind: str, where: dict[str, Any], number: float | None
) -> None:
    assert looked_up(folder, context, kind, where)[0] == number


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_a_series_is_named_by_any_header_row(folder: Path, context: Context, kind: str) -> None:
    expected = {f"{day}": float(calls) for day, calls in zip(DAYS, CALLS, strict=True)}
    assert series(folder, context, kind, "Day", "Calls", header=3) == expected
    missing = read(folder, context, kind, series={"dates": "Day", "values": "Calls"})
    assert "header: 3" in (missing.problem or "")


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_the_header_of_a_lookup_may_stand_above_its_range(folder: Path, context: Context, kind: str) -> None:
    def look(table: str, day: str, **keys: Any) -> Snapshot:
        lookup = {"table": table, "row": {"Day": day}, "column": "Calls"}
        return read(folder, context, kind, lookup=lookup, **keys)

    def find(table: str, day: str, **keys: Any) -> float | None:
        return look(table, day, **keys).readings[0].number

    if kind != "a.csv":  # its header is that of the file
        assert find("A3:C6", "2026-11-02") == 1180
        assert find("A2:C6", "2026-11-02") == 1180  # its first row is blank
    for table in ("A5:C6", "A5:C"):
        assert find(table, "2026-11-09", header=3) == 1092
        assert find(table, "2026-11-02", header=3) is None
    assert "header: 7 is below A5:C6" in (look("A5:C6", "2026-11-09", header=7).problem or "")


def test_a_lookup_by_day_takes_every_time_of_that_day(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text(
        "At,Calls\n2026-11-02 09:30,1\n2026-11-02T23:30:00Z,2\n2026-11-04,3\n2026-11-04 10:00,4\n"
    )

    def find(at: str) -> tuple[float | None, str | None]:
        (reading,) = read(
            tmp_path, context, "a.csv", lookup={"table": "a", "row": {"At": at}, "column": "Calls"}
        ).readings
        return reading.number, reading.problem

    assert find("2026-11-02") == (1, None)
    assert find("2026-11-03")[0] == 2  # half past midnight in Berlin
    assert find("2026-11-04") == (None, "2 rows with At = 2026-11-04")
    assert find("2026-11-04 10:00")[0] == 4


@pytest.mark.parametrize(("wanted", "number"), [("007", 1), ("7", 2), (7, 2), ("Müller ", 3), ("x  y", 4), (True, 5)])
def test_a_lookup_matches_names_as_they_stand(tmp_path: Path, context: Context, wanted: Any, number: float) -> None:
    (tmp_path / "a.csv").write_text(
        "Id,Calls\n007,1\n7.0,2\nMu\u0308ller,3\nx y,4\nTRUE,5\n12345678901234567,6\n", "utf-8"
    )
    lookup = {"table": "a", "row": {"Id": wanted}, "column": "Calls"}
    assert [reading.number for reading in read(tmp_path, context, "a.csv", lookup=lookup).readings] == [number]
    near = {"table": "a", "row": {"Id": "12345678901234568"}, "column": "Calls"}
    assert read(tmp_path, context, "a.csv", lookup=near).readings[0].number is None


@pytest.mark.parametrize("wanted", [-1234, "-1234", "(1,234)", "1,234-", "-1,234"])
@pytest.mark.parametrize("written", ["(1,234)", "1,234-", "-1,234", "-1234"])
@pytest.mark.parametrize("rules", [{"accounting": True}, {"accounting": True, "currency": True}])
def test_a_lookup_reads_accounts_by_as(
    tmp_path: Path, context: Context, wanted: Any, written: str, rules: dict[str, bool]
) -> None:
    (tmp_path / "a.csv").write_text(f"Sum;Calls\n{written};7\n99;8\n")
    lookup = {"table": "a", "row": {"Sum": wanted}, "column": "Calls"}
    assert [
        reading.number for reading in read(tmp_path, context, "a.csv", lookup=lookup, **{"as": rules}).readings
    ] == [7]


@pytest.mark.parametrize("wanted", [1234.5, "1234.5", "$1,234.50", "€ 1.234,50"])
@pytest.mark.parametrize("written", ["$1,234.50", "EUR 1.234,50", "1234.5"])
def test_a_lookup_reads_prices_by_as(tmp_path: Path, context: Context, wanted: Any, written: str) -> None:
    (tmp_path / "a.csv").write_text(f"Price;Calls\n{written};7\n99;8\n", "utf-8")
    lookup = {"table": "a", "row": {"Price": wanted}, "column": "Calls"}
    readings = read(tmp_path, context, "a.csv", lookup=lookup, **{"as": {"currency": True}}).readings
    assert [reading.number for reading in readings] == [7]


def test_a_lookup_reads_numbers_and_days_by_as(tmp_path: Path, context: Context) -> None:
    (tmp_path / "a.csv").write_text("Day;Group;Calls\n02.11.2026;1.180,5;7\n09.11.2026;85%;8\n")
    how = {"as": {"decimal": ",", "thousands": ".", "date": "%d.%m.%Y", "percent": True}}

    def find(**where: Any) -> float | None:
        lookup = {"table": "a", "row": where, "column": "Group"}
        return read(tmp_path, context, "a.csv", lookup=lookup, **how).readings[0].number

    assert find(Day="2026-11-09") == 85
    assert find(Day="09.11.2026") == 85


# -- long series


AUTUMN: Between = (datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC))


def long_csv(path: Path, rows: int, days: str = "2025-{month:02}-10") -> None:
    lines = [days.format(month=number % 12 + 1) + f",{number}" for number in range(rows)]
    path.write_text("Day,Calls\n" + "\n".join(lines) + "\n2026-10-05,12\n2026-10-06T23:59+02:00,13\n")


def test_a_long_series_lists_the_rows_of_its_window_alone(tmp_path: Path, context: Context) -> None:
    both = {"series": {"dates": "Day", "values": "Calls"}}
    long_csv(tmp_path / "a.csv", 10_001)
    snapshot = read(tmp_path, context, "a.csv", between=AUTUMN, **both)
    assert [reading.number for reading in snapshot.readings] == [12, 13]
    assert snapshot.between == AUTUMN
    assert [reading.cell for reading in snapshot.readings] == ["B10003", "B10004"]
    long_csv(tmp_path / "a.csv", 9_000)
    snapshot = read(tmp_path, context, "a.csv", between=AUTUMN, **both)
    assert (len(snapshot.readings), snapshot.between) == (9_002, None)


def test_a_window_that_leaves_too_many_rows_is_refused_in_words(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.sdk.series.MOST_READINGS", 1_000)
    both = {"series": {"dates": "Day", "values": "Calls"}}
    long_csv(tmp_path / "a.csv", 1_000, "2026-11-{month:02}")
    problem = read(tmp_path, context, "a.csv", between=AUTUMN, **both).problem or ""
    assert "Calls has more than 1,000 rows from 2026-10-01 to 2026-12-31" in problem
    assert "window: 28d" in problem
    november: Between = (datetime(2026, 11, 1, 23, tzinfo=UTC), datetime(2026, 11, 3, 23, tzinfo=UTC))
    assert read(tmp_path, context, "a.csv", between=november, **both).problem is None
    assert read(tmp_path, context, "a.csv", **both).problem is not None


def test_rows_of_a_long_series_in_any_order_and_zone_are_found(tmp_path: Path, context: Context) -> None:
    long_csv(tmp_path / "a.csv", 10_500)
    with (tmp_path / "a.csv").open("a") as file:
        file.write(
            "2027-01-01T00:30+02:00,1\n2026-09-30T23:00Z,2\n2026-12-31T23:00Z,3\n2024-05-05,4\n2026-10-01,5\nsoon,6\n,7\n"
        )
        file.write("2026-10-02\n2026-10-03,\n2026-10-04,n/a\n")
    snapshot = read(tmp_path, context, "a.csv", between=AUTUMN, series={"dates": "Day", "values": "Calls"})
    assert [reading.number for reading in snapshot.readings] == [12, 13, 1, 2, 5, None]
    assert "2 with no date" in snapshot.notes[0]
