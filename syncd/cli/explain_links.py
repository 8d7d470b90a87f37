"""The links of a key result, as `syncd explain` shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from syncd.explain.links import LinkEvidence
from syncd.okr.trend import Trend
from syncd.okr.weeks import Week
from syncd.okr.words import count, day, number, span
from syncd.status.verdicts import DIRECTION_WORDS, VERDICT_SIGNS, VERDICT_WORDS, lag_days, trend_document

_WIDTH = 16


def lines(links: Sequence[LinkEvidence]) -> Iterator[str]:
    """A block for each link, within 80 columns where its ids allow."""
    for link in links:
        yield ""
        yield f"alignment {link.output} → {link.outcome}"
        since = f" since {day(link.verdict_since)}" if link.verdict_since else ""
        yield f"verdict   {VERDICT_SIGNS[link.verdict]} {VERDICT_WORDS[link.verdict]}{since}"
        if link.why:
            yield from (f"          {part}" for part in wrap(link.why, 70))
        on_pace = f", {link.output} on pace since {day(link.since)}" if link.since else ""
        yield f"lag       {span(link.lag) if link.lag else 'none'}{on_pace}"
        if link.trend is not None:
            yield from (f"{'' if at else 'trend':<10}{part}" for at, part in enumerate(wrap(_trend(link.trend), 70)))
        if link.weeks:
            yield f"weeks to  {_cut(link.output)} {'':8} {_cut(link.outcome)}"
            yield from _weeks(link.weeks)


def _trend(found: Trend) -> str:
    if found.per_week is None:
        return f"{DIRECTION_WORDS[found.direction]}: {found.reason}"
    by = f"{number(found.per_week)} a week, 95 % interval {number(found.low)} to {number(found.high)}"
    since = f" from {day(found.since)} on" if found.since else ""
    rest = f"{number(found.move)} in all, noise {number(found.noise)}, {count(found.weeks, 'week')} of data{since}"
    return f"{DIRECTION_WORDS[found.direction]}: {by}; {rest}" + (f"; {found.reason}" if found.reason else "")


def _weeks(weeks: Sequence[tuple[Week, Week]]) -> Iterator[str]:
    before: tuple[Week | None, Week | None] = (None, None)
    for week in weeks:
        columns = [
            f"{number(new.value):>{_WIDTH}} {_change(old, new):>8}" for old, new in zip(before, week, strict=True)
        ]
        yield f"{day(week[0].last):>8}  {' '.join(columns)}".rstrip()
        before = week


def _change(old: Week | None, new: Week) -> str:
    if old is None or old.value is None or new.value is None:
        return ""
    return f"{'+' * (new.value >= old.value)}{number(new.value - old.value)}"


def _cut(name: str) -> str:
    return f"{name if len(name) <= _WIDTH else name[: _WIDTH - 1] + '…':>{_WIDTH}}"


def documents(links: Sequence[LinkEvidence]) -> list[dict[str, Any]]:
    """The links as `explain --json` prints them."""
    return [
        {
            "output": link.output,
            "outcome": link.outcome,
            "verdict": link.verdict,
            "verdict_since": link.verdict_since.isoformat() if link.verdict_since else None,
            "since": link.since.isoformat() if link.since else None,
            "lag_days": lag_days(link.lag),
            "trend": trend_document(link.trend),
            "why": link.why,
            "weeks": [
                {
                    "first": output.first.isoformat(),
                    "last": output.last.isoformat(),
                    "output": output.value,
                    "outcome": outcome.value,
                }
                for output, outcome in link.weeks
            ],
        }
        for link in links
    ]
