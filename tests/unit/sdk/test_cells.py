"""What a cell holds. Unknown is not zero: a blank, an error and a text never become a number by themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.sdk.as_keys import As
from syncd.sdk.cells import Cell, CellError, Reader, shown

BERLIN = ZoneInfo("Europe/Berlin")
NO_RULES = As()
GERMAN = As(decimal=",", thousands=".")
SWISS = As(thousands="'")
FRENCH = As(decimal=",", thousands=" ")
ENGLISH = As(thousands=",")
PERCENT = As(percent=True)


def number(cell: Cell, rules: As = NO_RULES, **how: bool) -> float | None:
    """The number of a cell; None, and a reason unless the cell is blank, where it has none."""
    reader = Reader(BERLIN, rules, **how)
    value, why = reader.number(cell)
    assert (value is None) or why is None
    assert value is not None or (why is None) is reader.blank(cell)
    return value


def moment(cell: Cell, rules: As = NO_RULES, **how: bool) -> datetime | None:
    return Reader(BERLIN, rules, **how).moment(cell)


class TestNumbers:
    @pytest.mark.parametrize("cell", [0, 0.0, -12, 3.5, 1e-300, 10**15, 2**53, -(2**53), 2.0**53 - 1])
    def test_a_number_stays_as_it_is(self, cell: float) -> None:
        assert number(cell) == cell

    @given(cell=st.integers(-(2**53), 2**53) | st.decimals(-(10**6), 10**6, places=8).map(float))
    def test_any_number_stays_as_it_is(self, cell: float) -> None:
        assert number(cell) == cell

    @pytest.mark.parametrize("cell", [0.1 + 0.2, 57.99999999999999, 1 / 3])
    def test_number_has_15_significant_digits(self, cell: float) -> None:
        assert number(cell) == float(f"{cell:.15g}")

    @pytest.mark.parametrize("cell", [2**53 + 1, -(2**53) - 1, 2.0**53, 1e300, 10**400, "9007199254740993", "1e16"])
    def test_whole_number_beyond_2_to_the_53_is_unknown_and_says_so(self, cell: Cell) -> None:
        reason = "a number beyond 2^53 (9,007,199,254,740,992), where whole numbers are no longer exact"
        assert Reader(BERLIN, text_numbers=True).number(cell) == (None, reason)

    def test_text_of_2_to_the_53_is_that_number(self) -> None:
        assert number("9007199254740992", text_numbers=True) == 2**53

    @pytest.mark.parametrize("cell", [None, "", " ", "\u00a0", "\n\t"])
    def test_a_blank_is_nothing_and_no_problem(self, cell: Cell) -> None:
        for rules in (As(), GERMAN, PERCENT):
            assert Reader(BERLIN, rules, text_numbers=True).number(cell) == (None, None)

    @pytest.mark.parametrize("cell", [True, False])
    def test_a_truth_value_is_not_1_or_0(self, cell: bool) -> None:
        for rules in (As(), GERMAN, PERCENT):
            assert number(cell, rules, text_numbers=True, serial_dates=True) is None
        assert Reader(BERLIN).number(True) == (None, "TRUE, which is not a number")

    @pytest.mark.parametrize("cell", [float("nan"), float("inf"), float("-inf"), 10**400])
    def test_a_number_beyond_all_bounds_is_none(self, cell: float) -> None:
        for rules in (As(), PERCENT):
            assert number(cell, rules) is None

    @pytest.mark.parametrize("cell", [float("nan"), -float("nan"), Decimal("NaN"), Decimal("sNaN")])
    def test_nan_is_none_and_says_so(self, cell: Cell) -> None:
        for rules in (As(), PERCENT):
            assert Reader(BERLIN, rules).number(cell) == (None, "NaN, which is not a number")

    @pytest.mark.parametrize("code", ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "Loading..."])
    def test_an_error_is_none_and_says_its_code(self, code: str) -> None:
        assert Reader(BERLIN).number(CellError(code)) == (None, f"the error {code}")
        assert Reader(BERLIN, GERMAN, text_numbers=True).number(code) == (None, f"the error {code}")

    @pytest.mark.parametrize("cell", [date(2026, 10, 1), datetime(2026, 10, 1, 9, 30)])
    def test_a_date_is_none(self, cell: Cell) -> None:
        value, why = Reader(BERLIN).number(cell)
        assert value is None
        assert why is not None
        assert why.startswith("the date 2026-10-01")

    @pytest.mark.parametrize(
        "text", ["n/a", "12 apples", "twelve", "1,200", "1.200,5", "€5", "(5)", "1 2", "--5", "1e", "٣"]
    )
    def test_another_text_is_none_and_is_shown(self, text: str) -> None:
        value, why = Reader(BERLIN, text_numbers=True).number(text)
        assert value is None
        assert (why or "").startswith(f"the text {text!r}, which is not a number")

    def test_a_long_text_is_cut(self) -> None:
        _, why = Reader(BERLIN).number("x" * 500)
        assert why is not None
        assert len(why) < 90


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "value"),
        [("-12", -12), ("3.5", 3.5), ("1e3", 1000), (" 7 ", 7), ("+1", 1), (".5", 0.5), ("0", 0), ("\u221212", -12)],
    )
    def test_a_plain_number_is_a_number_in_csv_and_a_text_elsewhere(self, text: str, value: float) -> None:
        assert number(text, text_numbers=True) == value
        assert number(text) is None

    @pytest.mark.parametrize("text", ["nan", "inf", "Infinity", "1_000", "0x10", "1e400"])
    def test_a_number_that_python_alone_would_read_is_a_text(self, text: str) -> None:
        assert number(text, text_numbers=True) is None

    @pytest.mark.parametrize("rules", [As(), As(percent=True), As(currency=True), GERMAN])
    @pytest.mark.parametrize(
        "text",
        ["8e1234567", "-8e1234567", "1e99999999999999999999", "9" * 100_000, "1." + "9" * 100_000, "1e-99999999"],
    )
    def test_a_number_of_any_size_is_read_or_unknown(self, rules: As, text: str) -> None:
        value, why = Reader(BERLIN, rules, text_numbers=True).number(text)
        assert (value is None) == (why is not None)
        assert value in (None, 0, 2)
        assert len(why or "") < 200

    @pytest.mark.parametrize("cell", [10**400, -(10**400), 1e308, float("inf"), float("nan")])
    @pytest.mark.parametrize("serial_dates", [False, True])
    def test_a_number_of_any_size_is_no_date(self, cell: float, serial_dates: bool) -> None:
        reader = Reader(BERLIN, As(date="%Y%m%d"), serial_dates=serial_dates, epoch_dates=not serial_dates)
        assert reader.moment(cell) is None

    @pytest.mark.parametrize(
        ("rules", "text", "value"),
        [
            (GERMAN, "1.050,5", 1050.5),
            (GERMAN, "1.234.567", 1234567),
            (GERMAN, "1050,5", 1050.5),
            (GERMAN, "-12.000", -12000),
            (GERMAN, "0,57", 0.57),
            (SWISS, "1'050.50", 1050.5),
            (SWISS, "1'234'567", 1234567),
            (As(thousands="\u2019"), "1\u2019050.5", 1050.5),
            (FRENCH, "1 050,5", 1050.5),
            (FRENCH, "1\u00a0050,5", 1050.5),
            (FRENCH, "1\u202f050,5", 1050.5),
            (FRENCH, "\u22121\u202f050", -1050),
            (As(decimal=",", thousands="\u202f"), "1\u202f050,5", 1050.5),
            (As(decimal=",", thousands="\u00a0"), "1\u00a0050,5", 1050.5),
            (ENGLISH, "1,200", 1200),
            (ENGLISH, "1,200.75", 1200.75),
            (As(decimal=","), "12,5", 12.5),
        ],
    )
    def test_marks_say_how_to_read_a_text(self, rules: As, text: str, value: float) -> None:
        assert number(text, rules) == value
        assert number(text, rules, text_numbers=True) == value

    @pytest.mark.parametrize(
        ("rules", "text"),
        [
            (GERMAN, "1.05"),  # is 1.05, or a group that lost a digit: nobody knows
            (GERMAN, "12.34,5"),
            (GERMAN, "1.0500"),
            (GERMAN, "1234.567"),
            (GERMAN, ".500"),
            (GERMAN, "1,5,5"),
            (GERMAN, "1,200.5"),
            (GERMAN, "1..000"),
            (GERMAN, ",5"),
            (ENGLISH, "1,20"),
            (ENGLISH, "1,2000"),
            (ENGLISH, "1.200,5"),
            (SWISS, "1'05"),
            (FRENCH, "1 05"),
            (As(decimal=","), "1.050"),
            (ENGLISH, "0,500"),
        ],
    )
    def test_wrong_grouping_is_refused(self, rules: As, text: str) -> None:
        assert number(text, rules) is None
        assert number(text, rules, text_numbers=True) is None

    @given(
        value=st.integers(-(10**9), 10**9),
        cents=st.integers(0, 99),
        marks=st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")]),
    )
    def test_a_number_written_with_marks_is_read_back(self, value: int, cents: int, marks: tuple[str, str]) -> None:
        decimal, thousands = marks
        text = f"{value:,}".replace(",", thousands) + f"{decimal}{cents:02}"
        assert number(text, As(decimal=decimal, thousands=thousands)) == float(f"{value}.{cents:02}")

    @pytest.mark.parametrize("cell", ["85%", "85 %", "85\u00a0%", 0.85])
    def test_percent_reads_the_text_and_the_number_alike(self, cell: Cell) -> None:
        assert number(cell, PERCENT) == 85

    @pytest.mark.parametrize(
        ("cell", "rules", "value"),
        [
            (0.57, PERCENT, 57),  # not 56.99999999999999
            (0, PERCENT, 0),
            (-0.05, PERCENT, -5),
            (1.2, PERCENT, 120),
            ("8,5 %", As(decimal=",", percent=True), 8.5),
            ("0,85", As(decimal=",", percent=True), 85),
            ("1.200 %", As(decimal=",", thousands=".", percent=True), 1200),
        ],
    )
    def test_percent_multiplies_shares_by_a_hundred(self, cell: Cell, rules: As, value: float) -> None:
        assert number(cell, rules) == value

    @pytest.mark.parametrize("text", ["85%", "%", "85%%", "eighty %"])
    def test_a_percent_sign_without_the_rule_is_a_text(self, text: str) -> None:
        assert number(text, GERMAN, text_numbers=True) is None

    @pytest.mark.parametrize("cell", ["9" * 400 + "%", 1e307])
    def test_a_percentage_beyond_all_bounds_is_none(self, cell: Cell) -> None:
        assert number(cell, PERCENT) is None


class TestRules:
    @pytest.mark.parametrize(
        "keys",
        [
            {"decimal": ""},
            {"decimal": ",,"},
            {"decimal": "5"},
            *({"decimal": mark} for mark in "'; _-5x\u2019\u00a0\n"),
            *({"thousands": mark} for mark in ";_:/|\t\n\u066c"),
            {"thousands": ""},
            {"thousands": "x"},
            {"thousands": "-"},
            {"decimal": ",", "thousands": ","},
            {"thousands": "."},
            {"date": "yesterday"},
            {"date": "%d.%m."},
            {"date": "%Y"},
            {"date": "%Y-%W"},
            {"date": "%G-W%V"},
            {"date": "%Y-Q%q"},
            {"date": "%Y-%m-%d %H:%M %Z"},
            {"date": "%Y-%m-%d %H:%M%z (%Z)"},
            {"date": "%Y-%m-%d %H:%M CET"},
            {"date": "%a %b %d %H:%M:%S (PST) %Y"},
            {"date": "%Y-%m-%d %H:%M - ET"},
            {"date": "%Y-%m-%dT%H:%M:%S+01:00"},
            {"date": "%d %b %Y %H:%M GMT-5"},
            {"date": "UTC+1 %d %b %Y %H:%M"},
            {"date": "week"},
            {"comma": ","},
        ],
    )
    def test_senseless_rules_are_refused(self, keys: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            As.model_validate(keys)


class TestDates:
    def test_a_day_is_its_first_instant_in_the_zone(self) -> None:
        assert moment(date(2026, 10, 1)) == datetime(2026, 9, 30, 22, tzinfo=UTC)
        assert moment("2026-10-25") == datetime(2026, 10, 24, 22, tzinfo=UTC)
        assert moment("2026-10-26") == datetime(2026, 10, 25, 23, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            (datetime(2026, 10, 1, 14, 30), datetime(2026, 10, 1, 12, 30, tzinfo=UTC)),
            (datetime(2026, 10, 1, 14, 30, tzinfo=UTC), datetime(2026, 10, 1, 14, 30, tzinfo=UTC)),
            ("2026-10-01T14:30", datetime(2026, 10, 1, 12, 30, tzinfo=UTC)),
            ("2026-10-01 14:30:15", datetime(2026, 10, 1, 12, 30, 15, tzinfo=UTC)),
            ("2026-10-01T14:30:00Z", datetime(2026, 10, 1, 14, 30, tzinfo=UTC)),
            ("2026-10-01T14:30:00-05:00", datetime(2026, 10, 1, 19, 30, tzinfo=UTC)),
            (" 2026-10-01 ", datetime(2026, 9, 30, 22, tzinfo=UTC)),
        ],
    )
    def test_a_time_without_a_zone_is_local(self, cell: Cell, expected: datetime) -> None:
        assert moment(cell) == expected

    @pytest.mark.parametrize(
        ("serial", "expected"),
        [
            (46296, datetime(2026, 10, 1)),
            (46296.5, datetime(2026, 10, 1, 12)),
            (46296.604166666664, datetime(2026, 10, 1, 14, 30)),
            (46320.999988425929, datetime(2026, 10, 25, 23, 59, 59)),
            (32874, datetime(1990, 1, 1)),
            (73415, datetime(2100, 12, 31)),
        ],
    )
    def test_google_sheets_counts_days(self, serial: float, expected: datetime) -> None:
        time = moment(serial, serial_dates=True)
        assert time is not None
        assert time.replace(tzinfo=None) == expected
        assert time.tzinfo is BERLIN

    @given(seconds=st.integers(32874 * 86400, 73415 * 86400))
    def test_a_serial_time_is_right_to_the_second(self, seconds: int) -> None:
        time = moment(seconds / 86400, serial_dates=True)
        assert time is not None
        assert time.replace(tzinfo=None) == datetime(1899, 12, 30) + timedelta(seconds=seconds)

    @pytest.mark.parametrize("cell", [0, 1, 0.5, 45, 2026, 32873, 73416, 202610, 20261005, -46296])
    def test_number_of_a_week_or_a_year_is_no_serial_date(self, cell: float) -> None:
        reader = Reader(BERLIN, serial_dates=True)
        assert (reader.moment(cell), reader.means_date(cell)) == (None, True)

    @given(cell=st.integers(-(10**7), 10**7), serial_dates=st.booleans())
    def test_plain_number_is_a_date_of_our_time_or_none(self, cell: int, serial_dates: bool) -> None:
        for form in (None, "epoch"):
            day = Reader(BERLIN, As(date=form), serial_dates=serial_dates, epoch_dates=True).moment(cell)
            assert day is None or 1990 <= day.year <= 2100

    def test_json_counts_seconds(self) -> None:
        assert moment(1790805600, epoch_dates=True) == datetime(2026, 9, 30, 22, tzinfo=UTC)

    @pytest.mark.parametrize("cell", [46296, 46296.5, 1790805600])
    def test_elsewhere_a_number_is_no_date(self, cell: float) -> None:
        assert moment(cell) is None

    @pytest.mark.parametrize(
        "cell",
        [
            None,
            "",
            " ",
            True,
            CellError("#REF!"),
            "soon",
            "01.10.2026",
            "10/01/2026",
            "1.10.",
            "2026-13-01",
            "2026-10",
            "14:30",
        ],
    )
    def test_a_cell_that_is_no_date_is_none(self, cell: Cell) -> None:
        assert moment(cell, serial_dates=True) is None

    @pytest.mark.parametrize("cell", [float("nan"), float("inf"), 1e18, -1e18, 10**400])
    @pytest.mark.parametrize("how", ["serial_dates", "epoch_dates"])
    def test_a_number_that_no_calendar_holds_is_none(self, cell: float, how: str) -> None:
        assert moment(cell, **{how: True}) is None

    @pytest.mark.parametrize(("day", "zone"), [("0001-01-01", "Europe/Berlin"), ("9999-12-31", "America/New_York")])
    def test_a_date_outside_of_the_calendar_is_none(self, day: str, zone: str) -> None:
        time = Reader(ZoneInfo(zone)).moment(day)  # people write "never" like this
        assert time is None or time.astimezone(UTC)

    @pytest.mark.parametrize(
        ("pattern", "text", "expected"),
        [
            ("%d.%m.%Y", "01.10.2026", datetime(2026, 10, 1)),
            ("%d.%m.%Y", "1.10.2026", datetime(2026, 10, 1)),
            ("%m/%d/%Y", "10/01/2026", datetime(2026, 10, 1)),
            ("%d.%m.%Y %H:%M", "01.10.2026 14:30", datetime(2026, 10, 1, 14, 30)),
        ],
    )
    def test_as_date_says_how_to_read_a_text(self, pattern: str, text: str, expected: datetime) -> None:
        time = moment(text, As(date=pattern))
        assert time is not None
        assert time.replace(tzinfo=None) == expected
        assert time.tzinfo is BERLIN

    def test_as_date_may_name_the_zone(self) -> None:
        time = moment("01.10.2026 14:30 +0500", As(date="%d.%m.%Y %H:%M %z"))
        assert time == datetime(2026, 10, 1, 14, 30, tzinfo=timezone(timedelta(hours=5)))

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("%a, %d %b %Y %H:%M:%S GMT", "Thu, 01 Oct 2026 14:30:00 GMT"),
            ("%d.%m.%Y %H:%M UTC", "01.10.2026 14:30 utc"),
            ("UTC %d.%m.%Y %H:%M", "UTC 01.10.2026 14:30"),
            ("%d.%m.%YT%H:%M:%SZ", "01.10.2026T14:30:00Z"),
            ("%d.%m.%Y %H:%M:%S%z", "01.10.2026 14:30:00Z"),
            ("%a %b %d %Y %H:%M:%S GMT%z", "Thu Oct 01 2026 16:30:00 GMT+0200"),
        ],
    )
    def test_utc_in_the_text_of_a_form_is_the_zone(self, form: str, text: str) -> None:
        assert moment(text, As(date=form)) == datetime(2026, 10, 1, 14, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("%d.%m.%Y %H:%M Uhr", "01.10.2026 14:30 Uhr"),
            ("%d.%m.%Y, %Hh%M", "01.10.2026, 14h30"),
            ("%d.%m.%Y %I:%M %p", "01.10.2026 02:30 PM"),
            ("%Y%m%dT%H%M", "20261001T1430"),
            ("ZUG %d.%m.%Y %H:%M", "ZUG 01.10.2026 14:30"),
        ],
    )
    def test_other_text_of_a_form_is_no_zone(self, form: str, text: str) -> None:
        assert moment(text, As(date=form)) == datetime(2026, 10, 1, 14, 30, tzinfo=BERLIN)

    @pytest.mark.parametrize("text", ["31.09.2026", "2026", "10/13/2026", "01.10.2026 x"])
    def test_as_date_refuses_the_rest(self, text: str) -> None:
        assert moment(text, As(date="%d.%m.%Y")) is None

    @pytest.mark.parametrize("cell", [date(2026, 10, 1), datetime(2026, 10, 1), 46296])
    def test_as_date_is_for_texts(self, cell: Cell) -> None:
        assert moment(cell, As(date="%d.%m.%Y"), serial_dates=True) == datetime(2026, 9, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (CellError("#REF!"), "#REF!"),
        (True, "TRUE"),
        (5.0, "5"),
        (0.5, "0.5"),
        ("text", "text"),
        (date(2026, 10, 1), "2026-10-01"),
        (datetime(2026, 10, 1, 9), "2026-10-01T09:00:00"),
    ],
)
def test_evidence_shows_a_cell_as_text(cell: Cell, text: str) -> None:
    assert shown(cell) == text
