"""Derives the commits of a repository from its merges: a line of commits for each branch, in the order of the merges.

A merge is a commit that follows the earlier merges into the same branch. If the `head` of a pull request is another
branch, the pull request also contains the merges into that branch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from syncd.sandbox.github.code import Pull, Repo


def digest(*parts: object) -> str:
    """A SHA computed from these parts, which identify an object."""
    return hashlib.sha1("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def root(repo: Repo) -> str:
    """The repository's first commit."""
    return digest(repo.id, "root")


def merge_sha(repo: Repo, pull: Pull) -> str:
    """The merge commit of a pull request."""
    return digest(repo.id, pull.number)


def merges(repo: Repo, branch: str, until: datetime | None = None) -> list[Pull]:
    """The pull requests merged into a branch, up to a moment, in the order of their merges."""
    pulls = [
        (item.merged_at, item.number, item)
        for item in repo.items.values()
        if isinstance(item, Pull) and item.base == branch and item.merged_at and (not until or item.merged_at <= until)
    ]
    return [pull for _, _, pull in sorted(pulls, key=lambda entry: entry[:2])]


def tip(repo: Repo, branch: str, at: datetime) -> str:
    """The newest commit of a branch at a moment."""
    merged = merges(repo, branch, at)
    return merge_sha(repo, merged[-1]) if merged else root(repo)


def commit_dates(repo: Repo) -> dict[str, datetime]:
    """The date of each existing commit."""
    dates = {root(repo): repo.created_at}
    for item in repo.items.values():
        if isinstance(item, Pull) and item.merged_at:
            dates[merge_sha(repo, item)] = item.merged_at
    return {sha: date for sha, date in dates.items() if sha not in repo.lost}


def reachable(repo: Repo, sha: str) -> set[str]:
    """The commits that a commit contains, including itself; empty if the commit does not exist."""
    if sha in repo.lost:
        return set()
    contained = {root(repo)}
    pending = [item for item in repo.items.values() if isinstance(item, Pull) and merge_sha(repo, item) == sha]
    while pending:
        pull = pending.pop()
        if merge_sha(repo, pull) in contained:
            continue
        contained.add(merge_sha(repo, pull))
        before = merges(repo, pull.base, pull.merged_at)
        pending += [each for each in before if (each.merged_at, each.number) <= (pull.merged_at, pull.number)]
        if pull.head is not None:
            pending += merges(repo, pull.head, pull.merged_at)
    return contained - repo.lost


def between(repo: Repo, base: str, head: str) -> Sequence[str]:
    """The commits of `head` that `base` does not contain, oldest first; the same commits as `git log base..head`."""
    dates = commit_dates(repo)
    return sorted(reachable(repo, head) - reachable(repo, base), key=lambda sha: (dates[sha], sha))
