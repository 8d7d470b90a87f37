"""Cron lines against a reading of crontab(5) by brute force, minute by minute, around both changes of clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from syncd.config.cron import next_by_cron

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # of minute, hour, day of the month, month, day of the week


def numbers(field: str, place: int) -> set[int]:
    """The numbers that a field names, by its place in the line."""
    names = {name: str(number) for number, name in enumerate(MONTHS, 1)} if place == 3 else {}
    names |= {name: str(number) for number, name in enumerate(WEEKDAYS)} if place == 4 else {}
    chosen: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        ends = [int(names.get(end, end)) for end in span.split("-")] if span != "*" else RANGES[place]
        chosen.update(range(ends[0], ends[-1] + 1, int(step or 1)))
    return chosen


def comes_on(line: str) -> Callable[[date], bool]:
    """Whether a line names a day. Where it gives the day of the month and of the week, either is enough."""
    _, _, day, month, weekday = line.split()
    days, months = numbers(day, 2), numbers(month, 3)
    weekdays = {number % 7 for number in numbers(weekday, 4)}
    enough = all if day.startswith("*") or weekday.startswith("*") else any
    return lambda on: on.month in months and enough((on.day in days, on.isoweekday() % 7 in weekdays))


@cache
def minutes_of(day: date, zone: ZoneInfo) -> Sequence[tuple[int, int, tuple[datetime, ...]]]:
    """Hour and minute on the clock, and when they come: never in a gap, twice where the clocks go back."""
    shown = [datetime.combine(day, time(hour, minute)) for hour in range(24) for minute in range(60)]
    return [(local.hour, local.minute, tuple(moments(local, zone))) for local in shown]


def moments(local: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    for moment in dict.fromkeys(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)):
        if moment.astimezone(zone).replace(tzinfo=None) == local:
            yield moment


def after_the_gap(local: datetime, zone: ZoneInfo) -> datetime:
    while not (instants := list(moments(local, zone))):
        local += MINUTE
    return instants[0]


def times(line: str, zone: ZoneInfo, days: Sequence[date]) -> list[datetime]:
    """Every time of a line in these days."""
    minute, hour, *_ = line.split()
    in_minutes, in_hours, comes = numbers(minute, 0), numbers(hour, 1), comes_on(line)
    every_real_minute = minute.startswith("*") or hour.startswith("*")
    chosen: set[datetime] = set()
    for day in filter(comes, days):
        for at_hour, at_minute, when in minutes_of(day, zone):
            if at_minute in in_minutes and at_hour in in_hours:
                local = datetime.combine(day, time(at_hour, at_minute))
                chosen.update(when if every_real_minute else when[:1] or [after_the_gap(local, zone)])
    return sorted(chosen)


def random_line(random: Random, days: Sequence[date]) -> str:
    """A line that often names the night of a change and the days around it."""
    near = ([0, 15, 30, 59], [0, 1, 2, 3], [day.day for day in days], [day.month for day in days], range(8))

    def item(place: int) -> str:
        first, last = RANGES[place]
        start = random.choice(near[place]) if random.random() < 0.7 else random.randint(first, last)
        end = random.randint(first, last)
        names: Sequence[str] = {3: ["", *MONTHS], 4: [*WEEKDAYS, "7"]}.get(place, ())
        if start >= end or random.random() < 0.5:
            return names[start] if names and random.random() < 0.3 else str(start)
        return f"{start}-{end}" + random.choice(("", "", f"/{random.randint(1, 9)}"))

    def field(place: int, star: float) -> str:
        if random.random() < star:
            return random.choice(("*", "*", f"*/{random.randint(2, 20)}"))
        return ",".join(item(place) for _ in range(random.choice((1, 1, 2, 3))))

    return " ".join(field(place, star) for place, star in enumerate((0.2, 0.3, 0.5, 0.7, 0.5)))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        pytest.param(BERLIN, date(2026, 3, 29), id="Berlin-forward"),
        pytest.param(BERLIN, date(2026, 10, 25), id="Berlin-back"),
        pytest.param(NEW_YORK, date(2026, 3, 8), id="New-York-forward"),
        pytest.param(NEW_YORK, date(2026, 11, 1), id="New-York-back"),
    ],
)
def test_1000_random_lines_come_when_brute_force_says(zone: ZoneInfo, change: date) -> None:
    days = [change + distance * DAY for distance in range(-2, 3)]
    night, end = (datetime.combine(day, time(0), zone).astimezone(UTC) for day in (change, days[-1] + DAY))
    random = Random(12)
    for _ in range(1000):
        line = random_line(random, days)
        all_times = times(line, zone, days)
        for hours in ((-24, 0), (0, 2), (0, 4)):
            now = night + timedelta(hours=random.uniform(*hours))
            expected = next((moment for moment in all_times if moment >= now), None)
            try:
                moment: datetime | None = next_by_cron(line, zone, now)
            except ValueError:  # such as 31 November
                moment = None
            assert expected == moment or (expected is None and moment and moment >= end), (line, now, expected, moment)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def after(line: str, now: str, count: int) -> list[datetime]:
    moments = [at(now)]
    for _ in range(count):
        moments.append(next_by_cron(line, BERLIN, moments[-1] + timedelta(seconds=1)))
    return moments[1:]


def test_a_day_of_the_month_or_of_the_week_is_enough_where_a_line_gives_both() -> None:
    assert after("0 9 13 * 5", "2026-11-12T12:00+01:00", 4) == [
        at(f"2026-11-{day}T09:00+01:00") for day in (13, 20, 27)
    ] + [at("2026-12-04T09:00+01:00")]
    assert after("0 9 13 * *", "2026-11-12T12:00+01:00", 2) == [
        at("2026-11-13T09:00+01:00"),
        at("2026-12-13T09:00+01:00"),
    ]


def test_a_time_that_the_clocks_skip_comes_right_after_the_gap() -> None:
    assert after("30 2 * * *", "2026-03-28T12:00+01:00", 2) == [
        at("2026-03-29T03:00+02:00"),
        at("2026-03-30T02:30+02:00"),
    ]


def test_a_time_that_the_clocks_repeat_comes_once() -> None:
    assert after("30 2 * * *", "2026-10-24T12:00+02:00", 2) == [
        at("2026-10-25T02:30+02:00"),
        at("2026-10-26T02:30+01:00"),
    ]
    assert next_by_cron("30 2 * * *", BERLIN, at("2026-10-25T02:10+01:00")) == at("2026-10-26T02:30+01:00")


@pytest.mark.parametrize("line", ["*/30 * * * *", "0,30 * * * *", "*/30 0-23 * * *"])
def test_a_line_with_a_star_runs_in_every_real_minute_that_fits(line: str) -> None:
    for now in ("2026-03-29T00:10+01:00", "2026-10-25T00:10+02:00"):
        assert {later - earlier for earlier, later in pairwise(after(line, now, 12))} == {30 * MINUTE}


def test_now_itself_can_be_the_time() -> None:
    assert next_by_cron("0 6 * * *", BERLIN, at("2026-11-21T06:00+01:00")) == at("2026-11-21T06:00+01:00")
    assert next_by_cron("0 6 * * *", BERLIN, at("2026-11-21T06:00:00.5+01:00")) == at("2026-11-22T06:00+01:00")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("61 * * * *", "write its minute as *, a number from 0 to 59"),
        ("0 24 * * *", "write its hour as *, a number from 0 to 23"),
        ("0 0 32 * *", "write its day-of-month as *, a number from 1 to 31"),
        ("0 0 31 4 *", "write its day-of-month as *, a number from 1 to 31 (and a day that its month has)"),
        ("0 0 * 13 *", "write its month as *, a number from 1 to 12 (or jan to dec)"),
        ("0 0 * * 5-1", "write its day-of-week as *, a number from 0 to 7 (or sun to sat), a range such as 1-5"),
        ("0 0 * * monday", "write its day-of-week as"),
        ("0 0 */20 * 1#4", "it names no day that ever comes; write one that does"),
    ],
)
def test_a_bad_line_says_which_field_to_write_how(line: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        next_by_cron(line, BERLIN, at("2026-11-21T06:00+01:00"))
    assert str(caught.value).startswith(message)
