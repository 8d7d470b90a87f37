"""The days that a measure's request asks its source for: `{start}`, `{end}` and `{today}` of a web API.

For a single number they are the days of the window as of now: the source adds up, so it must be asked for just these.
For a series, and for records, they are all the days that the window can cover during the period: syncd picks the
window's rows itself. So the days that leave a rolling window stay known; syncd needs them to judge a past day.
"""

from __future__ import annotations

from datetime import datetime

from syncd.okr.measures import Leaf, RecordMeasure
from syncd.okr.spans import Period, Window
from syncd.sdk.facts import Days


def asked_days(measure: Leaf, period: Period, now: datetime) -> Days:
    """The days that the measure asks for now."""
    window = measure.window
    many = isinstance(measure, RecordMeasure) or measure.many
    span = window.reach(period) if many else window.span(period, now)
    first, last = (moment.astimezone(period.zone).date() for moment in (span.start, span.last_instant))
    return Days(first, last, min(now.astimezone(period.zone).date(), last))


def asked_window(window: Window, period: Period, *, many: bool) -> str:
    """What tells the days apart that measures ask for, now and later, such as `last 7 days up to 2026-12-31`.

    It names days and not the period, whose name may change while its days stay.
    """
    if many:
        reach = window.reach(period)
        first, last = (moment.astimezone(period.zone).date() for moment in (reach.start, reach.last_instant))
        return f"{first} to {last}"
    if window.days is not None:
        return f"last {window.days} days, {period.first} to {period.last}"
    whole = f"{window.since or period.first} to {window.until or period.last}"
    return whole if window.settled is None else f"{whole} without the last {window.settled} days"
