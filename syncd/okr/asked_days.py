"""The days that a measure requests from its source: `{start}`, `{end}` and `{today}` of a web API.

A source that returns a single number computes the sum itself. The request for a single number therefore names exactly
the days of the present window. From a series or records, syncd picks the window's rows itself. The request for a series
or records therefore names all days that the window can cover during the period. The days that leave a rolling window
stay in the ledger, because syncd needs them to judge past days.
"""

from __future__ import annotations

from datetime import datetime

from syncd.okr.measures import Leaf, RecordMeasure
from syncd.okr.spans import Period, Span, Window
from syncd.sdk.facts import Days


def asked_days(measure: Leaf, period: Period, now: datetime) -> Days:
    """The days that the measure requests now."""
    window = measure.window
    many = isinstance(measure, RecordMeasure) or measure.many
    span = window.reach(period) if many else window.span(period, now)
    return days_of(span, period, now)


def days_of(window: Span, period: Period, now: datetime) -> Days:
    """The days of a window, as of now."""
    first, last = (moment.astimezone(period.zone).date() for moment in (window.start, window.last_instant))
    return Days(first, last, min(now.astimezone(period.zone).date(), last))


def asked_window(window: Window, period: Period, *, many: bool) -> str:
    """A text that identifies the days that a measure requests, now and later, such as `last 7 days up to 2026-12-31`.

    The text names days, not the period, because a period may get another name and keep its days.
    """
    if many:
        reach = window.reach(period)
        first, last = (moment.astimezone(period.zone).date() for moment in (reach.start, reach.last_instant))
        return f"{first} to {last}"
    if window.days is not None:
        return f"last {window.days} days, {period.first} to {period.last}"
    whole = f"{window.since or period.first} to {window.until or period.last}"
    return whole if window.settled is None else f"{whole} without the last {window.settled} days"
