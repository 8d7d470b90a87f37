"""Reads the changelog of an issue, and finds the time when work on the issue began.

A search with `expand=changelog` includes the changelog. Data Center returns the whole changelog, oldest change first.
Cloud returns at most the 40 newest changes, newest first (JRACLOUD-96459). The issue's own changelog pages have the
older changes (developer.atlassian.com: Get changelogs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors.jira.answers import Answer
from connectors.jira.fields import Category, Issue

_IN_PROGRESS = "indeterminate"  # the key of the status category In Progress
_SHOWN = 40  # changes in Cloud's answer; whether `total` counts more is not documented


class _Edit(Answer):
    field: str
    fieldtype: str = "jira"
    before: str | None = Field(None, alias="from")
    after: str | None = Field(None, alias="to")


class Change(Answer):
    """The fields of an issue that somebody changed in one edit."""

    id: int
    created: AwareDatetime
    items: list[_Edit]


class ChangePage(Answer):
    """A page of an issue's changelog."""

    values: list[Change]
    total: int


class _Shown(Answer):
    histories: list[Change]
    total: int | None = None


class LoggedIssue(Issue):
    """An issue with its changelog. A pull requests the changelog if a measure uses `cycle_time`.

    Some servers and proxies leave the changelog out although it was requested.
    """

    expand: ClassVar[str] = "names,changelog"

    changelog: _Shown | None = None

    def cut(self, cloud: bool) -> bool:
        """Whether the response may lack some changes of the changelog."""
        if self.changelog is None:
            return True
        shown, total = len(self.changelog.histories), self.changelog.total
        return (cloud and (total is None or shown >= _SHOWN)) or (total is not None and shown < total)

    @property
    def shown(self) -> Sequence[Change] | None:
        """The changes in the response with the issue; None if the response has no changelog."""
        return None if self.changelog is None else self.changelog.histories


class ListedStatus(Answer):
    """A status that the server has."""

    id: str
    status_category: Category


def work_began(created: datetime | None, changes: Sequence[Change], categories: Mapping[str, str]) -> datetime | None:
    """The time when an issue first entered a status of the category In Progress. If the issue was created in such a
    status, returns the time of its creation.

    `categories` maps each status id to the key of that status's category. Returns None if the issue was never in
    progress, or if an earlier status of the issue no longer exists, because the category of that status is unknown.
    """
    moves = [
        (change.created, change.id, edit)
        for change in changes
        for edit in change.items
        if edit.field == "status" and edit.fieldtype == "jira"
    ]
    moves.sort(key=lambda move: move[:2])
    first = [(created, moves[0][2].before)] if moves else []
    for at, status in [*first, *((at, edit.after) for at, _, edit in moves)]:
        category = categories.get(status or "")
        if category == _IN_PROGRESS:
            return at
        if category is None:
            return None
    return None
