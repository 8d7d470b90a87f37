"""Describes the events of a series in words: edits, restatements, check-ins, approvals and requests."""

from __future__ import annotations

from syncd.explain.edit import Edit
from syncd.explain.history import CheckedIn, Restated, Series, SeriesEvent
from syncd.explain.requests import Asked, request_words, state_words
from syncd.okr.words import change, clock_time, day, value_figure
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.status.checkin_words import content_words


def event_words(event: SeriesEvent, series: Series) -> str:
    """An event in words. The text always begins with a word of syncd, so that no spreadsheet reads the text as a
    formula.
    """
    kr, at = series.key_result, clock_time(event.at.astimezone(series.period.zone))
    if isinstance(event, Edit):
        return _("edited %(moment)s in %(file)s: %(edit)s", moment=at, file=event.file, edit=event)
    if isinstance(event, Restated):
        moved = _("and the number stays the same")
        if event.before != event.after:
            moved = change(value_figure(kr, event.before), value_figure(kr, event.after))
        return ngettext(
            "restated %(moment)s: %(num)s row of the past, %(change)s",
            "restated %(moment)s: %(num)s rows of the past, %(change)s",
            event.count,
            moment=at,
            change=moved,
        )
    if isinstance(event, CheckedIn):
        return _checked_in(event, series)
    if isinstance(event, Asked):
        request = event.request
        what = request_words(request, kr, series.period.zone)
        parts = {"moment": at, "person": request.by, "what": what, "state": state_words(request)}
        return _("asked %(moment)s by %(person)s: %(what)s; %(state)s", **parts)
    approved = change(value_figure(kr, event.old), value_figure(kr, event.new))
    return _("approved %(moment)s by %(person)s: %(change)s", moment=at, person=event.by, change=approved)


def _checked_in(event: CheckedIn, series: Series) -> str:
    checkin, kr, zone = event.checkin, series.key_result, series.period.zone
    content = content_words(checkin, kr)
    parts = {"moment": clock_time(event.at.astimezone(zone)), "person": checkin.by}
    of = day(checkin.as_of.astimezone(zone))
    if event.withdrawn is not None:
        why = f": {event.withdrawn.note}" if event.withdrawn.note else ""
        withdrawn = _(
            "withdrawn %(moment)s by %(withdrawer)s: %(content)s of %(day)s by %(person)s",
            withdrawer=event.withdrawn.by,
            day=of,
            content=content,
            **parts,
        )
        return f"{withdrawn}{why}"
    if checkin.dated:
        return _("checked in %(moment)s by %(person)s for %(day)s: %(content)s", day=of, content=content, **parts)
    if event.before is not None and checkin.value is not None:
        content = change(value_figure(kr, event.before), content)
    return _("checked in %(moment)s by %(person)s: %(content)s", content=content, **parts)
