"""Computes how fast a key result must move to reach its target, and how fast it has moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from syncd.okr.goals import Target
from syncd.okr.words import day, number
from syncd.review.model import Move, Review
from syncd.sdk.language import gettext as _
from syncd.sdk.numbers import difference, rounded

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Needed:
    """How far a key result must still move, in its unit: in total and per week. The numbers are negative if the key
    result must fall. `per_week` is None if less than a week is left.

    `gained` is the key result's gain over the reviewed days, in the review of a whole period its weekly gain; None if
    the gain is unknown.
    """

    in_all: float
    per_week: float | None
    gained: float | None


def needed(move: Move, review: Review) -> Needed | None:
    """How far a key result must move by the end of the period; None if the period is over, the goal is reached, or
    there is no target.
    """
    goal, value = move.line.key_result.goal, move.line.value
    left = review.period.span.end - review.as_of
    if not isinstance(goal, Target) or value is None or move.line.standing.progress is None or left <= timedelta():
        return None
    if move.line.standing.progress >= 1.0:
        return None
    in_all = difference(goal.target, value)
    gained = move.gained
    if gained is not None and move.start is not None and review.whole:
        days = (review.as_of.date() - move.start.day).days
        gained = rounded(gained / days * 7) if days > 0 else None
    return Needed(in_all, rounded(in_all / (left / _WEEK)) if left >= _WEEK else None, gained)


def pace_words(move: Move, review: Review, *, with_gain: bool = True) -> str | None:
    """A text such as `must fall by 84 a week until 31 Dec and fell by 18`; without `with_gain`, only the part before
    `and`. None if no movement is needed.
    """
    need = needed(move, review)
    if need is None:
        return None
    amount = _round(need.in_all)
    if need.per_week is not None:
        amount = _("%(slope)s a week", slope=_round(need.per_week))
    last = day(review.period.last)
    if need.in_all > 0:
        must = _("must rise by %(amount)s until %(day)s", amount=amount, day=last)
    else:
        must = _("must fall by %(amount)s until %(day)s", amount=amount, day=last)
    if need.gained is None or not with_gain:
        return must
    return _("%(must)s and %(gained)s", must=must, gained=_gain_words(need.gained, review))


def _gain_words(gained: float, review: Review) -> str:
    if not gained:
        return _("did not move")
    amount = _("%(slope)s a week", slope=_round(gained)) if review.whole else _round(gained)
    return _("rose by %(amount)s", amount=amount) if gained > 0 else _("fell by %(amount)s", amount=amount)


def _round(amount: float) -> str:
    return number(float(f"{abs(amount):.3g}"))
