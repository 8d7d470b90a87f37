"""Reads (walks) a list of issues that changes meanwhile.

The walk goes from the oldest update to the newest. Each page is requested from the time at which the page before ended:
`updated >= "…"`, the bound. Page numbers are not used: pages shift while issues are edited, and Data Center refuses
page numbers past 10,000. An issue that is edited during the walk moves to the end of the list and is read there. If
more than a page of issues share a bound, syncd requests the pages of the bound by number, and reads them again until no
issue is missing.

For example, at 12:00, with three issues to a page and a floor of 10:01; A to K are issues in the order of their edits:

    updated >= "10:00"    A 10:01:30, B 10:02:00, C 10:04:10    C leads to a later bound: continue from there
    updated >= "10:04"    D 10:04:20, E 10:04:30, F 10:04:40    F leads to the same bound: follow its pages
      its second page     H 10:06:00, I 10:07:00, J 10:58:00    J leads on, but after two pages: read them again
    updated >= "10:04"    E, F, G 10:04:50
      its second page     H, I, J                               G is a stray: read them once more
    updated >= "10:04"    E, F, G
      its second page     H, I, J                               no stray: continue from J
    updated >= "10:58"    K 11:58:00                            no page follows: the end

- Left out: requests from 10:04 on exclude C, which led to this bound. If C was edited after that minute, C is not
  excluded. The last request excludes J in the same way. Jira refuses a query with the id of a deleted issue; the query
  is then repeated without exclusions.
- Strays: D was deleted after its page was read, so G moved up to that page from the second page. G is a stray because
  it is new in the second reading, yet no newer than J, the newest issue of the first reading. An issue newer than J is
  no stray: it was edited during the walk.
- Position: each page comes with the moment before which everything was yielded. An interrupted pull continues at this
  moment. The moment is None for A to C, then C's 10:04:10 for all readings of the bound 10:04, and J's 10:58:00
  afterwards.
- Overlap: a search shows an edit with a delay, so an edit of 11:57 may still be missing when K is shown. K is less than
  five minutes old, and therefore could not lead to another bound. The floor of the next pull is five minutes before K.
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
_MOST_LEFT_OUT = 200  # ids in a query; if more issues share a minute, they are read again instead
_BARREN = 3  # consecutive pages that may hold only issues seen before
_EMPTY = 100  # consecutive pages that may be empty: Cloud may send several, and then the rest of the list
_READS = 5  # readings of a bound; if it still changes, the next cycle reads the list


@dataclass(frozen=True, slots=True)
class _Bound:
    """The JQL time at which a request starts, and the ids that it excludes. An issue edited since `after` is not
    excluded.
    """

    literal: str
    after: str = ""
    left_out: tuple[str, ...] = ()

    def query(self, jql: str) -> str:
        """The JQL of the request."""
        return bounded(jql, self.literal, leaving_out(self.left_out, self.after) if self.left_out else "")


def first_bound(floor: datetime, zone: str | None) -> str:
    """The JQL time from which a walk must start to read everything from the floor on."""
    return jql_time(floor - _MINUTE, zone)


def walk(
    client: Client, jql: str, floor: datetime, fields: Sequence[str], shape: type[P]
) -> Iterator[tuple[list[P], datetime | None]]:
    """The pages from the floor on, each with the moment before which all issues have been yielded; None on the first
    pages.

    Jira's search index lags: it may place a row that was just updated by an older time than the row shows. Such a row
    does not lead to a bound.
    """
    settled = client.context.now() - OVERLAP
    zone = client.site.zone
    bound, reached = _Bound(first_bound(floor, zone)), None
    while True:
        seen: dict[str, datetime] = {}
        for _ in range(_READS):
            pages, strays, last = 0, 0, None
            top = max(seen.values(), default=None)
            for rows, more in _pages(client, jql, bound, fields, shape):
                pages += 1
                # An issue that is new in a second reading was missed in the first, unless it was edited since.
                strays += sum(row.id not in seen and (top is None or row.updated <= top) for row in rows)
                seen |= {row.id: row.updated for row in rows}
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
        ids = tuple(issue_id for issue_id, updated in seen.items() if minute <= updated <= last)
        left_out = ids if len(ids) <= _MOST_LEFT_OUT else ()
        bound, reached = _Bound(jql_time(last, zone), jql_time(last + _MINUTE, zone), left_out), last


def _pages(
    client: Client, jql: str, bound: _Bound, fields: Sequence[str], shape: type[P]
) -> Iterator[tuple[list[P], bool]]:
    """The pages of a bound, each with a flag that says whether another page follows.

    Raises SourceBroken if a page leads back to an earlier page, or if several pages in a row have no new issue. Raises
    RetryLater if only empty pages follow. Jira refuses a query that excludes an issue deleted in the meantime; the
    bound is then read again without exclusions.
    """
    place: str | int | None = None
    seen: set[str | int] = set()
    seen_ids: set[str] = set()
    barren = empty = 0
    while True:
        try:
            page = client.search(bound.query(jql), place, fields, shape)
        except Refused as error:
            if error.status != 400 or not bound.left_out:
                raise
            yield from _pages(client, jql, replace(bound, left_out=()), fields, shape)
            return
        place = page.next
        yield page.issues, place is not None
        if place is None:
            return
        ids = {row.id for row in page.issues}
        barren = 0 if ids - seen_ids else barren + bool(ids)
        empty = 0 if ids else empty + 1
        if place in seen or barren > _BARREN:
            raise SourceBroken("its pages go round in a circle")
        if empty > _EMPTY:
            raise RetryLater(f"it sent {empty} empty pages in a row, each with the token of another page")
        seen.add(place)
        seen_ids |= ids


def _last(rows: Sequence[Place], settled: datetime) -> datetime | None:
    """The newest edit on a page that is not newer than `settled`; None if there is none, or if the page is not in the
    order of edits.
    """
    moments = [row.updated for row in rows if row.updated <= settled]
    minutes = [moment.replace(second=0, microsecond=0) for moment in moments]
    return max(moments) if moments and minutes == sorted(minutes) else None
