"""The walk over a list that moves while it is read.

A list is walked from the oldest update up, each page asking anew from where the last one ended: `updated >= "…"`. Page
numbers shift while issues are edited, and Data Center refuses them past 10,000; a time does neither. What is edited
meanwhile moves to the end and is met there. Only where more than a page shares one bound are pages of it followed, and
then the bound is read again until nothing new shows.

For example, at 12:00, with three issues to a page and a floor of 10:01; A to J are issues in the order of their edits:

    updated >= "10:00"    A 10:01:30, B 10:02:00, C 10:04:10    C leads to a later bound: ask anew from there
    updated >= "10:04"    C, D 10:04:20, E 10:04:30             E leads to the same one: follow the pages
      its second page     G 10:04:50, H 10:06:00, I 10:58:00    I leads on, but behind two pages: read them again
    updated >= "10:04"    C, E, F 10:04:40
      its second page     G, H, I                               F is a stray: once more
    updated >= "10:04"    C, E, F
      its second page     G, H, I                               no stray: on to where I leads
    updated >= "10:58"    I, J 11:58:00                         no page follows: the end

- Strays: D was deleted after its page. F moved up to that page, out of the one that was asked for next. It is told by
  being new on a second reading and yet no newer than I, the newest of the first. What is new and newer was edited
  meanwhile, and is no sign of a gap.
- Position: a page comes with the moment before which all has been yielded, from where a pull that breaks off goes on.
  That is none for A to C, then C's 10:04:10 for all readings of its bound, and I's 10:58:00 once they are through.
- Overlap: a search sees an edit late, so one of 11:57 may be missing still while J is there. So J, less than five
  minutes old, would lead nowhere if a page followed; and the next pull's floor is five minutes before J.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from connectors.jira.client import Client
from connectors.jira.fields import Place
from connectors.jira.jql import bounded, jql_time
from syncd.sdk import RetryLater, SourceBroken

P = TypeVar("P", bound=Place)
OVERLAP = timedelta(minutes=5)  # a search sees an edit seconds to minutes late (developer.atlassian.com)
_MINUTE = timedelta(minutes=1)  # the precision of a time in JQL
_READS = 5  # of one bound; what moves faster than this is read is left to the next cycle


def first_bound(floor: datetime, zone: str | None) -> str:
    """The time in JQL from which a walk begins that is to meet all from the floor up."""
    return jql_time(floor - _MINUTE, zone)


def walk(
    client: Client, jql: str, floor: datetime, fields: Sequence[str], shape: type[P]
) -> Iterator[tuple[list[P], datetime | None]]:
    """Pages from the floor up, each with the moment before which all has been yielded, once there is one.

    A row as young as the search may lag is listed by an older time than it shows, and leads nowhere.
    """
    settled = client.context.now() - OVERLAP
    zone = client.site.zone
    bound, reached = first_bound(floor, zone), None
    while True:
        known: dict[str, datetime] = {}
        for _ in range(_READS):
            pages, strays, last = 0, 0, None
            top = max(known.values(), default=None)
            for rows, more in _pages(client, bounded(jql, bound), fields, shape):
                pages += 1
                # What is new on a second reading was passed over in the first, unless it was edited since.
                strays += sum(row.id not in known and (top is None or row.updated <= top) for row in rows)
                known |= {row.id: row.updated for row in rows}
                yield rows, reached
                last = _last(rows, settled) if more else None
                if last is not None and jql_time(last, zone) > bound:
                    break
            if pages == 1 or not strays:
                break
        else:
            raise RetryLater("its issues are edited faster than they can be read")
        if last is None:
            return
        bound, reached = jql_time(last, zone), last


def _pages(client: Client, jql: str, fields: Sequence[str], shape: type[P]) -> Iterator[tuple[list[P], bool]]:
    """The pages of one query, each with whether another follows.

    One that leads where we were, or brings nothing that others have not, is no step on.
    """
    place: str | int | None = None
    seen: set[str | int] = set()
    met: set[str] = set()
    while True:
        found = client.search(jql, place, fields, shape)
        place = found.next
        yield found.issues, place is not None
        if place is None:
            return
        ids = {row.id for row in found.issues}
        if place in seen or (ids and ids <= met):
            raise SourceBroken("its pages go round in a circle")
        seen.add(place)
        met |= ids


def _last(rows: Sequence[Place], settled: datetime) -> datetime | None:
    """The newest settled edit on a page; None where there is none, or where the page is not in their order."""
    moments = [row.updated for row in rows if row.updated <= settled]
    minutes = [moment.replace(second=0, microsecond=0) for moment in moments]
    return max(moments) if moments and minutes == sorted(minutes) else None
