"""Finds out when the merged pull requests of a repository were first deployed to an environment.

syncd reads the deployments before the pull requests. Every pull request in a deployment is then already in the list of
merged ones. `contents` finds the `Delivery` of each pull request.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from connectors.github.api import Api, parsed
from connectors.github.contents import BeforeWindow, Contents, Delivery, Index
from connectors.github.delivery_rows import MERGE, MergedPull
from connectors.github.deployments_walk import LONGEST_RUN, DeploymentsWalk, Outcomes
from connectors.github.pulls_walk import PullsWalk
from connectors.github.walks import EARLIEST, check_keys, start_of_walk
from syncd.sdk import Lists, Page, Record, Scalar, lead_time

WAITS_FOR = timedelta(days=90)
"""The list of merged pull requests begins at least this long before the window. If the last deployment before the
window is older, the list begins with that deployment.
"""
_AT_ONCE = 25
KIND = "deployed pull request"
BY_TIME = "dated by the first deployment created after its merge, because GitHub cannot tell which one contains it"


class DeployedWalk:
    """The pull requests of a repository, each done at the first successful deployment that contains its merge commit.

    The cursor contains the cursors of the walks over `deployments` and over `pulls`. The cursor also contains the
    `deliveries` with the commits of each, the deliveries `before_window`, and the merges that are `waiting` for a
    deployment. The stream's memory contains `committed`: the time of the first commit of each pull request, which never
    changes.
    """

    def __init__(
        self,
        api: Api,
        repo: str,
        environment: str,
        *,
        needs: Collection[str],
        since: datetime | None,
        outcomes: Outcomes,
        memory: dict[str, Any],
    ) -> None:
        """`needs`, `since` and `memory` belong to the stream."""
        self._api = api
        self._repo = repo
        self._environment = environment
        self._needs = needs
        self._since = since
        self._outcomes = outcomes
        self._memory = memory
        self._committed: dict[str, str] = dict(memory.get("committed", {}).get(repo.lower(), {}))
        self._merged: dict[int, MergedPull] = {}
        self._from_the_first = False
        self._before: Sequence[Delivery] = ()

    def pages(self, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """The pull requests that were changed or deployed since the cursor."""
        before = [Delivery.from_json(kept) for kept in cursor.get("deliveries", ())]
        walk, deliveries = yield from self._deliveries(cursor, before)
        if [each.facts for each in deliveries[: len(before)]] != [each.facts for each in before]:
            # A deployment that is gone, or has another conclusion, may have delivered any pull request.
            yield from self.pages({})
            return
        pulls_cursor: Mapping[str, Any] = cursor.get("pulls", {})
        waiting: dict[str, Any] = dict(cursor.get("waiting", {})) if pulls_cursor else {}
        marked = yield from self._pulls(pulls_cursor)
        if walk.rows is None and marked is None:
            return
        contents, merges = Contents(self._api, self._repo), self._merges(waiting)
        earlier = BeforeWindow(contents, self._before)
        kept: dict[str, Any] = {"deployments": walk.cursor, "from_the_first": self._from_the_first}
        kept["before_window"] = earlier.as_json()
        compared = contents.compared(deliveries, from_the_first=self._from_the_first, merges=merges)
        for number, deliveries in enumerate(compared, start=1):
            if number % _AT_ONCE == 0:  # a cursor without `pulls` lets the next pull list them again
                yield Page(cursor=kept | {"deliveries": [each.as_json() for each in deliveries]})
        yield from self._records(Index(deliveries, earlier, from_the_first=self._from_the_first), waiting)
        kept |= {"deliveries": [each.as_json() for each in deliveries], "waiting": waiting}
        kept["before_window"] = earlier.as_json()
        yield Page(cursor=kept | {"pulls": marked or pulls_cursor})

    def _deliveries(
        self, cursor: Mapping[str, Any], before: Sequence[Delivery]
    ) -> Generator[Page, None, tuple[DeploymentsWalk, list[Delivery]]]:
        """The successful deployments to the environment, in the order of their success.

        The first of these deployments is the last one before the window, or the first deployment ever.
        """
        if "deployments" in cursor:
            self._from_the_first = cursor["from_the_first"]
            self._before = [Delivery.from_json(kept) for kept in cursor.get("before_window", ())]
            walk, deliveries = yield from self._listed(LONGEST_RUN, cursor["deployments"], before)
            return walk, deliveries
        for earlier in _earlier():
            walk, deliveries = yield from self._listed(earlier, {}, ())
            earlier_ones = [each for each in deliveries if self._since is not None and each.done_at < self._since]
            if earlier_ones or (walk.ended and not walk.has_older):
                break
        self._from_the_first, self._before = not earlier_ones, earlier_ones
        return walk, deliveries[max(0, len(earlier_ones) - 1) :]

    def _listed(
        self, earlier: timedelta, cursor: Mapping[str, Any], before: Sequence[Delivery]
    ) -> Generator[Page, None, tuple[DeploymentsWalk, list[Delivery]]]:
        walk = DeploymentsWalk(self._api, self._repo, self._outcomes, cursor)
        deliveries = {each.id: each for each in before}
        floor = None if self._since is None else self._since - earlier
        for batch in walk.changed(floor, lambda row: row.environment.lower() == self._environment):
            for row, outcome in batch:
                former = deliveries.pop(row.id, None)
                if outcome.succeeded_at is not None:
                    delivery = Delivery.of(row, outcome, outcome.succeeded_at)
                    deliveries[row.id] = former if former and former.facts == delivery.facts else delivery
            yield Page()
        if walk.rows is not None:
            listed = {row.id for row in walk.rows}
            first = EARLIEST if walk.ended else min(row.created_at for row in walk.rows)
            for each in list(deliveries.values()):
                if each.created_at >= first and each.id not in listed:
                    del deliveries[each.id]
        ordered = sorted(deliveries.values(), key=lambda delivery: delivery.place)
        if before and not self._from_the_first:  # deliveries before the first of `before` are not needed
            ordered = [each for each in ordered if each.place >= before[0].place]
        return walk, ordered

    def _pulls(self, cursor: Mapping[str, Any]) -> Generator[Page, None, Mapping[str, Any] | None]:
        """Collects the merged pull requests that have changed.

        Returns the cursor of the list of pull requests; None if the list has not changed.
        """

        def collect(rows: Sequence[MergedPull]) -> list[Record]:
            check_keys(rows, self._needs)
            for row in rows:
                former = self._merged.get(row.number)
                if row.merged_at is not None and (former is None or row.updated_at >= former.updated_at):
                    self._merged[row.number] = row
            return []

        since = None if self._since is None else self._since - WAITS_FOR
        if since is not None and self._before:  # the first deployment of the window delivers the merges since that one
            since = min(since, self._before[-1].done_at)
        floor = start_of_walk(since, cursor)
        marked = None
        for page in PullsWalk(self._api, self._repo, collect, "merges").pages(floor, cursor):
            if page.cursor is not None and "walk" not in page.cursor:
                marked = page.cursor
            yield Page()
        return marked

    def _merges(self, waiting: Mapping[str, Any]) -> Sequence[tuple[datetime, str]]:
        merges = [(row.merged_at, row.merge_commit_sha) for row in self._merged.values()]
        merges += [(datetime.fromisoformat(merged_at), sha) for sha, merged_at in waiting.values()]
        return sorted((merged_at, sha) for merged_at, sha in merges if merged_at and sha)

    def _records(self, index: Index, waiting: dict[str, Any]) -> Iterator[Page]:
        """The records of pull requests that changed or are now delivered. Delivered pull requests are removed from
        `waiting`.
        """
        numbers = [int(number) for number in waiting if int(number) not in self._merged]
        delivered = [number for number in numbers if index.of(*_merge(waiting[str(number)])) is not None]
        due = sorted([*self._merged, *delivered])
        for start in range(0, len(due), _AT_ONCE):
            before = len(self._committed)
            records = [self._record(self._row(number), index, waiting) for number in due[start : start + _AT_ONCE]]
            if len(self._committed) > before:
                committed = {**self._memory.get("committed", {}), self._repo.lower(): dict(self._committed)}
                self._memory["committed"] = committed
                yield Page(lists=Lists(memory=dict(self._memory)))
            yield Page(records)

    def _row(self, number: int) -> MergedPull:
        row = self._merged.get(number)
        return row or parsed(MERGE, self._api.request(f"/repos/{self._repo}/pulls/{number}", {})[2])

    def _record(self, row: MergedPull, index: Index, waiting: dict[str, Any]) -> Record:
        record, number = row.record(self._repo), str(row.number)
        merged_at = row.merged_at or row.updated_at
        delivered = index.of(row.merge_commit_sha, merged_at)
        fields: dict[str, Sequence[Scalar]] = {**record.fields, "environment": [self._environment]}
        del fields["lead_time"]
        done_at: datetime | None = None
        not_done: str | None = f"merged, and not deployed to {self._environment} since"
        remark: str | None = None
        title = record.title
        if delivered is None:
            waiting[number] = [row.merge_commit_sha, merged_at.isoformat()]
        else:
            waiting.pop(number, None)
            done_at, not_done = max(delivered.delivery.done_at, merged_at), None
            remark = None if delivered.certain else BY_TIME
            fields["conclusion"] = list(dict.fromkeys(["success", delivered.delivery.conclusion]))
            title += f" (deployment {delivered.delivery.id}"
            if "lead_time" in self._needs:
                first = self._first_commit(row)
                fields["lead_time"] = lead_time(first, done_at)
                title += f"; first commit {first.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if first else ""
            title += ")"
        # The record has the same id as in other streams of merges, because it is the same work.
        return replace(record, kind=KIND, title=title, done_at=done_at, not_done=not_done, fields=fields, remark=remark)

    def _first_commit(self, row: MergedPull) -> datetime | None:
        """The earliest author date of the pull request's commits. GitHub lists only the 250 oldest commits."""
        number = str(row.number)
        if number not in self._committed:
            path = f"/repos/{self._repo}/pulls/{number}/commits"
            answers = self._api.pages(path, {}, "commits")
            dates = [commit.authored_at for answer in answers for commit in answer.rows or () if commit.authored_at]
            self._committed[number] = min(dates).isoformat() if dates else ""
        return datetime.fromisoformat(self._committed[number]) if self._committed[number] else None


def _earlier() -> Iterator[timedelta]:
    """Longer and longer spans before the window, in which syncd searches for the last deployment before the window."""
    yield LONGEST_RUN
    yield LONGEST_RUN + timedelta(days=90)
    yield from (LONGEST_RUN + timedelta(days=365 * years) for years in count(1))


def _merge(kept: Sequence[str | None]) -> tuple[str | None, datetime]:
    sha, merged_at = kept
    return sha, datetime.fromisoformat(merged_at or "")
