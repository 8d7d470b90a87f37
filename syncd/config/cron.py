"""Cron lines, interpreted according to crontab(5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31 (and a day that its month has)",
    "month": "1 to 12 (or jan to dec)",
    "day-of-week": "0 to 7 (or sun to sat)",
}
_TICK = timedelta(microseconds=1)


def next_by_cron(line: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The next time, from `now` on, of a cron line of five fields in a time zone. Raises ValueError if the text is not
    a cron line.

    Clock changes are handled as in Debian's cron(8). A line whose minute or hour begins with `*` runs in every real
    minute that matches it. Any other line runs once for each of its times. If the clocks skip a time, the line runs
    right after the gap. If the clocks repeat a time, the line runs only the first time. In a few zones, the clocks
    change at midnight or by half an hour. There, a line with `*` can be an hour off on the day of the change.
    """
    from cronsim import CronSim, CronSimError  # here, because most schedules are durations

    try:
        for local in CronSim(line, (now.astimezone(UTC) - _TICK).astimezone(zone)):
            # In UTC: local times before and after a clock change compare as equal if they read the same.
            if (moment := local.astimezone(UTC)) >= now:
                return moment
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        forms = "a range such as 1-5, a step such as */5, or a list of them"
        raise ValueError(f"write its {field} as *, a number from {_FIELDS[field]}, {forms}") from None
    raise ValueError("it names no day that ever comes; write one that does, such as 0 6 * * 1-5")
