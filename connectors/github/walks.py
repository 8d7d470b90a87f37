"""GitHub's lists move while they are read.

Each walk goes on from the newest update that the last one met, less an overlap; a list that has not changed answers
304, which costs no quota. A long one is read several pages at a time, and then proves that nothing slipped between
them. Here is what the walks share, and the lists that have no order by update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from connectors.github.api import Answer, Api
from syncd.sdk import Page, Record, RetryLater

OVERLAP = timedelta(minutes=2)  # equal timestamps and servers that disagree on the time
READS = 5  # of what moves; what moves faster than it is read is left to the next cycle


def releases(api: Api, repo: str, cursor: Mapping[str, Any]) -> Iterator[Page]:
    """All of them: the list has no order by update, and an old one may be published, edited or deleted.

    Only a list of one page can say by its ETag that nothing changed.
    """
    for reading in steady(api, f"/repos/{repo}/releases", {}, "releases", cursor.get("etag")):
        present: set[str] = set()
        answers = []
        for answer in reading:
            if answer.rows is None:
                return
            answers.append(answer.etag)
            records = records_of(repo, answer.rows)
            present |= {record.id for record in records}
            yield Page(records)
    yield Page(cursor={"etag": answers[0] if len(answers) == 1 else None}, present=frozenset(present))


def steady(
    api: Api, path: str, query: Mapping[str, str], kind: str, etag: str | None = None
) -> Iterator[Iterator[Answer]]:
    """Readings of a list in the order of creation, until neither its first page nor its last one changed meanwhile.

    What leaves it moves all behind one place up, and hides one behind a page's edge; it changes the last page.
    """
    ends: list[Answer] = []

    def reading() -> Iterator[Answer]:
        ends.clear()
        for answer in api.pages(path, query, kind, etag):
            ends[1:] = [answer]
            yield answer

    def stands(answer: Answer) -> bool:
        again = api.page(path, query, kind, answer.number, answer.etag)
        same = [row.stable_id for row in again.rows or ()] == [row.stable_id for row in answer.rows or ()]
        return again.rows is None or same

    for _ in range(READS):
        yield reading()
        if len(ends) == 1 or all(stands(answer) for answer in ends):
            return
    raise RetryLater("its list changes faster than it can be read")


def records_of(repo: str, rows: list[Any]) -> list[Record]:
    """The rows of a page as records."""
    return [row.record(repo) for row in rows]
