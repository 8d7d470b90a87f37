"""An opened Jira site: the pages of a pull, the ids of a census.

A pull goes on from the newest edit of the last one, the cursor's mark, which every bound includes. That it is missing
shows that the account's zone is another now, or that the credentials are nobody's. Then, and only then, `/myself` is
asked again, so that an unchanged list costs one request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from connectors.jira.changelog import LoggedIssue, work_began
from connectors.jira.client import Client, Site
from connectors.jira.fields import ALWAYS, Id, Issue, Place, field_ids
from connectors.jira.jql import bounded, jql_time
from connectors.jira.walk import OVERLAP, walk
from syncd.sdk import Check, Json, Page, Stream, quota_and_clock

_LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
_IDS_PER_PAGE = 5000  # Cloud's most, where nothing but the id is asked for


class JiraSource(Client):
    """An opened site: what its client can ask, put together to what syncd asks of a source."""

    def verify(self, stream: Stream) -> None:
        """Asks for the server's fields only where the stream needs one that not every Jira has."""
        field_ids(stream.needs, self.listed_fields)

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The issues edited since the cursor's mark; without one, all that were edited since the stream's `since`.

        The cursor: `mark`, the newest edit seen; `site`, as in `Site`; `fields`, the id of each name. That of another
        address says nothing of this one.
        """
        known: Mapping[str, Any] = cursor or {}
        if known and known["site"]["url"] == self.site.url:
            self.site = Site(**known["site"])
        else:
            known = {}
            self.ask_site()
        ids: Mapping[str, str] = known["fields"] if known else field_ids(stream.needs, self.listed_fields)
        mark = newest = datetime.fromisoformat(known["mark"]) if known and known["mark"] else None
        since = stream.since or _LONG_AGO
        floor = max(since, mark - OVERLAP) if mark else since
        fields = sorted({*ALWAYS, *ids.values()})
        shape: type[Issue] = LoggedIssue if "cycle_time" in ids else Issue
        sure = not known
        while True:
            announced: int | None = None
            early: set[str] = set()  # of the bound's minute, and before the stream's since
            for rows, reached in walk(self, stream.key, floor, fields, shape):
                announced = self.announced if announced is None else announced
                early.update(row.id for row in rows if row.updated < since)
                sure = sure or any(mark is not None and row.updated <= mark for row in rows)
                newest = max([*(row.updated for row in rows), *([newest] if newest else [])], default=None)
                records = [row.record(self.site.browse, ids, self._began(row)) for row in rows if row.updated >= since]
                safe = max(reached, mark or reached) if sure and reached else None
                yield Page(records, cursor=self._cursor(safe, ids) if safe else None)
            if sure or self.zone_stands():
                break
            sure = True
        expected = None if announced is None else announced - len(early)
        yield Page(cursor=self._cursor(newest, ids), expected=expected)

    def census(self, stream: Stream) -> Iterator[Page]:
        """The ids of all that match and were edited since the stream's `since`.

        One page is one moment; it is asked for by ids alone where JQL can say just that time, which is to the minute. A
        list of several is walked by time, where what leaves cannot hide what stays.
        """
        self.ask_site()  # who we are, too: without credentials the list is empty, not refused
        floor = stream.since or _LONG_AGO
        if self.site.cloud and self.site.zone is not None and not floor.second:
            jql = bounded(stream.key, jql_time(floor, self.site.zone))
            found = self.search(jql, None, ["id"], Id, _IDS_PER_PAGE)
            if found.next is None:
                yield Page(present=frozenset(row.id for row in found.issues))
                return
        for rows, _ in walk(self, stream.key, floor, ["updated"], Place):
            yield Page(present=frozenset(row.id for row in rows if row.updated >= floor))

    def check(self) -> Iterator[Check]:
        """Reachable, authenticated, how much quota, whose clock."""
        info = self.server()
        kind = f"{info.deployment_type} " if info.deployment_type else ""
        yield Check("reachable", True, f"{self.site.url}: Jira {kind}{info.version}")
        me = self.account()
        zone = f"in the zone {me.time_zone}" if me.time_zone else "in a zone that is not told"
        yield Check("authenticated", True, f"as {me.display_name or me.name or 'somebody'}, {zone}")
        yield from quota_and_clock(self.headers, self.context.now())

    def _began(self, row: Issue) -> datetime | None:
        """When work on an issue began before it was done, where a measure wants to know. What was cut is asked for."""
        if not isinstance(row, LoggedIssue) or row.done_at is None:
            return None
        changes = self.changes(row.id) if row.cut(bool(self.site.cloud)) else row.changelog.histories
        began = work_began(row.fields.created, changes, self.status_categories()) if changes else None
        return began if began and began <= row.done_at else None

    def _cursor(self, mark: datetime | None, ids: Mapping[str, str]) -> Mapping[str, Json]:
        return {"mark": mark.isoformat() if mark else None, "site": asdict(self.site), "fields": dict(ids)}
