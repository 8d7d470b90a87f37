"""The links of a key result, for `syncd explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.cli.lines import cut, labelled
from syncd.explain.links import LinkEvidence
from syncd.okr.trend import Trend
from syncd.okr.weeks import Week
from syncd.okr.words import count, day, number, span, value_figure
from syncd.sdk.numbers import difference
from syncd.status.verdicts import DIRECTION_WORDS, VERDICT_SIGNS, VERDICT_WORDS

_WIDTH = 16


def lines(links: Sequence[LinkEvidence]) -> Iterator[str]:
    """The lines about each link, at most 80 columns wide unless ids are too long."""
    for link in links:
        yield ""
        yield f"alignment {link.output} → {link.outcome}"
        since = f" since {day(link.verdict_since)}" if link.verdict_since else ""
        yield f"verdict   {VERDICT_SIGNS[link.verdict]} {VERDICT_WORDS[link.verdict]}{since}"
        if link.why:
            yield from labelled("", link.why)
        on_pace = f", {link.output} on pace since {day(link.since)}" if link.since else ""
        yield f"lag       {span(link.lag) if link.lag else 'none'}{on_pace}"
        if link.trend is not None:
            yield from labelled("trend", _trend(link.trend))
        if link.weeks:
            yield f"weeks to  {_heading(link.output)} {'':8} {_heading(link.outcome)}"
            yield from _weeks(link)


def _trend(trend: Trend) -> str:
    direction = DIRECTION_WORDS[trend.direction]
    if trend.per_week is None:
        return f"{direction}: {trend.reason}"
    slope = f"{number(trend.per_week)} a week, 95 % interval {number(trend.low)} to {number(trend.high)}"
    since = f" from {day(trend.since)} on" if trend.since else ""
    data = f"{number(trend.move)} in all, noise {number(trend.noise)}, {count(trend.weeks, 'week')} of data{since}"
    return f"{direction}: {slope}; {data}" + (f"; {trend.reason}" if trend.reason else "")


def _weeks(link: LinkEvidence) -> Iterator[str]:
    before: tuple[Week | None, Week | None] = (None, None)
    for week in link.weeks:
        columns = [
            f"{value_figure(kr, new.value):>{_WIDTH}} {_change(old, new):>8}"
            for kr, old, new in zip(link.sides, before, week, strict=True)
        ]
        yield f"{day(week[0].last):>8}  {' '.join(columns)}".rstrip()
        before = week


def _change(old: Week | None, new: Week) -> str:
    if old is None or old.value is None or new.value is None:
        return ""
    return f"{'+' * (new.value >= old.value)}{number(difference(new.value, old.value))}"


def _heading(name: str) -> str:
    return f"{cut(name, _WIDTH):>{_WIDTH}}"
