"""Reads a past day or time that a person typed."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.okr.spans import midnight
from syncd.sdk import ConfigError
from syncd.sdk.language import gettext as _

_FIRST = date(1970, 1, 1)  # no ledger is older; near year 1, subtracting days fails
_DAY_TEXT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # the ISO forms 20261102 and 2026-W45-1 would read like times
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def past_day(text: str, zone: ZoneInfo, now: datetime, option: str = "--at") -> date:
    """The day in the text of an option. Raises ConfigError for any other text, and for a future day."""
    try:
        day = date.fromisoformat(text if _DAY_TEXT.fullmatch(text) else "")
    except ValueError:
        raise ConfigError(_("%(option)s is %(text)r; write a day as 2026-11-02", option=option, text=text)) from None
    _check(text, day, is_future=day > now.astimezone(zone).date(), option=option)
    return day


def past_moment(text: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, bool]:
    """A pair: the time in a text, and whether the text is a day. A day stands for the midnight at its end.

    Raises ConfigError for any other text, and for a future time.
    """
    try:
        day = date.fromisoformat(text) if _DAY_TEXT.fullmatch(text) else None
        moment = datetime.fromisoformat(text if _DAY_TEXT.match(text) else "")
    except ValueError:
        raise ConfigError(f"--at is {text!r}; write a day as 2026-11-02, or a time as 2026-11-02T14:30") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    _check(text, moment.date(), is_future=moment > now)
    return (moment, False) if day is None else (midnight(day + _DAY, zone), True)


def last_instant(day: date, zone: ZoneInfo, now: datetime) -> datetime:
    """The last instant of a day, or now if the day is not over."""
    return min(now, midnight(day + _DAY, zone) - _INSTANT)


def _check(text: str, day: date, *, is_future: bool, option: str = "--at") -> None:
    if is_future:
        future = _(
            "%(option)s is %(text)s, which is in the future; write today or a past day", option=option, text=text
        )
        raise ConfigError(future)
    if day < _FIRST:
        raise ConfigError(
            _("%(option)s is %(text)s; write a day after %(first)s", option=option, text=text, first=_FIRST)
        )
