"""What the ledger would keep of a stream of the sandbox's repository `acme/lab`, for tests of a source alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connectors.github import GitHub
from connectors.github.source import GitHubSource
from syncd.sandbox import Sandbox
from syncd.sdk import Context, Json, Page, Record, Stream

LAB = "acme/lab"
START = datetime(2026, 10, 5, 8, tzinfo=UTC)
SINCE = datetime(2026, 10, 1, tzinfo=UTC)


def opened(box: Sandbox, context: Context, token: str = "github") -> GitHubSource:
    """A source with that token of the sandbox."""
    settings = {"type": "github", "url": box.github_url, "token": box.credentials[token]}
    return GitHub.open(GitHub.Settings.model_validate(settings, context={"resolved": True}), context)


def stream(kind: str, *needs: str, repo: str = LAB) -> Stream:
    """The stream of that kind, since the first day of the quarter."""
    return Stream(f"{kind} of {repo}", "records", frozenset(needs), SINCE)


def hours(number: float) -> datetime:
    """So many hours after the start."""
    return START + timedelta(hours=number)


class Kept:
    """The newest version of each record, the cursor, and the stream's memory."""

    def __init__(self, source: GitHubSource, of: Stream) -> None:
        self._source = source
        self._stream = of
        self.cursor: Mapping[str, Json] | None = None
        self.records: dict[str, Record] = {}

    def pull(self) -> Mapping[str, Record]:
        """The records after a pull, by label."""
        for page in self._source.pull(self._stream, self.cursor):
            self._store(page)
            if page.present is not None:
                self.records = {id_: self.records[id_] for id_ in page.present}
        return {record.label: record for record in self.records.values()}

    def census(self) -> Mapping[str, Record]:
        """The records after a census, which ends those that it does not list, and the pull that follows."""
        pages = list(self._source.census(self._stream))
        for page in pages:
            self._store(page)
        self.records = {id_: self.records[id_] for page in pages for id_ in page.present or ()}
        return self.pull()

    def _store(self, page: Page) -> None:
        for record in page.records:
            before = self.records.get(record.id)
            if before is None or record.updated_at >= before.updated_at:
                self.records[record.id] = record
        self.cursor = page.cursor or self.cursor
        if page.lists is not None and page.lists.memory is not None:
            self._stream = replace(self._stream, memory=page.lists.memory)


def done(records: Mapping[str, Record]) -> set[str]:
    """The labels of those that count."""
    return {label for label, record in records.items() if record.done_at is not None}
