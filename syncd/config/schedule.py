"""The schedule: when the next cycle starts."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from syncd.config.cron import next_by_cron
from syncd.sdk import parse_duration


def next_start(schedule: str, zone: ZoneInfo, last_start: datetime, now: datetime) -> datetime:
    """The next start of a cycle, never before `now`. `schedule` is a duration, counted from start to start, or a cron
    line in the zone.

    If a cycle took longer than the interval, the next cycle starts at once. Missed starts are skipped.
    """
    if len(schedule.split()) == 5:
        return next_by_cron(schedule, zone, now)
    return max(last_start + parse_duration(schedule), now)


def late_from(schedule: str, zone: ZoneInfo, last: datetime) -> datetime:
    """The time from which a job counts as late: the second scheduled start after `last`, the time when the job was last
    done.
    """
    for _ in range(2):
        last = next_start(schedule, zone, last, last)
    return last
