"""The events of a series in words: an edit, a restatement, an approval."""

from __future__ import annotations

from syncd.explain.edit import Edit
from syncd.explain.history import CheckInCorrected, Restated, Series, SeriesEvent
from syncd.okr.words import clock_time, count, day, value_figure
from syncd.status.checkin_words import content_words


def event_words(event: SeriesEvent, series: Series) -> str:
    """An event in words. It begins with a word of syncd's own, so that no spreadsheet takes it for a formula."""
    kr, at = series.key_result, clock_time(event.at.astimezone(series.period.zone))
    if isinstance(event, Edit):
        return f"edited {at} in {event.file}: {event}"
    if isinstance(event, Restated):
        moved = "and the number stays the same"
        if event.before != event.after:
            moved = f"{value_figure(kr, event.before)} → {value_figure(kr, event.after)}"
        return f"restated {at}: {count(event.count, 'row')} of the past, {moved}"
    if isinstance(event, CheckInCorrected):
        checkin, of = event.checkin, day(event.checkin.as_of.astimezone(series.period.zone))
        if event.withdrawn is None:
            return f"checked in {at} by {checkin.by} for {of}: {content_words(checkin, kr)}"
        what = f"{content_words(checkin, kr)} of {of} by {checkin.by}"
        why = f": {event.withdrawn.note}" if event.withdrawn.note else ""
        return f"withdrawn {at} by {event.withdrawn.by}: {what}{why}"
    return f"approved {at} by {event.by}: {value_figure(kr, event.old)} → {value_figure(kr, event.new)}"
