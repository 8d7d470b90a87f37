"""A verdict on a link as a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.okr.alignment import Alignment
from syncd.okr.goals import Band
from syncd.report import Report
from syncd.words import day, percent, span

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


def ordered(links: Iterable[Alignment]) -> list[Alignment]:
    """Watermelons first, what works last."""
    order = list(VERDICT_WORDS)
    return sorted(links, key=lambda link: order.index(link.verdict))


def sentence(link: Alignment, found: Report) -> str:
    """Why the verdict on a link is what it is."""
    since = f" since {day(link.since)}" if link.since else ""
    outcome = found.line(link.outcome)
    match link.verdict:
        case "watermelon":
            lag = f" and its lag of {span(link.lag)} has passed" if link.lag else ""
            if outcome is not None and isinstance(outcome.key_result.goal, Band):
                red = "is out of its band"
            else:
                red = f"has gone {percent(outcome.standing.progress if outcome else None)} of the way"
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
    lacking = [name for name in (link.output, link.outcome) if _unknown(found, name)]
    return f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} unknown."


def _unknown(found: Report, name: str) -> bool:
    line = found.line(name)
    return line is None or line.standing.health == "unknown"
