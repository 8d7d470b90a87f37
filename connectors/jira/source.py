"""Pulls issues from an opened Jira site, and takes censuses.

A pull continues from the newest edit that the last pull saw, the mark of the cursor, and requests the issue of that
edit again. If the response lacks this issue, the account's time zone has changed, or the credentials are no longer
valid. Only then does syncd request `/myself` again. An unchanged list therefore costs a single request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from connectors.jira.changelog import LoggedIssue, work_began
from connectors.jira.client import Client, Site
from connectors.jira.fields import ALWAYS, FIELD_IDS, Id, Issue, Place, field_ids, same_name
from connectors.jira.jql import bounded, jql_time, named_projects, within
from connectors.jira.walk import OVERLAP, walk
from syncd.sdk import Check, Json, Page, SourceBroken, Stream, quota_and_clock

_LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
_VERSION = 2  # raised when a version makes other records from rows
_IDS_PER_PAGE = 5000  # the largest page of Cloud if only ids are requested


class JiraSource(Client):
    """Pulls issues from an opened site, through the requests of its client."""

    def verify(self, stream: Stream) -> None:
        """Requests the server's fields only if the stream needs a field that some Jira sites lack."""
        field_ids(stream.needs, self.listed_fields)

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The issues edited since the cursor's mark; without a mark, since the stream's `since`.

        The cursor has `mark`, the newest edit seen; `site`, a `Site`; `fields`, the id of each field by name; and
        `read_as`, the rules by which rows became records. `names_compared` says that the projects in the query were
        compared with `allow`. A cursor from another address, or with another `read_as`, is ignored: all rows are then
        pulled again. They are also pulled again if somebody has renamed a field of the site since.

        The mark is never after now: a mark in the future, from an import or a wrong clock, would hide all edits before
        it.
        """
        kept: Mapping[str, Any] = cursor or {}
        if kept and kept["site"]["url"] != self.site.url:
            kept = {}
        start = kept if kept.get("read_as") == self._read_as else {}
        if start:
            self.site = Site(**start["site"])
        else:
            self.ask_site()
        if not start.get("names_compared"):
            self._compare_names(stream)
        ids: Mapping[str, str] = kept["fields"] if kept else field_ids(stream.needs, self.listed_fields)
        now = self.context.now()
        mark = newest = min(datetime.fromisoformat(start["mark"]), now) if start and start["mark"] else None
        since = stream.since or _LONG_AGO
        floor = max(since, mark - OVERLAP) if mark else since
        fields = sorted({*ALWAYS, *ids.values()})
        shape: type[Issue] = LoggedIssue if "cycle_time" in ids else Issue
        sure = not start
        while True:
            announced: int | None = None
            early: set[str] = set()  # ids in the minute of the bound, but before the stream's `since`
            for rows, reached in walk(self, self._query(stream), floor, fields, shape):
                if kept and self._is_renamed(ids):
                    yield from self.pull(stream, None)
                    return
                self._check_projects(rows)
                announced = self.announced if announced is None else announced
                early.update(row.id for row in rows if row.updated < since)
                sure = sure or any(mark is not None and row.updated <= mark for row in rows)
                past = (row.updated for row in rows if row.updated <= now)
                newest = max([*past, *([newest] if newest else [])], default=None)
                records = [
                    row.record(self.site.browse, ids, self._began(row), self.settings.delivered_unless)
                    for row in rows
                    if row.updated >= since
                ]
                safe = max(reached, mark or reached) if sure and reached else None
                yield Page(records, cursor=self._cursor(safe, ids) if safe else None)
            if sure or not self.update_zone():
                break
            sure = True
        expected = None if announced is None else announced - len(early)
        yield Page(cursor=self._cursor(newest, ids), expected=expected)

    def census(self, stream: Stream) -> Iterator[Page]:
        """The ids of all issues that match and were edited since the stream's `since`.

        If the list fits on one page, the page shows a single moment, and requesting ids is enough. For this, `since`
        must be at a full minute, because JQL has no seconds. If there are several pages, `walk` requests each by the
        time of an update. With page numbers, an issue that leaves the list could move another issue to a page that was
        read already, and the census would miss the moved issue.
        """
        self.ask_site()  # checks the account too: without credentials Jira returns an empty list and no error
        floor = stream.since or _LONG_AGO
        if self.site.cloud and self.site.zone is not None and not floor.second:
            jql = bounded(self._query(stream), jql_time(floor, self.site.zone))
            page = self.search(jql, None, ["id"], Id, _IDS_PER_PAGE)
            if page.next is None:
                yield Page(present=frozenset(row.id for row in page.issues))
                return
        for rows, _ in walk(self, self._query(stream), floor, ["updated"], Place):
            yield Page(present=frozenset(row.id for row in rows if row.updated >= floor))

    def check(self) -> Iterator[Check]:
        """Checks whether Jira is reachable and accepts the credentials. Also checks the quota and the clock."""
        info = self.server()
        kind = f"{info.deployment_type} " if info.deployment_type else ""
        yield Check("reachable", True, f"{self.site.url}: Jira {kind}{info.version}")
        me = self.account()
        zone = f"in the zone {me.time_zone}" if me.time_zone else "in an unknown zone"
        yield Check("authenticated", True, f"as {me.display_name or me.name or 'somebody'}, {zone}")
        yield from quota_and_clock(self.headers, self.context.now())

    def _is_renamed(self, ids: Mapping[str, str]) -> bool:
        """Whether a field that a measure names by its name has another name now, by the last search."""
        return any(
            name not in FIELD_IDS and name != id_ and same_name(self.names.get(id_, name)) != same_name(name)
            for name, id_ in ids.items()
        )

    def _query(self, stream: Stream) -> str:
        return within(stream.key, self.settings.allow)

    def _check_projects(self, rows: Sequence[Issue]) -> None:
        allow = self.settings.allow
        for row in rows if allow is not None else ():
            if row.key.rpartition("-")[0].upper() not in (allow or ()):
                raise SourceBroken(f"its answer has {row.key}, of a project that 'allow' of this connection leaves out")

    def _compare_names(self, stream: Stream) -> None:
        """Raises SourceBroken if the query requests a project by a name or an id that no allowed project has. syncd
        limits the query to the projects in `allow`, so such a query would find no issue, and its count of 0 would be
        misleading.
        """
        allow = self.settings.allow
        names = [each.name for each in named_projects(stream.key) if not each.is_key] if allow is not None else []
        unknown = [name for name in names if name.upper() not in (allow or ())]
        if not unknown:
            return
        called = {text.casefold() for key in allow or () for text in self.project_names(key)}
        for name in unknown:
            if name.casefold() not in called:
                raise SourceBroken(
                    f"jql asks for the project {name!r}, and its connection allows {' or '.join(allow or ())}, none of "
                    f"which is called so; write the key of an allowed project in jql"
                )

    def _began(self, row: Issue) -> datetime | None:
        """The time when work on a done issue began, if a measure needs it. Requests changes that the search left
        out.
        """
        if not isinstance(row, LoggedIssue) or row.done_at is None:
            return None
        changes = self.changes(row.id, row.shown) if row.cut(bool(self.site.cloud)) else row.shown
        began = work_began(row.fields.created, changes, self.status_categories()) if changes else None
        return began if began and began <= row.done_at else None

    def _cursor(self, mark: datetime | None, ids: Mapping[str, str]) -> Mapping[str, Json]:
        return {
            "mark": mark.isoformat() if mark else None,
            "site": asdict(self.site),
            "fields": dict(ids),
            "read_as": self._read_as,
            "names_compared": True,
        }

    @property
    def _read_as(self) -> Json:
        """The version of the connector, and the settings that determine how rows become records."""
        unless = self.settings.delivered_unless
        read_as: list[Json] = [_VERSION, sorted(unless) if unless is not None else None]
        return read_as if self.settings.allow is None else [*read_as, sorted(self.settings.allow)]
