"""Reads a repository's tags as releases. The date of a tag comes from the tag's own object, or from the commit that the
tag names.

The list of refs has no dates, so each tag needs one request for its date. syncd stores the date, because the object
with a SHA never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.github.api import Api, Refused, parsed
from connectors.github.delivery_rows import ANNOTATED_TAG, GIT_COMMIT, TagRef
from connectors.github.walks import EARLIEST, steady
from syncd.sdk import Lists, Page, Record

_AT_ONCE = 50  # if a walk stops early, at most this many dates are lost


def tags(api: Api, repo: str, cursor: Mapping[str, Any], memory: dict[str, Any]) -> Iterator[Page]:
    """All tags of a repository. `memory` is the memory of the stream. The memory has the date of each SHA."""
    refs: list[TagRef] = []
    etags: list[str | None] = []
    try:
        for reading in steady(api, f"/repos/{repo}/git/matching-refs/tags", {}, "tags", cursor.get("etag")):
            refs, etags = [], []
            for answer in reading:
                if answer.rows is None:
                    return
                etags.append(answer.etag)
                refs += [row for row in answer.rows if row.ref.startswith("refs/tags/")]
    except Refused as error:
        if error.status != 409:  # 409: a repository without a commit
            raise
    dated: dict[str, Any] = dict(memory.get("dated", {}).get(repo.lower(), {}))
    records: list[Record] = []
    for ref in refs:
        if ref.sha not in dated:
            dated[ref.sha] = _dated(api, repo, ref)
            if len(dated) % _AT_ONCE == 0:
                yield Page(lists=_remembered(memory, repo, dated))
        records.append(_record(repo, ref, *dated[ref.sha]))
    dated = {ref.sha: dated[ref.sha] for ref in refs}
    if dated != memory.get("dated", {}).get(repo.lower(), {}):
        yield Page(lists=_remembered(memory, repo, dated))
    etag = etags[0] if len(etags) == 1 else None
    yield Page(records, cursor={"etag": etag}, present=frozenset(record.id for record in records))


def _remembered(memory: dict[str, Any], repo: str, dated: Mapping[str, Any]) -> Lists:
    memory["dated"] = {**memory.get("dated", {}), repo.lower(): dict(dated)}
    return Lists(memory=dict(memory))


def _dated(api: Api, repo: str, ref: TagRef) -> tuple[str | None, str]:
    """The date of the object that a tag points to (None if the object has no date), and the first line of an annotated
    tag's message.
    """
    if ref.type == "tag":
        tag = parsed(ANNOTATED_TAG, api.request(f"/repos/{repo}/git/tags/{ref.sha}", {})[2])
        title = tag.message.strip().partition("\n")[0]
        if tag.tagged_at is not None or tag.type != "commit":
            return (tag.tagged_at.isoformat() if tag.tagged_at else None), title
        return _committed(api, repo, tag.of), title
    return (_committed(api, repo, ref.sha), "") if ref.type == "commit" else (None, "")


def _committed(api: Api, repo: str, sha: str) -> str:
    commit = parsed(GIT_COMMIT, api.request(f"/repos/{repo}/git/commits/{sha}", {})[2])
    return commit.committed_at.isoformat()


def _record(repo: str, ref: TagRef, at: str | None, title: str) -> Record:
    """The record of a tag, done at the tag's date. The title says whether this is the date of the tag or of its
    commit.
    """
    name, annotated = ref.name, ref.type == "tag"
    done_at = datetime.fromisoformat(at) if at else None
    fields = {"tag": [name], "title": [title or name], "annotated": [str(annotated).lower()]}
    whose = "the tag's own date" if annotated else "the date of its commit"
    return Record(
        f"{repo.lower()} tag {ref.stable_id}",
        f"{repo} {name}",
        f"{title or name} ({whose})" if done_at else title or name,
        "",
        done_at or EARLIEST,
        None,
        done_at,
        None if done_at else "a tag of no commit",
        fields,
        "tag",
    )
