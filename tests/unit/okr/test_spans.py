"""Days, periods and windows begin and end at local midnights, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from syncd.okr.spans import Period, Span, Window, midnight, parse_period
from syncd.sdk import parse_duration

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"]
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2010, 1, 2), date(2035, 12, 30))
moments = st.datetimes(datetime(2010, 1, 2), datetime(2035, 12, 30), timezones=st.just(UTC))
SECOND = timedelta(seconds=1)


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("2s", 2), ("15m", 900), ("6h", 21600), ("10d", 864000), ("3w", 1814400), ("1.5h", 5400)]
    )
    def test_a_duration_is_a_number_and_its_unit(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == timedelta(seconds=seconds)

    @pytest.mark.parametrize("text", ["", "10", "d", "-1d", "1 d", "1y", "1d2h", "١d", "1e3s", "1d\nx"])
    def test_any_other_text_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="no duration"):
            parse_duration(text)

    @pytest.mark.parametrize("text", ["99999999999w", "999999999d", "36501d"])
    def test_a_duration_after_which_there_may_be_no_date_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="longer than a hundred years; write at most 36500d"):
            parse_duration(text)
        assert parse_duration("36500d").days == 36_500


class TestDays:
    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Berlin", date(2026, 10, 24), 24),
            ("Europe/Berlin", date(2026, 10, 25), 25),
            ("Europe/Berlin", date(2027, 3, 28), 23),
            ("America/New_York", date(2026, 11, 1), 25),
            ("America/New_York", date(2027, 3, 14), 23),
            ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
            ("Australia/Lord_Howe", date(2027, 4, 4), 24.5),
            ("America/Sao_Paulo", date(2018, 11, 4), 23),
            ("America/Sao_Paulo", date(2018, 2, 17), 25),
            ("Pacific/Apia", date(2011, 12, 29), 24),
            ("Pacific/Apia", date(2011, 12, 30), 0),
            ("Pacific/Apia", date(2011, 12, 31), 24),
        ],
    )
    def test_a_day_is_as_long_as_its_clock_says(self, zone: str, day: date, hours: float) -> None:
        start, end = midnight(day, ZoneInfo(zone)), midnight(day + timedelta(days=1), ZoneInfo(zone))
        assert end - start == timedelta(hours=hours)

    def test_a_day_whose_midnight_is_skipped_begins_with_its_first_instant(self) -> None:
        zone = ZoneInfo("America/Sao_Paulo")
        start = midnight(date(2018, 11, 4), zone)
        assert start == datetime(2018, 11, 4, 3, tzinfo=UTC)
        assert start.astimezone(zone).time().hour == 1

    def test_a_day_whose_midnight_comes_twice_begins_with_the_first(self) -> None:
        assert midnight(date(2026, 11, 1), ZoneInfo("America/Havana")) == datetime(2026, 11, 1, 4, tzinfo=UTC)

    @given(day=days, zone=zones)
    def test_a_day_has_its_first_instant_and_not_the_instant_before(self, day: date, zone: ZoneInfo) -> None:
        start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        assert (start - SECOND).astimezone(zone).date() < day
        if start < end:  # 30 December 2011 did not exist in Apia
            assert start.astimezone(zone).date() == day
            assert (end - SECOND).astimezone(zone).date() == day

    @given(day=days, zone=zones)
    def test_days_follow_each_other(self, day: date, zone: ZoneInfo) -> None:
        assert midnight(day, zone) <= midnight(day + timedelta(days=1), zone)
        assert midnight(day, zone) < midnight(day + timedelta(days=2), zone)


class TestSpans:
    def test_a_span_includes_its_start_and_not_its_end(self) -> None:
        span = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
        tick = timedelta(microseconds=1)
        assert span.start in span
        assert span.end - tick in span
        assert span.end not in span
        assert span.start - tick not in span

    @given(first=moments, second=moments, zone=zones, length=st.integers(1, 400))
    def test_the_share_grows_with_time_within_0_and_1(
        self, first: datetime, second: datetime, zone: ZoneInfo, length: int
    ) -> None:
        span = Period("p", date(2020, 1, 1), date(2020, 1, 1) + timedelta(days=length), zone).span
        early, late = sorted((first, second))
        assert 0 <= span.share(early) <= span.share(late) <= 1

    @given(moment=moments, zone=zones)
    def test_a_share_is_of_an_instant_and_not_of_its_zone(self, moment: datetime, zone: ZoneInfo) -> None:
        span = Span(datetime(2012, 1, 1, tzinfo=UTC), datetime(2034, 1, 1, tzinfo=UTC))
        assert span.share(moment) == span.share(moment.astimezone(zone))

    @given(first=days, length=st.integers(1, 400), zone=zones)
    def test_the_days_of_a_span_have_passed_at_its_end(self, first: date, length: int, zone: ZoneInfo) -> None:
        last = first + timedelta(days=length)
        span = Span(midnight(first, zone), midnight(last, zone))
        assume(zone.key != "Pacific/Apia" or date(2011, 12, 30) not in (first, last - timedelta(days=1)))
        assert span.days_passed(span.start, zone) == 0
        assert span.days_passed(span.end, zone) == span.days_passed(span.end + SECOND, zone) == length

    @given(first=moments, second=moments, zone=zones)
    def test_the_days_passed_grow_with_time(self, first: datetime, second: datetime, zone: ZoneInfo) -> None:
        span = Span(midnight(date(2010, 1, 1), zone), midnight(date(2036, 1, 1), zone))
        early, late = sorted((first, second))
        passed = span.days_passed(late, zone) - span.days_passed(early, zone)
        assert passed >= 0
        assert abs(passed - Fraction((late - early) // SECOND, 86_400)) < 2  # Apia skipped a day

    def test_the_days_passed_are_those_of_the_clock(self) -> None:
        period = Period("p", date(2026, 10, 25), date(2026, 10, 26), BERLIN)
        half = datetime(2026, 10, 25, 10, 30, tzinfo=UTC)  # 12.5 h of 25
        assert period.span.days_passed(half, BERLIN) == Fraction(1, 2)

    def test_the_share_is_of_elapsed_time(self) -> None:
        day = Period("p", date(2026, 10, 25), date(2026, 10, 25), BERLIN).span
        assert day.share(datetime(2026, 10, 25, 11, 30, tzinfo=UTC)) == pytest.approx(0.54)  # 13.5 h of 25
        assert (day.share(day.start), day.share(day.end)) == (0, 1)


class TestPeriods:
    @pytest.mark.parametrize(
        ("name", "first", "last"),
        [
            ("2026", date(2026, 1, 1), date(2026, 12, 31)),
            ("2026-H1", date(2026, 1, 1), date(2026, 6, 30)),
            ("2026-H2", date(2026, 7, 1), date(2026, 12, 31)),
            ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
            ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
            ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
            ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
            ("2100-02", date(2100, 2, 1), date(2100, 2, 28)),
        ],
    )
    def test_a_name_says_its_days(self, name: str, first: date, last: date) -> None:
        assert parse_period(name, BERLIN) == Period(name, first, last, BERLIN)

    @pytest.mark.parametrize(
        "name", ["", "26", "2026-Q5", "2026-Q0", "2026-H3", "2026-13", "2026-00", "2026-1", "2026Q4", "0000", "٢٠٢٦"]
    )
    def test_any_other_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="is not a period"):
            parse_period(name, BERLIN)

    def test_a_period_includes_its_last_day(self) -> None:
        period = parse_period("2026-Q4", BERLIN)
        assert period.span == Span(datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC))
        assert period.days == 92

    @given(year=st.integers(2000, 2099), zone=zones)
    def test_quarters_halves_and_months_make_up_the_year(self, year: int, zone: ZoneInfo) -> None:
        whole = parse_period(str(year), zone).span
        for parts in (
            [f"{year}-H{half}" for half in (1, 2)],
            [f"{year}-Q{quarter}" for quarter in (1, 2, 3, 4)],
            [f"{year}-{month:02}" for month in range(1, 13)],
        ):
            spans = [parse_period(part, zone).span for part in parts]
            assert spans[0].start == whole.start
            assert spans[-1].end == whole.end
            assert all(before.end == after.start for before, after in pairwise(spans))

    @pytest.mark.parametrize(
        ("now", "number"),
        [
            (datetime(2026, 9, 30, 21, 59, tzinfo=UTC), 0),
            (datetime(2026, 9, 30, 22, tzinfo=UTC), 1),
            (datetime(2026, 11, 21, 9, 15, tzinfo=UTC), 52),
            (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), 92),
            (datetime(2027, 6, 1, tzinfo=UTC), 92),
        ],
    )
    def test_day_number_counts_the_days_of_the_period(self, now: datetime, number: int) -> None:
        assert parse_period("2026-Q4", BERLIN).day_number(now) == number


class TestWindows:
    PERIOD = parse_period("2026-Q4", BERLIN)

    def test_a_window_is_the_period_by_default(self) -> None:
        assert Window().span(self.PERIOD, datetime(2026, 11, 21, tzinfo=UTC)) == self.PERIOD.span

    def test_a_window_rolls_over_whole_local_days_up_to_today(self) -> None:
        span = Window(28).span(self.PERIOD, datetime(2026, 10, 25, 23, 30, tzinfo=UTC))  # 0:30 on the 26th in Berlin
        assert span == Span(midnight(date(2026, 9, 29), BERLIN), midnight(date(2026, 10, 27), BERLIN))

    def test_a_window_of_1_day_is_today(self) -> None:
        span = Window(1).span(self.PERIOD, datetime(2026, 10, 25, 12, tzinfo=UTC))
        assert span.end - span.start == timedelta(hours=25)

    def test_a_window_stays_at_the_last_day_after_the_period(self) -> None:
        span = Window(7).span(self.PERIOD, datetime(2027, 2, 1, tzinfo=UTC))
        assert span == Span(midnight(date(2026, 12, 25), BERLIN), self.PERIOD.span.end)

    @given(length=st.integers(1, 120), now=moments, zone=zones)
    def test_a_window_has_as_many_days_as_configured(self, length: int, now: datetime, zone: ZoneInfo) -> None:
        period = Period("p", date(2012, 1, 1), date(2034, 12, 31), zone)
        span = Window(length).span(period, now)
        last = (span.end - SECOND).astimezone(zone).date()
        assert span.start == midnight(last - timedelta(days=length - 1), zone)  # Apia had no 30 December 2011
        if now in period.span:
            assert now in span

    @given(length=st.none() | st.integers(1, 120), now=moments, zone=zones)
    def test_a_pull_reaches_back_as_far_as_a_window_ever_looks(
        self, length: int | None, now: datetime, zone: ZoneInfo
    ) -> None:
        period = Period("p", date(2020, 1, 1), date(2020, 3, 31), zone)
        window = Window(length)
        assert window.earliest(period) <= window.span(period, now).start
        assert window.earliest(period) <= period.span.start


class TestFiscalYears:
    """A fiscal year is named by the calendar year in which it ends."""

    @pytest.mark.parametrize(
        ("name", "year_starts", "first", "last"),
        [
            ("FY27", 2, date(2026, 2, 1), date(2027, 1, 31)),
            ("FY27-Q1", 2, date(2026, 2, 1), date(2026, 4, 30)),
            ("FY27-Q4", 2, date(2026, 11, 1), date(2027, 1, 31)),
            ("FY27-H2", 2, date(2026, 8, 1), date(2027, 1, 31)),
            ("FY28-Q1", 2, date(2027, 2, 1), date(2027, 4, 30)),
            ("FY24-Q4", 3, date(2023, 12, 1), date(2024, 2, 29)),
            ("FY27-Q1", 12, date(2026, 12, 1), date(2027, 2, 28)),
            ("FY27-Q2", 10, date(2027, 1, 1), date(2027, 3, 31)),
            ("FY27", 1, date(2027, 1, 1), date(2027, 12, 31)),
        ],
    )
    def test_its_parts_begin_in_the_month_that_the_project_names(
        self, name: str, year_starts: int, first: date, last: date
    ) -> None:
        period = parse_period(name, BERLIN, year_starts)
        assert (period.id, period.first, period.last) == (name, first, last)

    @given(st.integers(1, 12), st.integers(0, 99))
    def test_its_quarters_follow_each_other_and_fill_it(self, year_starts: int, year: int) -> None:
        whole = parse_period(f"FY{year:02}", BERLIN, year_starts)
        quarters = [parse_period(f"FY{year:02}-Q{number}", BERLIN, year_starts) for number in (1, 2, 3, 4)]
        halves = [parse_period(f"FY{year:02}-H{number}", BERLIN, year_starts) for number in (1, 2)]
        for parts in (quarters, halves):
            assert (parts[0].first, parts[-1].last) == (whole.first, whole.last)
            assert all(before.last + timedelta(days=1) == after.first for before, after in pairwise(parts))
        assert whole.last.year == 2000 + year

    def test_calendar_names_stay_what_they_are(self) -> None:
        assert parse_period("2026-Q4", BERLIN, 2) == parse_period("2026-Q4", BERLIN)

    @pytest.mark.parametrize("name", ["FY27-11", "FY2027", "FY27-Q5", "fy27", "FY7"])
    def test_another_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="is not a period; write 2026-Q4"):
            parse_period(name, BERLIN, 2)

    def test_a_fiscal_year_needs_its_first_month(self) -> None:
        with pytest.raises(
            ValueError, match="'FY27-Q1' is of a fiscal year; write the month that it begins in as year_st"
        ):
            parse_period("FY27-Q1", BERLIN)
