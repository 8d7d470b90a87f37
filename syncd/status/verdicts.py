"""A link in words: the verdict on it, why, and where its outcome is heading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from syncd.ledger import KeptAlignment
from syncd.okr.alignment import Alignment
from syncd.okr.goals import Band, KeyResult, Standing
from syncd.okr.trend import Direction, Trend
from syncd.okr.words import count, day, number, percent, span

VERDICT_WORDS = {
    "watermelon": "watermelon",
    "too_early": "too early",
    "under_delivered": "under-delivered",
    "unexplained": "unexplained",
    "unknown": "unknown",
    "working": "working",
}
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


class Stands(Protocol):
    """A key result and where it stands."""

    @property
    def key_result(self) -> KeyResult:
        """The key result."""
        ...

    @property
    def standing(self) -> Standing:
        """Where it stands."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A link as it stands: the verdict of now, what a cycle kept of it, and why: `brief` in a sentence, or in full.

    `verdict_since` is the first day of the verdict's unbroken run; None while no cycle has seen this verdict.
    """

    alignment: Alignment
    verdict_since: date | None
    trend: Trend | None
    brief: str
    why: str


def judged(link: Alignment, kept: KeptAlignment | None, output: Stands, outcome: Stands) -> Judged:
    """A link with what was kept of it; what was kept under another lag says nothing of this one."""
    if kept is not None and kept.lag != link.lag:
        kept = None
    seen = kept is not None and kept.verdict == link.verdict
    said, trend = sentence(link, output, outcome), kept.trend if kept else None
    brief = " ".join(filter(None, (said, _heading(link, trend) if link.verdict == "watermelon" else None)))
    why = " ".join(filter(None, (said, evidence(link, kept))))
    return Judged(link, kept.verdict_since if kept and seen else None, trend, brief, why)


def ordered(links: Iterable[Judged]) -> list[Judged]:
    """Watermelons first, what works last."""
    order = list(VERDICT_WORDS)
    return sorted(links, key=lambda link: order.index(link.alignment.verdict))


def sentence(link: Alignment, output: Stands, outcome: Stands) -> str:
    """Why the verdict on a link is what it is."""
    since = f" since {day(link.since)}" if link.since else ""
    match link.verdict:
        case "watermelon":
            lag = f" and its lag of {span(link.lag)} has passed" if link.lag else ""
            if isinstance(outcome.key_result.goal, Band):
                red = "is out of its band"
            else:
                red = f"has gone {percent(outcome.standing.progress)} of the way"
            return f"{link.output} is on pace{since}{lag}, yet {link.outcome} {red}. Is it the right work?"
        case "too_early":
            by = f" by {day(link.since + link.lag)}" if link.since else ""
            return f"{link.output} is on pace{since}; {link.outcome} should follow{by}."
        case "under_delivered":
            return f"neither {link.output} nor {link.outcome} is on pace."
        case "unexplained":
            return f"{link.outcome} is on pace, {link.output} is not. What moved it?"
        case "working":
            return f"{link.output} and {link.outcome} are both on pace."
    lacking = [stands.key_result.id for stands in (output, outcome) if stands.standing.health == "unknown"]
    return f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} unknown."


def evidence(link: Alignment, kept: KeptAlignment | None) -> str | None:
    """What the weekly series say of a link; None where nobody looked."""
    if kept is None or kept.trend is None:
        return None
    found = kept.trend
    gained = ""
    if kept.delivered is not None and kept.since is not None and kept.since == link.since:
        gained = f"{link.output} {'+' * (kept.delivered >= 0)}{number(kept.delivered)} since {day(kept.since)}; "
    if found.per_week is None or found.low is None or found.high is None:
        if link.verdict == "unknown":
            return None
        return f"{gained}{link.outcome}: too little data for a trend, {found.reason}."
    weeks = f"{count(found.weeks, 'week')} of data"
    if link.verdict == "too_early":
        weeks += ", all of before its lag has passed"
    elif link.since is not None:
        when = f"since {'its lag passed on ' if link.lag else ''}{day(link.since + link.lag)}"
        weeks += f", {found.settled or 'none'} of them {when}" if found.reason else f" {when}"
    return f"{gained}{link.outcome} {_moved(found, found.per_week, found.low, found.high)}; {weeks}."


def _heading(link: Alignment, found: Trend | None) -> str | None:
    """Where an outcome is heading, in a few words."""
    if found is None or found.per_week is None:
        return None
    if found.direction in ("flat", "inside"):
        return f"{link.outcome} is {DIRECTION_WORDS[found.direction]}."
    by = f"{'rising' if found.per_week > 0 else 'falling'} by {_round(abs(found.per_week))} a week"
    return f"{link.outcome} is {by}."


def _moved(found: Trend, per_week: float, low: float, high: float) -> str:
    if found.direction in ("flat", "inside"):
        return f"is {DIRECTION_WORDS[found.direction]}, {_round(low)} to {_round(high)} a week"
    nearer, farther = sorted((abs(low), abs(high)))
    by = f"{_round(abs(per_week))} a week ({_round(nearer)} to {_round(farther)})"
    way = "the right way" if found.direction == "right_way" else "the wrong way"
    in_all = f"{_round(abs(found.move or 0.0))} in all against a noise of {_round(found.noise or 0.0)}"
    return f"{'rose' if per_week > 0 else 'fell'} by {by}, {way}: {in_all}"


def _round(slope: float) -> str:
    return number(float(f"{slope:.3g}"))


def document(judgement: Judged) -> dict[str, Any]:
    """A link as `status --json` prints it: the public contract of DESIGN.md, and what was found of its outcome."""
    link = judgement.alignment
    return {
        "output": link.output,
        "outcome": link.outcome,
        "verdict": link.verdict,
        "since": link.since.isoformat() if link.since else None,
        "lag_days": lag_days(link.lag),
        "verdict_since": judgement.verdict_since.isoformat() if judgement.verdict_since else None,
        "trend": trend_document(judgement.trend),
        "why": judgement.why,
    }


def lag_days(lag: timedelta) -> float | int:
    """A lag in days, whole where it is."""
    days = lag / timedelta(days=1)
    return int(days) if days.is_integer() else days


def trend_document(found: Trend | None) -> dict[str, Any] | None:
    """A trend as JSON has it."""
    return asdict(found) | {"since": found.since.isoformat() if found.since else None} if found else None
