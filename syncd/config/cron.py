"""Cron lines, read as crontab(5) says."""

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
    """The next time, from `now` on, of a cron line of five fields in a zone. Raises ValueError if it is no cron line.

    At a change of clocks it acts as Debian's cron(8) does. A line whose minute or hour begins with `*` runs in every
    real minute that matches it. Any other line runs once for each of its times: a time that the clocks skip runs right
    after the gap, and a time that they repeat runs the first time only. In the few zones that change at midnight or by
    half an hour, a line with `*` can be an hour off on that day.
    """
    from cronsim import CronSim, CronSimError  # here: most schedules are durations

    try:
        for local in CronSim(line, (now.astimezone(UTC) - _TICK).astimezone(zone)):
            # In UTC: two local times that read alike compare as equal, whether they are before or after a change.
            if (moment := local.astimezone(UTC)) >= now:
                return moment
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        forms = "a range such as 1-5, a step such as */5, or a list of them"
        raise ValueError(f"write its {field} as *, a number from {_FIELDS[field]}, {forms}") from None
    raise ValueError("it names no day that ever comes; write one that does, such as 0 6 * * 1-5")
