"""Trials: a key result under a guard, with facts for the guard and without."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.goals import Band, KeyResult, Link, Objective, PeriodOkrs, Shares, Target, guard_id
from syncd.okr.measures import RecordMeasure
from syncd.okr.spans import Period
from syncd.okr.trial import Given, Trial
from syncd.sdk import Record

PERIOD = Period("p", date(2026, 10, 1), date(2026, 10, 31), ZoneInfo("UTC"))
NOW = datetime(2026, 10, 21, 12, tzinfo=UTC)
WORK = RecordMeasure("code", ("pulls",))
BUGS = RecordMeasure("code", ("issues",))


@pytest.mark.parametrize("numbers", [{"calls": 10.0, guard_id("work"): 5.0}, {"calls": 10.0}])
def test_the_past_of_a_guard_without_facts_is_unknown(numbers: dict[str, float]) -> None:
    """From no records its past would be 0 on each day, which is below its band."""
    done = [PERIOD.span.start + timedelta(hours=number) for number in range(31)]
    records = [Record(f"{at}", "", "", "", at, at, at, None, {}) for at in done]
    guard = KeyResult(guard_id("work"), "Bugs fixed too", "outcome", Band(at_least=1), BUGS)
    work = KeyResult(
        "work", "Work", "output", Target(31, 0), WORK, drives=(Link("calls", timedelta(days=7)),), guard=guard
    )
    calls = KeyResult("calls", "Calls", "outcome", Target(0, 10))
    okrs = PeriodOkrs(PERIOD, (Objective("o", "O", (work, calls)),))
    link = Trial(okrs, Shares(), Given({WORK: records}, {}, numbers), NOW).alignment("work", "calls")
    assert (link.verdict, link.since) == ("watermelon", PERIOD.first)
