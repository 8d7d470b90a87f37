"""Dates as texts and plain numbers. A month, a quarter or a week is dated by its first day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.as_keys import As
from syncd.sdk.cells import Cell, Reader
from syncd.sdk.date_texts import date_advice, is_label, read_date

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
MONDAY = date(2026, 10, 5)


def day(cell: Cell, form: str | None = None, **how: bool) -> date | None:
    moment = Reader(BERLIN, As(date=form), **how).moment(cell)
    return None if moment is None else moment.astimezone(BERLIN).date()


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        *(("month", text, OCTOBER) for text in ("2026-10", "10/2026", "10.2026", "202610", "2026.10")),
        *(("month", text, OCTOBER) for text in ("Oct 2026", "October 2026", "Oct-26", "Oct '26", "2026 Oct")),
        ("month", "Sept 2026", date(2026, 9, 1)),
        ("month", "May 2026", date(2026, 5, 1)),
        *(("quarter", text, OCTOBER) for text in ("2026-Q4", "2026 q4", "Q4 2026", "Q4/2026", "Q4'26", "Q4 26")),
        ("quarter", "2026-Q1", date(2026, 1, 1)),
        *(("iso-week", text, MONDAY) for text in ("2026-W41", "W41 2026", "KW 41/2026", "202641")),
        ("iso-week", "2027-W01", date(2027, 1, 4)),
        ("iso-week", "2026-W53", date(2026, 12, 28)),
        ("%b %Y", "Oct 2026", OCTOBER),
        ("%B %Y", "October 2026", OCTOBER),
        ("%Y-%m", "2026-10", OCTOBER),
        ("%m/%Y", "10/2026", OCTOBER),
        ("%d %b %Y", "5 Oct 2026", MONDAY),
        ("%Y%m%d", "20261005", MONDAY),
        ("epoch", "1791158400", MONDAY),
        ("epoch", "1791158400000", MONDAY),
        ("epoch", "1791158400000000000", MONDAY),
        ("month", "2026-10-05", MONDAY),  # ISO 8601 is read beside any form
    ],
)  # fmt: skip
def test_text_is_dated_by_the_form_of_as(form: str, text: str, expected: date) -> None:
    assert day(text, form) == expected


@pytest.mark.parametrize(
    "cell",
    [
        *("1790101512345", "17110528123", "20261123143000", "2026-11-23x14:30", "2026-11-23 "),
        *(202611231430, 20261123143000, 20261123, 2026, 4.2e9, 8.9e11, 4.2e12),
    ],
)
def test_number_that_may_be_no_epoch_and_text_that_is_no_iso_are_no_time(cell: Cell) -> None:
    assert Reader(BERLIN, epoch_dates=True).moment(cell) == (
        datetime(2026, 11, 23, tzinfo=BERLIN) if cell == "2026-11-23 " else None
    )


@pytest.mark.parametrize(
    "cell",
    [
        *("2026-11-23T14:30", "2026-11-23t14:30:00", "2026-11-23 14:30", "20261123T1430", "2026-W48-1T14:30"),
        *(1795440600, 1795440600000),
    ],
)
def test_iso_and_epochs_are_times(cell: Cell) -> None:
    assert Reader(BERLIN, epoch_dates=True).moment(cell) == datetime(2026, 11, 23, 14, 30, tzinfo=BERLIN)


def test_eight_digits_are_a_day_as_a_text_and_no_date_as_a_number() -> None:
    """In CSV, every cell is a text; ISO 8601 has a form without dashes."""
    assert day("20261005") == MONDAY
    assert day(20261005) is None
    assert day(20261005, serial_dates=True) is None


def test_month_is_the_day_that_a_spreadsheet_keeps_for_it() -> None:
    assert day("Oct 2026", "month") == day("Oct 2026", "%b %Y") == day(date(2026, 10, 1), "month")
    assert day("2026-W41", "iso-week") == day("2026-W41")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("month", "2026-13"),
        ("month", "2026-0"),
        ("month", "2026.1"),  # of a number 2026.10 that lost its last digit
        ("month", "Oct 26"),  # a day of October, or a year
        ("month", "Ma 2026"),
        ("month", "Okt 2026"),
        ("month", "Oct"),
        ("quarter", "2026-Q5"),
        ("quarter", "Q4"),
        ("quarter", "FY27-Q1"),
        ("iso-week", "2026-W54"),
        ("iso-week", "2027-W53"),
        ("iso-week", "W41"),
        ("iso-week", "2026-41"),
        ("%Y%m%d", "2026111"),
        ("%Y%m%d", "202610"),
        ("epoch", "soon"),
        ("epoch", "45"),
        ("epoch", "202610"),
        ("epoch", "9" * 400),
    ],
)
def test_other_text_has_no_date(form: str, text: str) -> None:
    assert day(text, form) is None


@pytest.mark.parametrize(
    ("number", "form", "how", "expected"),
    [
        (20261005, "%Y%m%d", {}, MONDAY),
        (20261005.0, "%Y%m%d", {"serial_dates": True}, MONDAY),
        (20261005, "%Y%m%d", {"epoch_dates": True}, MONDAY),
        (202610, "month", {"serial_dates": True}, OCTOBER),
        (202641, "iso-week", {}, MONDAY),
        (1791158400, "epoch", {}, MONDAY),
        (1791158400, "epoch", {"serial_dates": True}, MONDAY),
        (46300, "%d.%m.%Y", {"serial_dates": True}, MONDAY),
        (46300, "month", {"serial_dates": True}, MONDAY),
        (46300, "epoch", {"serial_dates": True}, MONDAY),
        (1791158400, None, {"epoch_dates": True}, MONDAY),
        # Without `as` none of these is a day of 1970.
        (20261005, None, {"epoch_dates": True}, None),
        (202610, None, {"epoch_dates": True}, None),
        (2026, None, {"epoch_dates": True}, None),
        (46300, None, {"epoch_dates": True}, None),
        (20261005, None, {"serial_dates": True}, None),
        (20261005, None, {}, None),
    ],
)
def test_number_is_a_date_only_where_as_or_its_source_says_so(
    number: float, form: str | None, how: dict[str, bool], expected: date | None
) -> None:
    assert day(number, form, **how) == expected


def test_epoch_is_an_instant_in_any_zone() -> None:
    assert Reader(BERLIN, As(date="epoch")).moment("1791158400") == datetime(2026, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        (["05.10.2026"], 'write as: {date: "%d.%m.%Y"}'),
        (["11/23/2026"], 'write as: {date: "%m/%d/%Y"}'),
        (["11/02/2026"], 'write as: {date: "%d/%m/%Y"} or as: {date: "%m/%d/%Y"}'),
        (["11/02/2026", "11/23/2026"], 'write as: {date: "%m/%d/%Y"}'),
        (["5 Oct 2026"], 'write as: {date: "%d %b %Y"}'),
        (["Oct 5, 2026"], 'write as: {date: "%b %d, %Y"}'),
        (["05.10.2026 14:30"], 'write as: {date: "%d.%m.%Y %H:%M"}'),
        (["Mon, 02 Nov 2026 10:00:00 GMT"], 'write as: {date: "%a, %d %b %Y %H:%M:%S GMT"}'),
        (["Oct 2026", "Nov 2026"], "write as: {date: month}"),
        (["2026-10"], "write as: {date: month}"),
        (["2026-Q4"], "write as: {date: quarter}"),
        (["W41 2026"], "write as: {date: iso-week}"),
        (["20261005"], 'write as: {date: "%Y%m%d"}'),
        (["1791158400"], "write as: {date: epoch}"),
        (["5.10."], "write dates such as 2026-11-21"),
        (["soon"], "write dates such as 2026-11-21"),
        (["2026-10-12 10:00 CEST"], "write times such as 2026-11-21T14:30+01:00"),
        ([], "write dates such as 2026-11-21"),
    ],
)
def test_advice_names_the_as_that_reads_the_dates(texts: list[str], advice: str) -> None:
    assert date_advice(texts) == advice


def test_iso_8601_needs_no_as() -> None:
    assert read_date("2026-10-05", None) == datetime(2026, 10, 5)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "11/23/2026",
            "W41",
            "5th Oct",
            "Mon 5 Oct",
            "2026",
            "week 41",
            "2026-13-01",
            "Okt 2026",
            "5. Dez",
            "März 26",
        ),
        *("2026-10-12 10:00 CEST", "2026-10-12 10:00 UTC", "10:00 Uhr", "Mon, 02 Nov 2026 10:00:00 GMT"),
        *("2026-11-09 (preliminary)", "2026-11-09 total", "2026-11-02 bis 2026-11-08", "Q4 total", "KW 40"),
        *("Total 2026-11-09", "Total 20261109", "Total of 9.11.", "Summary 2026", "2026年11月9日", "٢٠٢٦"),
    ],
)
def test_text_with_a_digit_may_be_a_date(text: str) -> None:
    assert not is_label(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Total", "Total 2026", "total: 2026", "Sum of 13", "Sum of 12 weeks", "Total Q4", "Summe KW 40", "soon"),
        *("Durchschnitt 2026", "n/a", "Ø", "–", "CO₂", ""),
    ],
)
def test_label_is_no_date(text: str) -> None:
    assert is_label(text)


@given(day=st.dates(), before=st.text(max_size=9), after=st.text(max_size=9), form=st.sampled_from(["%x", "%d. %B %Y"]))
def test_text_around_a_day_makes_no_label(day: date, before: str, after: str, form: str) -> None:
    assert not is_label(f"{before}{day:{form}}{after}")
