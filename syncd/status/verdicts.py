"""A link in words: its verdict, why, and the trend of its outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from syncd.ledger import KeptAlignment
from syncd.okr.alignment import Alignment
from syncd.okr.goals import Band, KeyResult, Standing
from syncd.okr.trend import Direction, Trend
from syncd.okr.words import count, day, number, progress_figure, span
from syncd.sdk.language import marked
from syncd.status.document_types import LinkDocument, TrendDocument

VERDICT_WORDS = {
    "watermelon": marked("watermelon"),
    "too_early": marked("too early"),
    "under_delivered": marked("under-delivered"),
    "unexplained": marked("unexplained"),
    "unknown": marked("unknown"),
    "working": marked("working"),
}
_AT_ITS_END = " at its end"
VERDICT_SIGNS = {
    "watermelon": "!",
    "too_early": "…",
    "under_delivered": "-",
    "unexplained": "?",
    "unknown": "?",
    "working": "=",
}
DIRECTION_WORDS: dict[Direction, str] = {
    "right_way": "moving the right way",
    "flat": "flat",
    "wrong_way": "moving the wrong way",
    "inside": "inside its band",
    "too_little_data": "too little data",
}


class HasStanding(Protocol):
    """A key result and its standing."""

    @property
    def key_result(self) -> KeyResult:
        """The key result."""
        ...

    @property
    def standing(self) -> Standing:
        """Its standing."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedLink:
    """A link's state: the present verdict, what cycles kept of the link, and the reason, `brief` or in full.

    `words` are the verdict for people: after the period's end `too early` is `too early at its end`, and stays so.
    `verdict_since` is the first day of the verdict's unbroken run; None while no cycle has kept this verdict.
    """

    alignment: Alignment
    verdict_since: date | None
    trend: Trend | None
    brief: str
    why: str
    words: str


def judged_link(
    link: Alignment, kept: KeptAlignment | None, output: HasStanding, outcome: HasStanding, *, over: bool
) -> JudgedLink:
    """A link with what was kept of it; `over` says whether its period is. A verdict that was kept under another lag
    does not count.
    """
    if kept is not None and kept.lag != link.lag:
        kept = None
    reason, trend = _reason(link, output, outcome, over=over), kept.trend if kept else None
    brief = " ".join(filter(None, (reason, _heading(link, trend) if link.verdict == "watermelon" else None)))
    why = " ".join(filter(None, (reason, _trend_sentence(link, kept))))
    verdict_since = kept.verdict_since if kept and kept.verdict == link.verdict else None
    words = VERDICT_WORDS[link.verdict] + (_AT_ITS_END if over and link.verdict == "too_early" else "")
    return JudgedLink(link, verdict_since, trend, brief, why, words)


def ordered(links: Iterable[JudgedLink]) -> list[JudgedLink]:
    """The links, watermelons first and working links last."""
    order = list(VERDICT_WORDS)
    return sorted(links, key=lambda link: order.index(link.alignment.verdict))


def _reason(link: Alignment, output: HasStanding, outcome: HasStanding, *, over: bool) -> str:
    """Why a link has its verdict."""
    since = f" since {day(link.since)}" if link.since else ""
    match link.verdict:
        case "watermelon":
            lag = f" and its lag of {span(link.lag)} has passed" if link.lag else ""
            return (
                f"{link.output} is on pace{since}{lag}, yet {link.outcome} {shortfall(outcome)}. Is it the right work?"
            )
        case "too_early":
            by = f" by {day(link.since + link.lag)}" if link.since else ""
            if over:
                return f"{link.output} was on pace{since}; {link.outcome} was to follow{by}, after the period's end."
            return f"{link.output} is on pace{since}; {link.outcome} should follow{by}."
        case "under_delivered":
            return f"neither {link.output} nor {link.outcome} is on pace."
        case "unexplained":
            return f"{link.outcome} is on pace, {link.output} is not. What moved it?"
        case "working":
            return f"{link.output} and {link.outcome} are both on pace."
    unknown = [side.key_result.id for side in (output, outcome) if side.standing.health == "unknown"]
    return f"{' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} unknown."


def shortfall(outcome: HasStanding) -> str:
    """How far an outcome that is not on pace has come: `has gone 18 % of the way`."""
    if isinstance(outcome.key_result.goal, Band):
        return "is out of its band"
    return f"has gone {progress_figure(outcome.standing)} of the way"


def _trend_sentence(link: Alignment, kept: KeptAlignment | None) -> str | None:
    """What the weekly series of a link show; None if no cycle computed a trend."""
    if kept is None or kept.trend is None:
        return None
    trend = kept.trend
    gained = ""
    if kept.delivered is not None and kept.since is not None and kept.since == link.since:
        gained = f"{link.output} {'+' * (kept.delivered >= 0)}{number(kept.delivered)} since {day(kept.since)}; "
    if trend.per_week is None or trend.low is None or trend.high is None:
        if link.verdict == "unknown":
            return None
        return f"{gained}{link.outcome}: too little data for a trend, {trend.reason}."
    weeks = f"{count(trend.weeks, 'week')} of data"
    if link.verdict == "too_early":
        weeks += ", all of before its lag has passed"
    elif link.since is not None:
        when = f"since {'its lag passed on ' if link.lag else ''}{day(link.since + link.lag)}"
        weeks += f", {trend.settled or 'none'} of them {when}" if trend.reason else f" {when}"
    return f"{gained}{link.outcome} {_movement(trend, trend.per_week, trend.low, trend.high)}; {weeks}."


def _heading(link: Alignment, trend: Trend | None) -> str | None:
    """The trend of an outcome in a few words."""
    if trend is None or trend.per_week is None:
        return None
    if trend.direction in ("flat", "inside"):
        return f"{link.outcome} is {DIRECTION_WORDS[trend.direction]}."
    by = f"{'rising' if trend.per_week > 0 else 'falling'} by {_round(abs(trend.per_week))} a week"
    return f"{link.outcome} is {by}."


def _movement(trend: Trend, per_week: float, low: float, high: float) -> str:
    if trend.direction in ("flat", "inside"):
        return f"is {DIRECTION_WORDS[trend.direction]}, {_round(low)} to {_round(high)} a week"
    nearer, farther = sorted((abs(low), abs(high)))
    by = f"{_round(abs(per_week))} a week ({_round(nearer)} to {_round(farther)})"
    way = "the right way" if trend.direction == "right_way" else "the wrong way"
    in_all = f"{_round(abs(trend.move or 0.0))} in all against a noise of {_round(trend.noise or 0.0)}"
    return f"{'rose' if per_week > 0 else 'fell'} by {by}, {way}: {in_all}"


def _round(slope: float) -> str:
    return number(float(f"{slope:.3g}"))


def link_document(judged: JudgedLink) -> LinkDocument:
    """A link as `status --json` prints it: a public contract."""
    link = judged.alignment
    shown: LinkDocument = {
        "output": link.output,
        "outcome": link.outcome,
        "verdict": link.verdict,
        "since": link.since.isoformat() if link.since else None,
        "lag_days": lag_days(link.lag),
        "verdict_since": judged.verdict_since.isoformat() if judged.verdict_since else None,
        "trend": trend_document(judged.trend),
        "why": judged.why,
    }
    if link.periods:
        shown["output_period"], shown["outcome_period"] = link.periods
    return shown


def lag_days(lag: timedelta) -> float | int:
    """A lag in days: an integer if it is a whole number of days."""
    days = lag / timedelta(days=1)
    return int(days) if days.is_integer() else days


def trend_document(trend: Trend | None) -> TrendDocument | None:
    """A trend as JSON documents show it."""
    if trend is None:
        return None
    return {
        "direction": trend.direction,
        "weeks": trend.weeks,
        "settled": trend.settled,
        "since": trend.since.isoformat() if trend.since else None,
        "per_week": trend.per_week,
        "low": trend.low,
        "high": trend.high,
        "move": trend.move,
        "noise": trend.noise,
        "reason": trend.reason,
    }
