"""Reads one repository. Selects the list that has a stream's records, and a page size that the server can handle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.github.api import Api, Refused, TooMuch
from connectors.github.client import PER_PAGE
from connectors.github.deployed_walk import DeployedWalk
from connectors.github.deployments_walk import Outcomes, deployments
from connectors.github.issues_walk import IssuesWalk, MergesUntold
from connectors.github.pulls_walk import PullsWalk
from connectors.github.repositories import Repositories
from connectors.github.rows import Repository
from connectors.github.runs_walk import RunsWalk
from connectors.github.settings import DEPLOYED_TO, FINISHED
from connectors.github.tags import tags
from connectors.github.walks import records_of, releases, start_of_walk
from syncd.sdk import Lists, Page, Stream

_SIZES = (PER_PAGE, 30, 10)  # rows in a page: gateways give up on pages of many large rows


class Reader:
    """The pages of a repository.

    The reader stores the memory of each stream while the source is open. A census and the pull after it share this
    memory.
    """

    def __init__(self, api: Api, repositories: Repositories) -> None:
        self._api = api
        self._repositories = repositories
        self._outcomes = Outcomes()
        self._memories: dict[str, dict[str, Any]] = {}

    def memory(self, stream: Stream) -> dict[str, Any]:
        """The memory of a stream, such as its `repositories` by name, and the page `sizes` of lists for which full
        pages failed.
        """
        return self._memories.setdefault(stream.key, dict(stream.memory))

    def forget_sizes(self, stream: Stream) -> None:
        """Makes the next walk try large pages again, because the server may have recovered."""
        self.memory(stream).pop("sizes", None)

    def forget_outcomes(self) -> None:
        """Makes the next walk request the outcomes of deployments again."""
        self._outcomes.forget()

    def pages(self, kind: str, repository: Repository, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """The rows that changed since the cursor; with an empty cursor, the rows updated since the stream's `since`."""
        memory, name = self.memory(stream), repository.key
        size = memory.get("sizes", {}).get(name, PER_PAGE)
        while True:
            try:
                yield from self._under_its_name(self._api.with_pages_of(size), kind, repository, stream, cursor)
            except TooMuch:
                smaller = next((each for each in _SIZES if each < size), None)
                if smaller is None:
                    raise
                size = smaller
            else:
                return
            memory["sizes"] = {**memory.get("sizes", {}), name: size}
            yield Page(lists=Lists(memory=dict(memory)))

    def _under_its_name(
        self, api: Api, kind: str, repository: Repository, stream: Stream, cursor: Mapping[str, Any]
    ) -> Iterator[Page]:
        """The pages of a repository. The records have the repository's present name, as with `OWNER/*`."""
        pages = self._list(api, kind, repository, stream, cursor)
        first = next(pages, None)
        if repository.id is None and api.was_redirected(repository.full_name):
            with suppress(Refused):  # if refused, its records keep the configured name
                now = self._repositories.alone(repository.full_name)
                if now.key != repository.key:
                    yield Page(lists=Lists(renamed={repository.key: now.key}))
                    first, pages = None, self._list(api, kind, now, stream, cursor)
        if first is not None:
            yield first
        yield from pages

    def _list(
        self, api: Api, kind: str, repository: Repository, stream: Stream, cursor: Mapping[str, Any]
    ) -> Iterator[Page]:
        name = repository.full_name
        if kind == "releases":
            yield from releases(api, name, cursor, stream.needs)
        elif kind == "pulls":
            yield from self._pulls(api, repository, stream, cursor)
        elif kind == "issues":
            yield from self._issues(api, repository, stream, cursor)
        elif kind == "tags":
            yield from tags(api, name, cursor, self.memory(stream))
        elif kind == "workflow runs":
            yield from RunsWalk(api, name, stream.needs).pages(stream.since, cursor)
        elif kind in ("deployments", FINISHED):
            outcomes, if_ended = self._outcomes, kind == FINISHED
            yield from deployments(api, name, cursor, stream.needs, stream.since, outcomes, if_ended=if_ended)
        else:
            yield from self._deployed(api, repository, kind.removeprefix(DEPLOYED_TO), stream, cursor)

    def _issues(self, api: Api, repository: Repository, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Issues and pull requests from /issues. If /issues does not have the pull requests, syncd reads them from
        /pulls.

        /issues refuses a token that may read only pull requests, and repositories whose issues are turned off.
        """
        merges = "pull request" in stream.needs
        merges_alone = merges and "issue" not in stream.needs
        if not (repository.has_issues is False or (merges_alone and "pulls" in cursor)):
            walk = IssuesWalk(api, repository.full_name, needs=stream.needs, since=stream.since)
            try:
                yield from walk.pages(start_of_walk(stream.since, cursor), cursor)
            except (MergesUntold, Refused) as error:
                if not self._has_none(error, repository, merges_alone=merges_alone):
                    raise
            else:
                return
        if "issue" in stream.needs:
            yield _turned_off("issues", repository, {"pulls": cursor.get("pulls") or {}} if merges else {})
        if merges:
            for page in self._pulls(api, repository, stream, cursor.get("pulls") or {}):
                yield page if page.cursor is None else replace(page, cursor={"pulls": page.cursor})

    def _has_none(self, error: MergesUntold | Refused, repository: Repository, *, merges_alone: bool) -> bool:
        """Whether an error of /issues means that /issues has none of the needed rows. The pull then does not fail."""
        if isinstance(error, MergesUntold):
            return merges_alone
        if merges_alone and error.status in (403, 404, 410):
            return True
        return error.status == 410 and self._flags(repository).has_issues is False

    def _pulls(self, api: Api, repository: Repository, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        records = partial(records_of, repository.full_name, needs=stream.needs)
        walk = PullsWalk(api, repository.full_name, records)
        yield from self._unless_turned_off(repository, walk.pages(start_of_walk(stream.since, cursor), cursor))

    def _deployed(
        self, api: Api, repository: Repository, environment: str, stream: Stream, cursor: Mapping[str, Any]
    ) -> Iterator[Page]:
        walk = DeployedWalk(
            api,
            repository.full_name,
            environment,
            needs=stream.needs,
            since=stream.since,
            outcomes=self._outcomes,
            memory=self.memory(stream),
        )
        yield from self._unless_turned_off(repository, walk.pages(cursor))

    def _unless_turned_off(self, repository: Repository, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages of a list of pull requests; an empty page if the repository has pull requests turned off."""
        try:
            if repository.has_pull_requests is not False:
                yield from pages
                return
        except Refused as error:
            if error.status not in (404, 410) or self._flags(repository).has_pull_requests is not False:
                raise
        yield _turned_off("pull requests", repository)

    def _flags(self, repository: Repository) -> Repository:
        """The repository with its flags. The flags are requested only if the repository does not come from a list."""
        if repository.id is None:
            with suppress(Refused):
                return self._repositories.with_flags(repository.full_name)
        return repository


def _turned_off(what: str, repository: Repository, cursor: Mapping[str, Any] | None = None) -> Page:
    """An empty page for a list that is turned off. The page drops the cursor, so that syncd reads all rows once the
    list is turned on again.
    """
    return Page(cursor=cursor or {}, lists=Lists(empty={repository.key: f"its {what} are turned off, so it has none"}))
