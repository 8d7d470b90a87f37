"""Formats goals, days and ages for people. On a page, the texts are in the reader's language. The SDK formats numbers
and shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncd.okr.goals import Band, Goal, KeyResult, Kind, Level, Milestone, Milestones, Quality, Rollup, Standing, Target
from syncd.okr.rollup import ObjectiveStanding
from syncd.sdk.figures import exact, full_number
from syncd.sdk.figures import number as number
from syncd.sdk.figures import percent as percent
from syncd.sdk.figures import whole as whole
from syncd.sdk.language import gettext as _
from syncd.sdk.language import language, marked, ngettext

_ENDS = (0.0, 1.0)
_MINUTE = timedelta(minutes=1)

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
SCORE_WORDS: dict[Rollup, str] = {
    "outcomes": marked("outcome"),
    "supporting": marked("outcome"),
    "weakest": marked("weakest"),
    "all": marked("all results"),  # outputs are in this score
}
"""For each roll-up, what makes up the score of an objective, in words."""
LEVEL_WORDS: dict[Level, str] = {"commit": marked("commit"), "target": marked("target"), "stretch": marked("stretch")}


def count(number: int, name: str) -> str:
    """A number with its noun: `1 stream`, `3 streams`."""
    return f"{number:,} {name}{'s' * (number != 1)}"


def signature(author: str, entered_by: str | None) -> str:
    """The author of an entry, and the person who entered it if that is somebody else: `Dana (entered by
    ops@build-3)`.
    """
    if entered_by is None or author in (entered_by, entered_by.partition("@")[0]):
        return author
    return _("%(author)s (entered by %(person)s)", author=author, person=entered_by)


def value_figure(kr: KeyResult, value: float | None, unknown: str = "–") -> str:
    """A number of a key result, never rounded across the target or another bound of the key result's goal."""
    return number(value, unknown, goal_bounds(kr.goal))


def progress_figure(standing: Standing) -> str:
    """The progress of a key result, never rounded across a bound that decides its health."""
    return percent(standing.progress, standing.bounds)


def score_figure(standing: Standing | ObjectiveStanding) -> str:
    """The score of a key result or objective, never rounded across a bound that decides its health."""
    return percent(standing.score, standing.bounds)


def activity_figure(standing: ObjectiveStanding) -> str:
    """The activity of an objective. An activity is shown as 0 % or 100 % only if it is exactly 0 or 1."""
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


def goal(kr: KeyResult, value: float | None = None) -> str:
    """The goal with all digits of its bounds: `1,200 → 600 calls/week`, `of 40`, `at least 99.5 %`. The goal of
    milestones that are reached at amounts begins with how many the `value` has reached: `2 of 3 milestones to 50 km`.
    """
    if isinstance(kr.goal, Band):
        low, high = kr.goal.at_least, kr.goal.at_most
        if low is not None and high is not None:
            return _("%(low)s to %(high)s", low=full_number(low), high=_in_unit(high, kr))
        if low is not None:
            return _("at least %(figure)s", figure=_in_unit(low, kr))
        return _("at most %(figure)s", figure=_in_unit(high, kr))
    if isinstance(kr.goal, Milestones):
        return _milestones(kr, kr.goal.steps, value)
    if is_counted(kr):
        return _("of %(figure)s", figure=_in_unit(kr.goal.target, kr))
    return change(full_number(kr.goal.baseline, "?"), _in_unit(kr.goal.target, kr))


def _milestones(kr: KeyResult, every: Sequence[Milestone], value: float | None) -> str:
    if is_counted(kr):
        return ngettext("of %(num)s milestone", "of %(num)s milestones", len(every))
    parts = {"last": _in_unit(max(step.at for step in every), kr)}
    if value is None:
        return ngettext("%(num)s milestone to %(last)s", "%(num)s milestones to %(last)s", len(every), **parts)
    parts["reached"] = whole(sum(value >= step.at for step in every))
    return ngettext(
        "%(reached)s of %(num)s milestone to %(last)s",
        "%(reached)s of %(num)s milestones to %(last)s",
        len(every),
        **parts,
    )


def change(old: object, new: object) -> str:
    """An old and a new value: `1,200 → 600`. The catalogue of a language that is written from right to left has its own
    arrow.
    """
    return _("%(old)s → %(new)s", old=old, new=new)


def is_counted(kr: KeyResult) -> bool:
    """Whether a key result counts things from 0 up to a number: for milestones, the milestones themselves."""
    if isinstance(kr.goal, Target):
        return kr.kind == "output" and not kr.goal.baseline
    return isinstance(kr.goal, Milestones) and all(at == step.at for at, step in enumerate(kr.goal.steps, 1))


def _in_unit(value: float | None, kr: KeyResult) -> str:
    return f"{full_number(value)} {kr.unit}" if kr.unit else full_number(value)


def steps(kr: KeyResult, value: float | None, zone: ZoneInfo) -> str | None:
    """The reached levels or milestones, and the next one; None for a goal without levels or milestones."""
    if value is None:
        return None
    if isinstance(kr.goal, Milestones):
        ahead = next((step for step in kr.goal.steps if value < step.at), None)
        if ahead is None:
            return _("every milestone is reached")
        if ahead.by is None:
            return _("next: %(milestone)s", milestone=ahead.title)
        last = day((ahead.by - timedelta(microseconds=1)).astimezone(zone))
        return _("next: %(milestone)s, by %(day)s", milestone=ahead.title, day=last)
    if not isinstance(kr.goal, Target) or not kr.goal.levels:
        return None
    reached, names = kr.goal.level(value), [name for name, _ in kr.goal.levels]
    ahead_of = kr.goal.levels[names.index(reached) + 1 if reached else 0 :]
    parts = [_("%(level)s reached", level=_(LEVEL_WORDS[reached]))] if reached else []
    parts += [_("%(level)s is %(figure)s", level=_(LEVEL_WORDS[name]), figure=full_number(at)) for name, at in ahead_of]
    return "; ".join(parts)


def day(moment: date) -> str:
    """A day without its year: `12 Oct`."""
    return language().day(moment)


def full_day(moment: date) -> str:
    """A day with its year: `12 Oct 2026`."""
    return language().full_day(moment)


def clock_time(moment: datetime) -> str:
    """A day with a time: `21 Nov 10:15`."""
    return language().clock_time(moment)


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago a moment was, in one unit: `now`, `14 min`, `2 h`, `5 d`."""
    if moment is None:
        return ""
    passed = now - moment
    if passed < _MINUTE:
        return _("now")
    if passed < timedelta(hours=1):
        return _("%(num)s min", num=passed // _MINUTE)
    if passed < timedelta(days=1):
        return _("%(num)s h", num=passed // timedelta(hours=1))
    return _("%(num)s d", num=passed.days)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago a moment was, in words: `just now`, `14 min ago`."""
    return _("just now") if now - moment < _MINUTE else _("%(age)s ago", age=age(moment, now))


def span(length: timedelta) -> str:
    """A lag in words: `3 weeks`, `10 days`, `6 hours`."""
    week, day, hour = timedelta(weeks=1), timedelta(days=1), timedelta(hours=1)
    if length >= week and not length % week:
        return ngettext("%(num)s week", "%(num)s weeks", length // week)
    if length >= day and not length % day:
        return ngettext("%(num)s day", "%(num)s days", length // day)
    if length >= hour and not length % hour:
        return ngettext("%(num)s hour", "%(num)s hours", length // hour)
    return _("%(num)s days", num=exact(f"{length / day:g}"))


def place(part: str) -> str:
    """The place of a part's readings, such as `series dates Support!A2:A, values Support!C2:C` or `search/calls`. For a
    query, the place is its columns, such as `value calls, date week`.
    """
    keys = orjson.loads(part)
    if "key_result" in keys:
        return f"{keys['name']}/{keys['key_result']}"
    shape = [f"{name} {_flat(keys[name])}" for name in ("cell", "series", "lookup", "json") if name in keys]
    columns = [f"{name} {keys[name]}" for name in ("value", "date") if keys.get(name) is not None]
    shape += [", ".join(columns)] if columns else []
    rules = [f"as {_flat(keys['as'])}"] if "as" in keys else []
    return "; ".join(shape + rules)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
