"""Describes a link in words: its verdict, the reason, and the trend of its outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from syncd.ledger import KeptAlignment
from syncd.okr.alignment import Alignment
from syncd.okr.goals import Band, KeyResult, Standing
from syncd.okr.trend import Direction, Trend
from syncd.okr.words import day, number, progress_figure, span, whole
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked, ngettext, original
from syncd.status.document_types import LinkDocument, TrendDocument

VERDICT_WORDS = {
    "watermelon": marked("watermelon"),
    "too_early": marked("too early"),
    "under_delivered": marked("under-delivered"),
    "unexplained": marked("unexplained"),
    "unknown": marked("unknown"),
    "working": marked("working"),
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
    "right_way": marked("moving the right way"),
    "flat": marked("flat"),
    "wrong_way": marked("moving the wrong way"),
    "inside": marked("inside its band"),
    "too_little_data": marked("too little data"),
}


class HasStanding(Protocol):
    """A key result and its standing."""

    @property
    def key_result(self) -> KeyResult:
        """The key result."""
        ...

    @property
    def standing(self) -> Standing:
        """The key result's standing."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedLink:
    """The state of a link: its present verdict with the reason, and the trend and the first day of the verdict from
    past cycles. `brief` is the reason in short, `why` the reason in full.

    `words` are the verdict for people. After the end of the period, `too early` becomes `too early at its end` and
    stays. `verdict_since` is the day since which the link has had this verdict; None until a cycle stores this verdict.
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
    """A link with its stored state. `over` says whether the link's period has ended. A state that was stored under
    another lag does not count.
    """
    if kept is not None and kept.lag != link.lag:
        kept = None
    reason, trend = _reason(link, output, outcome, over=over), kept.trend if kept else None
    brief = " ".join(filter(None, (reason, _heading(link, trend) if link.verdict == "watermelon" else None)))
    why = " ".join(filter(None, (reason, _trend_sentence(link, kept))))
    verdict_since = kept.verdict_since if kept and kept.verdict == link.verdict else None
    words = _("too early at its end") if over and link.verdict == "too_early" else _(VERDICT_WORDS[link.verdict])
    return JudgedLink(link, verdict_since, trend, brief, why, words)


def ordered(links: Iterable[JudgedLink]) -> list[JudgedLink]:
    """The links, watermelons first and working links last."""
    order = list(VERDICT_WORDS)
    return sorted(links, key=lambda link: order.index(link.alignment.verdict))


def _reason(link: Alignment, output: HasStanding, outcome: HasStanding, *, over: bool) -> str:
    names = {"output": link.output, "outcome": link.outcome}
    match link.verdict:
        case "watermelon":
            parts = {"on_pace": _on_pace(link), "outcome": link.outcome, "shortfall": shortfall(outcome)}
            return _("%(on_pace)s, yet %(outcome)s %(shortfall)s. Is it the right work?", **parts)
        case "too_early":
            return _to_follow(link, over=over)
        case "under_delivered":
            return _("neither %(output)s nor %(outcome)s is on pace.", **names)
        case "unexplained":
            return _("%(outcome)s is on pace, %(output)s is not. What moved it?", **names)
        case "working":
            return _("%(output)s and %(outcome)s are both on pace.", **names)
    unknown = [side.key_result.id for side in (output, outcome) if side.standing.health == "unknown"]
    if len(unknown) == 1:
        return _("%(name)s is unknown.", name=unknown[0])
    return _("%(output)s and %(outcome)s are unknown.", **names)


def _on_pace(link: Alignment) -> str:
    """The pace of a link's output in words: `shipped is on pace since 12 Oct and its lag of 3 weeks has passed`."""
    parts = {"output": link.output, "day": day(link.since) if link.since else "", "lag": span(link.lag)}
    if link.since and link.lag:
        return _("%(output)s is on pace since %(day)s and its lag of %(lag)s has passed", **parts)
    if link.since:
        return _("%(output)s is on pace since %(day)s", **parts)
    if link.lag:
        return _("%(output)s is on pace and its lag of %(lag)s has passed", **parts)
    return _("%(output)s is on pace", **parts)


def _to_follow(link: Alignment, *, over: bool) -> str:
    names = {"output": link.output, "outcome": link.outcome}
    if link.since is None:
        if over:
            return _("%(output)s was on pace; %(outcome)s was to follow, after the period's end.", **names)
        return _("%(output)s is on pace; %(outcome)s should follow.", **names)
    names |= {"since": day(link.since), "by": day(link.since + link.lag)}
    if over:
        return _(
            "%(output)s was on pace since %(since)s; %(outcome)s was to follow by %(by)s, after the period's end.",
            **names,
        )
    return _("%(output)s is on pace since %(since)s; %(outcome)s should follow by %(by)s.", **names)


def shortfall(outcome: HasStanding) -> str:
    """The progress of an outcome that is not on pace, in words: `has gone 18 % of the way`."""
    if isinstance(outcome.key_result.goal, Band):
        return _("is out of its band")
    return _("has gone %(share)s of the way", share=progress_figure(outcome.standing))


def _trend_sentence(link: Alignment, kept: KeptAlignment | None) -> str | None:
    if kept is None or kept.trend is None:
        return None
    trend, parts = kept.trend, []
    if kept.delivered is not None and kept.since is not None and kept.since == link.since:
        gain = f"{'+' * (kept.delivered >= 0)}{number(kept.delivered)}"
        parts.append(_("%(name)s %(gain)s since %(day)s", name=link.output, gain=gain, day=day(kept.since)))
    if trend.per_week is None or trend.low is None or trend.high is None:
        if link.verdict == "unknown":
            return None
        reason = original(trend.reason or "")
        parts.append(_("%(name)s: too little data for a trend, %(reason)s", name=link.outcome, reason=reason))
    else:
        parts.append(_movement(link.outcome, trend, trend.per_week, trend.low, trend.high))
        parts.append(_weeks_of_data(link, trend))
    return f"{'; '.join(parts)}."


def _heading(link: Alignment, trend: Trend | None) -> str | None:
    if trend is None or trend.per_week is None:
        return None
    if trend.direction in ("flat", "inside"):
        return _("%(name)s is %(direction)s.", name=link.outcome, direction=_(DIRECTION_WORDS[trend.direction]))
    slope = _round(abs(trend.per_week))
    if trend.per_week > 0:
        return _("%(name)s is rising by %(slope)s a week.", name=link.outcome, slope=slope)
    return _("%(name)s is falling by %(slope)s a week.", name=link.outcome, slope=slope)


def _weeks_of_data(link: Alignment, trend: Trend) -> str:
    weeks = ngettext("%(num)s week of data", "%(num)s weeks of data", trend.weeks)
    if link.verdict == "too_early":
        return _("%(weeks)s, all from before its lag has passed", weeks=weeks)
    if link.since is None:
        return weeks
    passed = day(link.since + link.lag)
    when = _("since its lag passed on %(day)s", day=passed) if link.lag else _("since %(day)s", day=passed)
    if not trend.reason:
        return f"{weeks} {when}"
    if not trend.settled and link.lag:  # the lag of an outcome that moved early may still run
        return _("%(weeks)s, none of them since the end of its lag on %(day)s", weeks=weeks, day=passed)
    if not trend.settled:
        return _("%(weeks)s, none of them %(when)s", weeks=weeks, when=when)
    return _("%(weeks)s, %(settled)s of them %(when)s", weeks=weeks, settled=whole(trend.settled), when=when)


def _movement(name: str, trend: Trend, per_week: float, low: float, high: float) -> str:
    if trend.direction in ("flat", "inside"):
        return _(
            "%(name)s is %(direction)s, %(low)s to %(high)s a week",
            name=name,
            direction=_(DIRECTION_WORDS[trend.direction]),
            low=_round(low),
            high=_round(high),
        )
    nearer, farther = sorted((abs(low), abs(high)))
    parts = {
        "name": name,
        "slope": _round(abs(per_week)),
        "nearer": _round(nearer),
        "farther": _round(farther),
        "way": _("the right way") if trend.direction == "right_way" else _("the wrong way"),
        "move": _round(abs(trend.move or 0.0)),
        "noise": _round(trend.noise or 0.0),
    }
    if per_week > 0:
        rate = _("%(name)s rose by %(slope)s a week (%(nearer)s to %(farther)s), %(way)s", **parts)
    else:
        rate = _("%(name)s fell by %(slope)s a week (%(nearer)s to %(farther)s), %(way)s", **parts)
    return _("%(rate)s: %(move)s in all against a noise of %(noise)s", rate=rate, **parts)


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
    """The JSON form of a trend."""
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
