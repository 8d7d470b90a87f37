"""Writes moments and days for a page: as words in the reader's language for people, and as ISO 8601 texts for
programs.
"""

from __future__ import annotations

from datetime import date, datetime, time

from markupsafe import Markup

from syncd.okr import words

_TIME = Markup('<time datetime="{}">{}</time>')


def clock_time(moment: datetime) -> Markup:
    """`21 Nov 10:15`."""
    return _TIME.format(_exact(moment), words.clock_time(moment))


def reading_time(moment: datetime) -> Markup:
    """The time of a reading, such as `21 Nov 10:15`; only the day, such as `16 Nov`, if the source shows only a day."""
    has_a_time = moment.time() != time.min
    return _TIME.format(_exact(moment), words.clock_time(moment) if has_a_time else words.day(moment))


def ago(moment: datetime, now: datetime) -> Markup:
    """`14 min ago`."""
    return _TIME.format(_exact(moment), words.ago(moment, now))


def day(moment: date) -> Markup:
    """A day, or the day of a moment, such as `12 Oct`."""
    return _TIME.format(_day(moment), words.day(moment))


def full_day(moment: date) -> Markup:
    """`12 Oct 2026`."""
    return _TIME.format(_day(moment), words.full_day(moment))


def _exact(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _day(moment: date) -> str:
    return moment.strftime("%Y-%m-%d")
