"""Goals, days and ages as people read them; the sdk words numbers and shares."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncd.okr.goals import Band, Goal, KeyResult, Kind, Milestones, Quality, Standing, Target
from syncd.okr.rollup import ObjectiveStanding
from syncd.sdk.figures import full_number
from syncd.sdk.figures import number as number
from syncd.sdk.figures import percent as percent
from syncd.sdk.language import marked

_ENDS = (0.0, 1.0)

HEALTH_WORDS = {
    "unknown": marked("unknown"),
    "off_track": marked("off track"),
    "at_risk": marked("at risk"),
    "on_track": marked("on track"),
    "done": marked("done"),
}
HEALTH_SIGNS = {"unknown": "?", "off_track": "✗", "at_risk": "~", "on_track": "✓", "done": "★"}
HEALTH_STYLES = {
    "unknown": "bright_black",
    "off_track": "red",
    "at_risk": "yellow",
    "on_track": "green",
    "done": "bold green",
}
QUALITY_WORDS: dict[Quality, str] = {
    "complete": marked("complete"),
    "partial": marked("partial"),
    "failed": marked("failed"),
    "stale": marked("stale"),
    "held": marked("held"),
}
KIND_WORDS: dict[Kind, str] = {"outcome": marked("outcome"), "output": marked("output")}


def count(number: int, name: str) -> str:
    """`1 stream`, `3 streams`."""
    return f"{number:,} {name}{'s' * (number != 1)}"


def signature(author: str, entered_by: str | None) -> str:
    """An author, and who entered it if that is somebody else: `Dana (entered by ops@build-3)`."""
    if entered_by is None or author in (entered_by, entered_by.partition("@")[0]):
        return author
    return f"{author} (entered by {entered_by})"


def value_figure(kr: KeyResult, value: float | None, unknown: str = "–") -> str:
    """A number of a key result, never rounded across its target or another bound of its goal."""
    return number(value, unknown, goal_bounds(kr.goal))


def progress_figure(standing: Standing) -> str:
    """The progress of a key result, never rounded across a bound that its health stands on."""
    return percent(standing.progress, standing.bounds)


def score_figure(standing: Standing | ObjectiveStanding) -> str:
    """The score of a key result or objective, never rounded across a bound that its health stands on."""
    return percent(standing.score, standing.bounds)


def activity_figure(standing: ObjectiveStanding) -> str:
    """The activity of an objective, which is 0 % or 100 % only if it is exactly that."""
    return percent(standing.activity, _ENDS)


def goal_bounds(goal: Goal) -> set[float]:
    """The values at which a goal is met or broken, or a level or milestone is reached."""
    match goal:
        case Target(target, baseline, commit, stretch):
            bounds = {target, baseline, commit, stretch}
        case Band(at_least, at_most):
            bounds = {at_least, at_most}
        case Milestones(every):
            bounds = {step.at for step in every}
    return {bound for bound in bounds if bound is not None}


def goal(kr: KeyResult) -> str:
    """The goal with its bounds as they are written: `1,200 → 600 calls/week`, `of 40`, `at least 99.5 %`."""
    unit = f" {kr.unit}" if kr.unit else ""
    if isinstance(kr.goal, Band):
        low, high = kr.goal.at_least, kr.goal.at_most
        if low is not None and high is not None:
            return f"{full_number(low)} to {full_number(high)}{unit}"
        return f"at least {full_number(low)}{unit}" if low is not None else f"at most {full_number(high)}{unit}"
    if isinstance(kr.goal, Milestones):
        return f"of {count(len(kr.goal.steps), 'milestone')}"
    if kr.kind == "output" and not kr.goal.baseline:
        return f"of {full_number(kr.goal.target)}{unit}"
    return f"{full_number(kr.goal.baseline, '?')} → {full_number(kr.goal.target)}{unit}"


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
    return "; ".join([*parts, *(f"{name} is {full_number(at)}" for name, at in ahead_of)])


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
    """The place of a part's readings: `series dates Support!A2:A, values Support!C2:C`."""
    keys = orjson.loads(part)
    shape = [f"{name} {_flat(keys[name])}" for name in ("cell", "series", "lookup", "json") if name in keys]
    rules = [f"as {_flat(keys['as'])}"] if "as" in keys else []
    return "; ".join(shape + rules)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
