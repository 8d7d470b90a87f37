"""How fast a key result must move from now on to reach its target, beside how fast it moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from syncd.okr.goals import Target
from syncd.okr.words import day, number
from syncd.review.model import Move, Review

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Needed:
    """What is still needed in all, in its unit and signed, and a week, where a week is left; `had` is a week's gain."""

    in_all: float
    per_week: float | None
    had: float | None


def needed(move: Move, found: Review) -> Needed | None:
    """What a key result needs until the period's end; None where it is over, reached, or its goal has no way to go."""
    goal, value = move.line.key_result.goal, move.line.value
    left = found.period.span.end - found.as_of
    if not isinstance(goal, Target) or value is None or move.line.standing.progress is None or left <= timedelta():
        return None
    if move.line.standing.progress >= 1.0:
        return None
    in_all = goal.target - value
    had = None
    if move.gained is not None and move.start is not None:
        days = (found.as_of.date() - move.start.day).days
        had = move.gained / days * 7 if days > 0 else None
    return Needed(in_all, in_all / (left / _WEEK) if left >= _WEEK else None, had)


def said(move: Move, found: Review) -> str | None:
    """`must fall by 84 a week until 31 Dec and fell by 18`; None where nothing is needed."""
    want = needed(move, found)
    if want is None:
        return None
    verb, last = ("rise" if want.in_all > 0 else "fall"), day(found.period.last)
    if want.per_week is None:
        must = f"must {verb} by {_round(want.in_all)} until {last}"
    else:
        must = f"must {verb} by {_round(want.per_week)} a week until {last}"
    return must if want.had is None else f"{must} and {moved(want.had, found)}"


def moved(gained: float, found: Review) -> str:
    """`fell by 18 a week`, or of seven days `fell by 18`."""
    if not gained:
        return "did not move"
    a_week = " a week" if found.whole else ""
    return f"{'rose' if gained > 0 else 'fell'} by {_round(gained)}{a_week}"


def _round(amount: float) -> str:
    return number(float(f"{abs(amount):.3g}"))
