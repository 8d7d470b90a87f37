"""Reads a repository's workflow runs from /actions/runs, one span of creation times after another.

GitHub returns at most 1,000 runs of a filtered list, but tells the number of all runs. If a span has more runs, syncd
halves it. GitHub has no filter by the time of update, so syncd requests each unfinished run by its id until the run
ends. If somebody restarts an ended run, the walk notices the restart while the run is among the newest. Otherwise the
next census notices it.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.github.api import Answer, Api, NotThere, parsed
from connectors.github.delivery_rows import RUN, WorkflowRun
from connectors.github.deployments_walk import LONGEST_RUN
from connectors.github.walks import EARLIEST, READS, records_of
from syncd.sdk import Page, RetryLater, SourceBroken

_MOST = 1000  # docs.github.com "List workflow runs for a repository"
_RERUN = timedelta(days=30)  # how long after its first start a run may be started again ("Re-running workflows")
_SECOND = timedelta(seconds=1)
_APPEARS_WITHIN = timedelta(hours=1)  # the longest time from the creation of a run until the list shows it


class RunsWalk:
    """Reads the runs from the oldest one on.

    The cursor has `from`, the creation time at which the next walk begins, and the `open` runs, which have not ended.
    If the list from that time on is a single page, the cursor also has its `etag`.
    """

    def __init__(self, api: Api, repo: str, needs: Collection[str]) -> None:
        """`needs` come from the stream."""
        self._api = api
        self._repo = repo
        self._needs = needs
        self._path = f"/repos/{repo}/actions/runs"
        self._open: dict[int, datetime] = {}

    def pages(self, since: datetime | None, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """The runs that are new or have changed."""
        self._open = {int(id_): datetime.fromisoformat(at) for id_, at in cursor.get("open", {}).items()}
        floor = max(EARLIEST, since - LONGEST_RUN - _RERUN) if since else EARLIEST
        start = datetime.fromisoformat(cursor["from"]) if "from" in cursor else floor
        ended = [row for row in self._open_runs(start) if row.is_completed]
        if ended:
            yield Page(records_of(self._repo, ended, self._needs))
        etag, last = cursor.get("etag"), None
        while True:
            rows, span = yield from self._span(start, None, etag)
            if rows is None:
                break
            etag = None
            if span is not None:
                start = span + _SECOND
                yield self._page(rows, start, None)
                continue
            last = self._page(rows, *self._next(rows, start))
            break
        if last is not None or ended:
            yield last or Page(cursor={**cursor, "open": self._as_json()})

    def _open_runs(self, start: datetime) -> Iterator[WorkflowRun]:
        """Requests the open runs that were created before `start`. The list from `start` on shows all later runs."""
        for id_ in [id_ for id_, created_at in self._open.items() if created_at < start]:
            with suppress(NotThere):  # a deleted run; a census removes its record
                row = parsed(RUN, self._api.request(f"{self._path}/{id_}", {})[2])
                self._note(row)
                yield row
                continue
            del self._open[id_]

    def _span(
        self, start: datetime, end: datetime | None, etag: str | None
    ) -> Generator[Page, None, tuple[list[WorkflowRun] | None, datetime | None]]:
        """The runs created from `start` on, and the end of their span. The end is None if no later runs exist.

        If the list still has this ETag, returns None instead of the runs.
        """
        self._pages_read: list[Answer] = []
        while True:
            query = {"created": f">={_stamp(start)}" if end is None else f"{_stamp(start)}..{_stamp(end)}"}
            first = self._api.page(self._path, query, "runs", etag=etag)
            if first.rows is None:
                return None, None
            if end is not None and any(row.created_at > end for row in first.rows):
                raise SourceBroken(
                    "this server cannot list workflow runs by their creation, as syncd must ask for them"
                )
            if (first.total or 0) < _MOST:
                return (yield from self._whole(query, first)), end
            newest = max((row.created_at for row in first.rows), default=start)
            middle = _whole_second(start + (newest - start) / 2)
            if middle >= newest:
                raise SourceBroken(
                    f"more than {_MOST:,} workflow runs began in a second, of which GitHub lists no more"
                )
            end, etag = middle, None
            yield Page()

    def _whole(self, query: Mapping[str, str], first: Answer | None) -> Generator[Page, None, list[WorkflowRun]]:
        for _ in range(READS):
            rows: dict[int, WorkflowRun] = {}
            self._pages_read = []
            for answer in self._api.pages(self._path, query, "runs", first=first):
                self._pages_read.append(answer)
                rows |= {row.id: row for row in answer.rows or ()}
                if not answer.last:
                    yield Page()
            first = None
            if answer.total is None or len(rows) == answer.total:
                return list(rows.values())
        raise RetryLater("its list of workflow runs changes faster than it can be read, or is not whole")

    def _next(self, rows: list[WorkflowRun], start: datetime) -> tuple[datetime, str | None]:
        """The creation time and the ETag for the next walk. While the list is a single page that is not full, the next
        walk uses the same time and ETag.
        """
        (*_, answer) = self._pages_read
        if len(self._pages_read) == 1 and not answer.full:
            return start, answer.etag
        return max(start, max(row.created_at for row in rows) - _APPEARS_WITHIN), None

    def _page(self, rows: list[WorkflowRun], start: datetime, etag: str | None) -> Page:
        for row in rows:
            self._note(row)
        cursor = {"from": start.isoformat(), "etag": etag, "open": self._as_json()}
        return Page(records_of(self._repo, rows, self._needs), cursor=cursor)

    def _note(self, row: WorkflowRun) -> None:
        if row.is_completed:
            self._open.pop(row.id, None)
        else:
            self._open[row.id] = row.created_at

    def _as_json(self) -> dict[str, str]:
        return {str(id_): created_at.isoformat() for id_, created_at in self._open.items()}


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
