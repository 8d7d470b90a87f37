"""Does the work drive the outcome that it claims to drive?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.alignment import judge, on_pace_since
from syncd.okr.goals import Health, KeyResult, Link, Shares, Target, standing
from syncd.okr.spans import Period, midnight

SINCE = date(2026, 10, 12)
LINK = Link("calls", timedelta(weeks=3))
OUTPUT = KeyResult("articles", "40 articles", "output", Target(40, 0), drives=(LINK,))
ON_PACE = ("on_track", "done")
BEHIND = ("off_track", "at_risk")
LATER = date(2027, 1, 1)


def verdict(output: Health, outcome: Health, since: date | None = SINCE, today: date = LATER, link: Link = LINK) -> str:
    return judge(OUTPUT, link, (output, outcome), since, today).verdict


TABLE = {
    **dict.fromkeys(product(ON_PACE, ON_PACE), "working"),
    **dict.fromkeys(product(ON_PACE, BEHIND), "watermelon"),
    **dict.fromkeys(product(BEHIND, ON_PACE), "unexplained"),
    **dict.fromkeys(product(BEHIND, BEHIND), "under_delivered"),
}


@pytest.mark.parametrize("healths", list(product(get_args(Health), repeat=2)), ids=" ".join)
def test_every_pair_of_healths_has_its_verdict(healths: tuple[Health, Health]) -> None:
    assert verdict(*healths) == TABLE.get(healths, "unknown")


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 10, 12), "too_early"),
        (date(2026, 11, 1), "too_early"),
        (date(2026, 11, 2), "watermelon"),  # three weeks after 12 October, to the day
        (date(2026, 11, 3), "watermelon"),
    ],
)
@pytest.mark.parametrize("output", ON_PACE)
@pytest.mark.parametrize("outcome", BEHIND)
def test_a_verdict_is_too_early_until_the_lag_has_passed(
    today: date, expected: str, output: Health, outcome: Health
) -> None:
    assert verdict(output, outcome, today=today) == expected


def test_an_outcome_without_a_lag_is_judged_on_the_first_day() -> None:
    assert verdict("on_track", "off_track", today=SINCE, link=Link("calls")) == "watermelon"


def test_since_is_given_only_for_an_output_on_pace() -> None:
    for output, since in (("on_track", SINCE), ("done", SINCE), ("at_risk", None), ("unknown", None)):
        alignment = judge(OUTPUT, LINK, (output, "off_track"), SINCE, LATER)  # type: ignore[arg-type]
        assert (alignment.output, alignment.outcome, alignment.since, alignment.lag) == (
            "articles",
            "calls",
            since,
            LINK.lag,
        )


ZONE = ZoneInfo("Europe/Berlin")
PERIOD = Period("p", date(2026, 10, 21), date(2026, 10, 30), ZONE)  # ten days, one of 25 hours
SHARES = Shares()


def since(now: datetime, *past: float | None) -> date | None:
    """The start of the run, for values at the ends of the period's first days."""
    days = [(PERIOD.first + timedelta(days=number), value) for number, value in enumerate(past)]
    return on_pace_since(OUTPUT, PERIOD, now, SHARES, days, {})


def morning(day: int) -> datetime:
    return datetime(2026, 10, day, 9, tzinfo=ZONE)


class TestOnPaceSince:
    def test_the_run_starts_today_without_a_past(self) -> None:
        assert since(morning(21)) == date(2026, 10, 21)

    def test_an_unbroken_run_goes_back_to_the_first_day(self) -> None:
        assert since(morning(24), 4, 8, 12) == date(2026, 10, 21)

    def test_a_day_behind_breaks_the_run(self) -> None:
        assert since(morning(25), 4, 0, 12, 16) == date(2026, 10, 23)

    def test_the_run_starts_today_after_a_day_behind(self) -> None:
        assert since(morning(25), 4, 8, 12, 3) == date(2026, 10, 25)

    def test_an_unknown_day_breaks_the_run(self) -> None:
        assert since(morning(25), 4, 8, None, 16) == date(2026, 10, 24)

    def test_a_day_at_risk_breaks_the_run(self) -> None:
        assert since(morning(24), 4, 6, 12) == date(2026, 10, 23)  # 6 of the 8 expected is 0.75 of it

    def test_today_is_a_local_day(self) -> None:
        assert since(datetime(2026, 10, 24, 22, 30, tzinfo=UTC)) == date(2026, 10, 25)

    def test_the_run_stays_within_the_period_after_its_end(self) -> None:
        assert since(datetime(2026, 12, 1, tzinfo=UTC)) == date(2026, 10, 30)
        assert since(datetime(2026, 12, 1, tzinfo=UTC), *[40.0] * 10) == date(2026, 10, 21)

    @given(past=st.lists(st.none() | st.integers(0, 40), max_size=9))
    def test_every_day_of_the_run_was_on_pace_and_the_day_before_was_not(self, past: list[float | None]) -> None:
        today = PERIOD.first + timedelta(days=len(past))
        start = since(midnight(today, ZONE) + timedelta(hours=1), *past)
        assert start is not None
        health = {
            PERIOD.first + timedelta(days=number): standing(
                OUTPUT, value, PERIOD.span, midnight(PERIOD.first + timedelta(days=number + 1), ZONE), SHARES
            ).health
            for number, value in enumerate(past)
        }
        run = [day for day in health if day >= start]
        assert all(health[day] in ON_PACE for day in run)
        assert start == PERIOD.first or health[start - timedelta(days=1)] not in ON_PACE
