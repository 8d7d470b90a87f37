"""An issue's changelog, as far as it tells when work on the issue began.

A search shows it with the issue where `expand=changelog` asks for it: on Data Center all of it, the oldest change
first; on Cloud the newest changes first, 40 of them at most (JRACLOUD-96459). What is cut there stands on the issue's
own pages (developer.atlassian.com: Get changelogs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors.jira.answers import Answer
from connectors.jira.fields import Category, Issue

_IN_PROGRESS = "indeterminate"  # the key of the status category In Progress
_SHOWN = 40  # so many changes Cloud shows with an issue; whether its total counts the others too is not documented


class _Edit(Answer):
    field: str
    fieldtype: str = "jira"
    before: str | None = Field(None, alias="from")
    after: str | None = Field(None, alias="to")


class Change(Answer):
    """What somebody changed of an issue in one go."""

    id: int
    created: AwareDatetime
    items: list[_Edit]


class ChangePage(Answer):
    """A page of an issue's own changelog."""

    values: list[Change]
    total: int


class _Shown(Answer):
    histories: list[Change]
    total: int = 0


class LoggedIssue(Issue):
    """An issue with its changelog, as a pull asks for it where a measure names `cycle_time`."""

    expand: ClassVar[str] = "changelog"

    changelog: _Shown

    def cut(self, cloud: bool) -> bool:
        """Whether changes may be missing."""
        shown = len(self.changelog.histories)
        return shown < self.changelog.total or (cloud and shown >= _SHOWN)


class ListedStatus(Answer):
    """A status that the server has."""

    id: str
    status_category: Category


def work_began(created: datetime | None, changes: Sequence[Change], categories: Mapping[str, str]) -> datetime | None:
    """When an issue first went into a status of the category In Progress; at its creation, where it began in one.

    `categories` holds the key of each status' category. None where it never was in progress, and where one of its
    statuses before is no more, for nobody knows of which category that was.
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
