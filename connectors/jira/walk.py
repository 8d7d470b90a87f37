"""The walk over a list that moves while it is read.

A list is walked from the oldest update up, each page asking anew from where the last one ended: `updated >= "…"`. Page
numbers shift while issues are edited, and Data Center refuses them past 10,000; a time does neither. What is edited
meanwhile moves to the end and is met there. Only where more than a page shares one bound are pages of it followed, and
then the bound is read again until nothing new shows.

For example, at 12:00, with three issues to a page and a floor of 10:01; A to J are issues in the order of their edits:

    updated >= "10:00"    A 10:01:30, B 10:02:00, C 10:04:10    C leads to a later bound: ask anew from there
    updated >= "10:04"    D 10:04:20, E 10:04:30, F 10:04:40    F leads to the same one: follow the pages
      its second page     H 10:06:00, I 10:07:00, J 10:58:00    J leads on, but behind two pages: read them again
    updated >= "10:04"    E, F, G 10:04:50
      its second page     H, I, J                               G is a stray: once more
    updated >= "10:04"    E, F, G
      its second page     H, I, J                               no stray: on to where J leads
    updated >= "10:58"    K 11:58:00                            no page follows: the end

- Left out: C, which led to the bound, is not asked for from there on, unless it was edited after that minute.
  So is J in the end. Jira refuses the id of what was deleted meanwhile; then the bound is read with all that it has.
- Strays: D was deleted after its page. G moved up to that page, out of the one that was asked for next. It is told by
  being new on a second reading and yet no newer than J, the newest of the first. What is new and newer was edited
  meanwhile, and is no sign of a gap.
- Position: a page comes with the moment before which all has been yielded, from where a pull that breaks off goes on.
  That is none for A to C, then C's 10:04:10 for all readings of its bound, and J's 10:58:00 once they are through.
- Overlap: a search sees an edit late, so one of 11:57 may be missing still while K is there. So K, less than five
  minutes old, would lead nowhere if a page followed; and the next pull's floor is five minutes before K.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from connectors.jira.client import Client, Refused
from connectors.jira.fields import Place
from connectors.jira.jql import bounded, jql_time, leaving_out
from syncd.sdk import RetryLater, SourceBroken

P = TypeVar("P", bound=Place)
OVERLAP = timedelta(minutes=5)  # a search sees an edit seconds to minutes late (developer.atlassian.com)
_MINUTE = timedelta(minutes=1)  # the precision of a time in JQL
_MOST_LEFT_OUT = 200  # ids in a query; many more were edited at once, and are read again
_BARREN = 3  # pages in a row that bring nothing new; Cloud may give an empty one, and go on
_READS = 5  # of one bound; what moves faster than this is read is left to the next cycle


@dataclass(frozen=True, slots=True)
class _Bound:
    """The time in JQL from which on is asked, and the ids that are left out unless edited since `after`."""

    literal: str
    after: str = ""
    left_out: tuple[str, ...] = ()

    def query(self, jql: str) -> str:
        """What is asked."""
        return bounded(jql, self.literal, leaving_out(self.left_out, self.after) if self.left_out else "")


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
    bound, reached = _Bound(first_bound(floor, zone)), None
    while True:
        met: dict[str, datetime] = {}
        for _ in range(_READS):
            pages, strays, last = 0, 0, None
            top = max(met.values(), default=None)
            for rows, more in _pages(client, jql, bound, fields, shape):
                pages += 1
                # What is new on a second reading was passed over in the first, unless it was edited since.
                strays += sum(row.id not in met and (top is None or row.updated <= top) for row in rows)
                met |= {row.id: row.updated for row in rows}
                yield rows, reached
                last = _last(rows, settled) if more else None
                if last is not None and jql_time(last, zone) > bound.literal:
                    break
            if pages == 1 or not strays:
                break
        else:
            raise RetryLater("its issues are edited faster than they can be read")
        if last is None:
            return
        minute = last.replace(second=0, microsecond=0)
        here = tuple(one for one, updated in met.items() if minute <= updated <= last)
        left_out = here if len(here) <= _MOST_LEFT_OUT else ()
        bound, reached = _Bound(jql_time(last, zone), jql_time(last + _MINUTE, zone), left_out), last


def _pages(
    client: Client, jql: str, bound: _Bound, fields: Sequence[str], shape: type[P]
) -> Iterator[tuple[list[P], bool]]:
    """The pages of one bound, each with whether another follows.

    One that leads where we were is no step on, nor are several that bring nothing new. A query is refused that leaves
    out what was deleted meanwhile; the bound is begun anew then, and nothing left out.
    """
    place: str | int | None = None
    seen: set[str | int] = set()
    met: set[str] = set()
    barren = 0
    while True:
        try:
            found = client.search(bound.query(jql), place, fields, shape)
        except Refused as error:
            if error.status != 400 or not bound.left_out:
                raise
            yield from _pages(client, jql, replace(bound, left_out=()), fields, shape)
            return
        place = found.next
        yield found.issues, place is not None
        if place is None:
            return
        ids = {row.id for row in found.issues}
        barren = 0 if ids - met else barren + 1
        if place in seen or barren > _BARREN:
            raise SourceBroken("its pages go round in a circle")
        seen.add(place)
        met |= ids


def _last(rows: Sequence[Place], settled: datetime) -> datetime | None:
    """The newest settled edit on a page; None where there is none, or where the page is not in their order."""
    moments = [row.updated for row in rows if row.updated <= settled]
    minutes = [moment.replace(second=0, microsecond=0) for moment in moments]
    return max(moments) if moments and minutes == sorted(minutes) else None
