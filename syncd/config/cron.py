"""Cron lines, as cron reads them."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def next_by_cron(line: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The next time, from `now` on, of a cron line of five fields in a zone. Raises ValueError if it is no cron line.

    APScheduler counts weekdays from Monday; cron, where 0 and 7 are Sunday, from Sunday: they are handed over by name.
    """
    from apscheduler.triggers.cron import CronTrigger

    minute, hour, day, month, weekday = line.split()
    named = ",".join(_by_name(part) for part in weekday.lower().split(","))
    trigger = CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=named, timezone=zone)
    moment: datetime | None = trigger.get_next_fire_time(None, now)
    return moment


def _by_name(part: str) -> str:
    """One item of the weekday field, its numbers as names; a range as all its days, since it may go over Sunday."""
    match = re.fullmatch(r"([0-7])-([0-7])(?:/(\d+))?", part)
    if match:
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        days = range(first, (last if last >= first else last + 7) + 1, max(step, 1))
        return ",".join(dict.fromkeys(_DAYS[number % 7] for number in days))
    return _DAYS[int(part)] if re.fullmatch("[0-7]", part) else part
