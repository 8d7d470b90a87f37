"""Checks filters and windows: finds measures that nothing can ever match, and filters that exclude nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from syncd.okr.lint.findings import PulledRows
from syncd.okr.measures import Filter, Leaf, RecordMeasure
from syncd.okr.spans import Period, Window
from syncd.sdk.facts import Scalar


def nothing_matches(measure: Leaf, period: Period) -> str | None:
    """The reason why nothing can match a measure, as a sentence without its subject; None if no reason is found."""
    if outside := _outside(measure.window, period):
        return outside
    if isinstance(measure, RecordMeasure):
        return next(_contradictions(measure.filters), measure.never)
    return None


def excludes_nothing(measure: RecordMeasure, rows: PulledRows) -> Iterator[str]:
    """A sentence for each filter that excludes nothing, because no pulled record has one of the filter's values."""
    for rule in measure.filters:
        wanted = [value for value in rule.any_of if isinstance(value, str)]
        if not rule.negated or len(wanted) < len(rule.any_of):
            continue
        texts = rows.facts.texts(measure, rule.field)
        records = 0 if any(map(rule.admits, texts)) else rows.facts.held(measure)
        if records:
            near = get_close_matches(wanted[0].strip("*"), texts, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"excludes nothing by not_{rule.field}: none of {records:,} records has {' or '.join(wanted)}{hint}"


def _outside(window: Window, period: Period) -> str | None:
    if window.since is not None and window.since > period.last:
        return f"has a window from {window.since}, when {period.id} is over"
    if window.since is None and window.until is not None and window.until < period.first:
        return f"has a window until {window.until}, before {period.id} begins; say its `since:` too"
    return None


def _contradictions(filters: Iterable[Filter]) -> Iterator[str]:
    by_field: dict[str, list[Filter]] = {}
    for rule in filters:
        by_field.setdefault(rule.field, []).append(rule)
    for rules in by_field.values():
        for first in rules:
            for second in rules:
                if _exclude_each_other(first, second):
                    yield f"asks for {first} and for {second}, which exclude each other"


def _exclude_each_other(first: Filter, second: Filter) -> bool:
    """Whether two filters exclude each other: no value of a field meets both.

    In a field with many values, one value could meet the first bound and another value the second. Two such bounds
    still count as excluding each other, because authors never mean them in this way.
    """
    if first.at_least is not None and second.at_most is not None:
        return _above(first.at_least, second.at_most)
    if not first.any_of or first.negated:
        return False
    if second.negated:
        return all(None in second.any_of if value is None else second.admits(value) for value in first.any_of)
    return first.texts == {None} and (second.at_least is not None or second.at_most is not None)


def _above(low: Scalar, high: Scalar) -> bool:
    if isinstance(low, str) and isinstance(high, str):
        return low > high
    return not isinstance(low, str) and not isinstance(high, str) and low > high
