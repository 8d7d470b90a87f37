"""Goals, days and ages as people read them; numbers and shares, which the sdk says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncd.okr.goals import Band, KeyResult, Milestones, Target
from syncd.sdk.figures import number as number
from syncd.sdk.figures import percent as percent

HEALTH_WORDS = {
    "unknown": "unknown",
    "off_track": "off track",
    "at_risk": "at risk",
    "on_track": "on track",
    "done": "done",
}
HEALTH_SIGNS = {"unknown": "?", "off_track": "✗", "at_risk": "~", "on_track": "✓", "done": "★"}
HEALTH_STYLES = {
    "unknown": "bright_black",
    "off_track": "red",
    "at_risk": "yellow",
    "on_track": "green",
    "done": "bold green",
}


def count(number: int, name: str) -> str:
    """`1 stream`, `3 streams`."""
    return f"{number:,} {name}{'s' * (number != 1)}"


def goal(kr: KeyResult) -> str:
    """What it aims at: `1,200 → 600 calls/week`, `of 40`, `at least 99.5 %`."""
    unit = f" {kr.unit}" if kr.unit else ""
    if isinstance(kr.goal, Band):
        low, high = kr.goal.at_least, kr.goal.at_most
        if low is not None and high is not None:
            return f"{number(low)} to {number(high)}{unit}"
        return f"at least {number(low)}{unit}" if low is not None else f"at most {number(high)}{unit}"
    if isinstance(kr.goal, Milestones):
        return f"of {count(len(kr.goal.steps), 'milestone')}"
    if kr.kind == "output" and not kr.goal.baseline:
        return f"of {number(kr.goal.target)}{unit}"
    return f"{number(kr.goal.baseline) if kr.goal.baseline is not None else '?'} → {number(kr.goal.target)}{unit}"


def steps(kr: KeyResult, value: float | None, zone: ZoneInfo) -> str | None:
    """Which levels or milestones are reached, and which comes next; None for a goal that has neither."""
    if value is None:
        return None
    if isinstance(kr.goal, Milestones):
        ahead = next((step for step in kr.goal.steps if value < step.at), None)
        if ahead is None:
            return "every milestone is reached"
        by = f", by {day((ahead.by - timedelta(microseconds=1)).astimezone(zone))}" if ahead.by else ""
        return f"next: {ahead.title}{by}"
    if not isinstance(kr.goal, Target) or not kr.goal.levels:
        return None
    reached, names = kr.goal.level(value), [name for name, _ in kr.goal.levels]
    ahead_of = kr.goal.levels[names.index(reached) + 1 if reached else 0 :]
    parts = [f"{reached} reached"] if reached else []
    return "; ".join([*parts, *(f"{name} is {number(at)}" for name, at in ahead_of)])


def day(moment: date) -> str:
    """`12 Oct`."""
    return f"{moment.day} {moment:%b}"


def clock_time(moment: datetime) -> str:
    """`21 Nov 10:15`."""
    return f"{day(moment)} {moment:%H:%M}"


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: `now`, `14 min`, `2 h`, `5 d`."""
    if moment is None:
        return ""
    passed = now - moment
    if passed < timedelta(minutes=1):
        return "now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min"
    if passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h"
    return f"{passed.days} d"


def ago(moment: datetime, now: datetime) -> str:
    """`just now`, `14 min ago`."""
    passed = age(moment, now)
    return "just now" if passed == "now" else f"{passed} ago"


def span(length: timedelta) -> str:
    """A lag in words: `3 weeks`, `10 days`, `6 hours`."""
    for unit, name in ((timedelta(weeks=1), "week"), (timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if length >= unit and not length % unit:
            return count(length // unit, name)
    return f"{length.total_seconds() / 86400:g} days"


def place(part: str) -> str:
    """Where the readings of a part stand: `series dates Support!A2:A, values Support!C2:C`."""
    keys = orjson.loads(part)
    shape = [f"{name} {_flat(keys[name])}" for name in ("cell", "series", "lookup", "json") if name in keys]
    rules = [f"as {_flat(keys['as'])}"] if "as" in keys else []
    return "; ".join(shape + rules)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
