"""Reads a repository's deployments: /deployments, the newest first, and the statuses of each.

The list has no filter by time, and its rows do not have the outcomes of deployments. The statuses of each deployment
take one more request, which syncd sends if the deployment is new or its row has changed. GitHub does not document that
a new status changes the row. For a day, each pull therefore reads the statuses of a deployment that is underway, and a
census reads the statuses of all deployments.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.delivery_rows import Deployment, Outcome
from connectors.github.walks import READS, check_keys
from syncd.sdk import Page, RetryLater

LONGEST_RUN = timedelta(days=35)
"""The longest time that a workflow may run, including waits for an approval (docs.github.com "Actions limits")."""
_ASKED_AGAIN = timedelta(days=1)
_AT_ONCE = 25  # deployments in a page: if a walk stops early, at most the statuses of these are lost


class Outcomes:
    """Caches the outcomes of deployments while the source is open, because several streams may need the same
    outcome.
    """

    def __init__(self) -> None:
        self._final: dict[tuple[str, int, datetime], Outcome] = {}

    def of(self, api: Api, repo: str, row: Deployment) -> Outcome:
        """The outcome of a deployment."""
        key = (repo.lower(), row.id, row.updated_at)
        if key in self._final:
            return self._final[key]
        answers = api.pages(f"/repos/{repo}/deployments/{row.id}/statuses", {}, "statuses")
        outcome = Outcome.of({status.id: status for answer in answers for status in answer.rows or ()}.values())
        if outcome.is_final:
            self._final[key] = outcome
        return outcome

    def forget(self) -> None:
        """Clears the cache, so that a census reads all outcomes again."""
        self._final.clear()


class DeploymentsWalk:
    """Reads the list from the newest deployment back to the floor. Later walks go back as far as a deployment may still
    change.

    `cursor` is the cursor after the rows that were read so far. In the cursor, `states` has an entry for each
    deployment that may still change: the time of the row's last update, and the time of creation if the deployment is
    underway. `mark` is the newest time of creation in the last complete walk, and `etags` are the ETags of that walk's
    pages.
    """

    def __init__(self, api: Api, repo: str, outcomes: Outcomes, cursor: Mapping[str, Any]) -> None:
        self._api = api
        self._repo = repo
        self._outcomes = outcomes
        self._path = f"/repos/{repo}/deployments"
        self.cursor: Mapping[str, Any] = cursor
        self.rows: list[Deployment] | None = None
        """The deployments that were listed; None if the list has not changed."""
        self.ended = False
        """Whether the rows go back to the repository's first deployment."""
        self.has_older = False
        """Whether the list has a wanted deployment older than the floor. The outcome of such a deployment was not
        read.
        """

    def changed(
        self, floor: datetime | None, wanted: Callable[[Deployment], bool] = lambda row: True
    ) -> Iterator[list[tuple[Deployment, Outcome]]]:
        """The wanted deployments that are new or have changed, with their outcomes, the oldest first."""
        states: dict[str, Any] = dict(self.cursor.get("states", {}))
        mark = self.cursor.get("mark")
        if mark is not None:  # older deployments were read, and no longer change
            settled = datetime.fromisoformat(mark) - LONGEST_RUN
            floor = settled if floor is None else max(floor, settled)
        etags = self._list(floor)
        if self.rows is None:
            return
        last = max((row.created_at for row in self.rows), default=None)
        listed = [row for row in self.rows if wanted(row)]
        rows = [row for row in listed if floor is None or row.created_at >= floor]
        self.has_older = len(rows) < len(listed)
        due = [row for row in reversed(rows) if _is_due(row, states.get(row.stable_id), last)]
        for start in range(0, len(due), _AT_ONCE):
            batch = [(row, self._outcomes.of(self._api, self._repo, row)) for row in due[start : start + _AT_ONCE]]
            for row, outcome in batch:
                underway = None if outcome.is_final else row.created_at.isoformat()
                states[row.stable_id] = [row.updated_at.isoformat(), underway]
            self.cursor = {"states": dict(states), "mark": mark}
            yield batch
        may_change = {row.stable_id for row in rows if last is None or row.created_at >= last - LONGEST_RUN}
        states = {id_: state for id_, state in states.items() if id_ in may_change}
        # While a deployment is underway, no ETag proves that its statuses are the same.
        changing = any(_is_young(datetime.fromisoformat(state[1]), last) for state in states.values() if state[1])
        newest = last.isoformat() if last is not None else None
        self.cursor = {"states": states, "mark": newest, "etags": [] if changing else etags}

    def _list(self, floor: datetime | None) -> list[str | None]:
        """Reads the list into `rows`, and again if the list shifts during the read. Returns the ETags of its pages."""
        self.rows, first = None, None
        etags: list[str | None] = list(self.cursor.get("etags") or ())
        for number, etag in enumerate(etags, start=1):
            answer = self._api.page(self._path, {}, "deployments", number, etag)
            if answer.rows is not None:
                first = answer if number == 1 else None
                break
        else:
            if etags:
                return etags
        for _ in range(READS):
            answers: list[Answer] = []
            rows: dict[int, Deployment] = {}
            for answer in self._api.pages(self._path, {}, "deployments", first=first):
                answers.append(answer)
                rows |= {row.id: row for row in answer.rows or ()}
                if _reaches(answer, floor):
                    break
            first = None
            self.rows, self.ended = list(rows.values()), answers[-1].last
            if len(answers) == 1 or self._is_unchanged(answers[-1]):
                return [answer.etag for answer in answers]
        raise RetryLater("its list of deployments changes faster than it can be read")

    def _is_unchanged(self, last: Answer) -> bool:
        """Whether the last page still has the same rows. If an earlier row had left the list, the rows of the last page
        would have shifted.
        """
        again = self._api.page(self._path, {}, "deployments", last.number, last.etag)
        return again.rows is None or [row.id for row in again.rows] == [row.id for row in last.rows or ()]


def deployments(
    api: Api,
    repo: str,
    cursor: Mapping[str, Any],
    needs: Collection[str],
    since: datetime | None,
    outcomes: Outcomes,
    *,
    if_ended: bool,
) -> Iterator[Page]:
    """The records of a repository's deployments. `Deployment.record` decides which deployments are done.

    A deployment that ended after `since` may have been created some weeks before `since`.
    """
    walk = DeploymentsWalk(api, repo, outcomes, cursor)
    for batch in walk.changed(None if since is None else since - LONGEST_RUN):
        check_keys([row for row, _ in batch], needs)
        yield Page([row.record(repo, outcome, if_ended=if_ended) for row, outcome in batch], cursor=walk.cursor)
    if walk.rows is not None:
        yield Page(cursor=walk.cursor)


def _is_due(row: Deployment, state: Any, last: datetime | None) -> bool:
    """Whether the statuses of a deployment must be read; `state` is its entry in the cursor."""
    if state is None or state[0] != row.updated_at.isoformat():
        return True
    return state[1] is not None and _is_young(row.created_at, last)


def _is_young(created_at: datetime, last: datetime | None) -> bool:
    """Whether a deployment is at most a day older than the newest deployment (created at `last`). Both times come from
    GitHub's clock.
    """
    return last is None or created_at >= last - _ASKED_AGAIN


def _reaches(answer: Answer, floor: datetime | None) -> bool:
    """Whether the rows of a page are ordered from the newest to the oldest, and the last row is older than the
    floor.
    """
    times = [row.created_at for row in answer.rows or ()]
    return floor is not None and bool(times) and times == sorted(times, reverse=True) and times[-1] < floor
