"""What of GitLab's rows becomes a record.

Sources: docs.gitlab.com, "Merge requests API", "Issues API", "Releases API" and "Deployments API".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncd.sdk import JsonRow, Member, Record, lead_time

What = Literal["merged_merge_requests", "closed_issues", "releases", "deployments"]


@dataclass(frozen=True)
class Kind:
    """A kind of row: where it is listed, why a row is `not_done`, and the path in a row of everything else.

    `sign` and the value at `number` follow the project's path, as in `acme/web!7`. `done_at` are times of being done:
    the first that a row has is the one. `feature` is the part of a project that may be turned off.
    """

    list: str
    sign: str
    done_at: tuple[str, ...]
    not_done: Callable[[JsonRow], str | None]
    fields: Mapping[str, str]
    number: str = "iid"
    title: str = "title"
    url: str = "web_url"
    order_by: str = "updated_at"
    query: Mapping[str, str] = field(default_factory=dict)
    feature: str = ""

    def record(self, row: JsonRow, project: Member) -> Record:
        """The record of a row of a project. Its number is unique there, and stays."""
        number, created_at, updated_at = row.text(self.number) or "", row.time("created_at"), row.time(self.order_by)
        done_at = next(filter(None, map(row.time, self.done_at)), None)
        not_done = self.not_done(row) or (None if done_at else "done, and GitLab does not say when")
        done_at = None if not_done else done_at
        title = row.text(self.title) or number
        fields = {name: row.elements(path) for name, path in self.fields.items()}
        fields |= {"title": [title], "lead_time": [*lead_time(created_at, done_at)]}
        id_, label = f"{project.key} {number}", f"{project.path}{self.sign}{number}"
        url = row.text(self.url) or project.url
        assert updated_at is not None
        return Record(id_, label, title, url, updated_at, created_at, done_at, not_done, fields)


def _why_no_issue(row: JsonRow) -> str | None:
    """One that is moved is closed, and a new one opens in the other project."""
    if row.text("state") != "closed":
        return "open"
    if row.text("moved_to_id"):
        return "moved to another project"
    return "closed as duplicate" if row.text("_links?.closed_as_duplicate_of?") else None


_UNMERGED = {"merged": None, "opened": "open", "closed": "closed without merging"}
_SHARED = {"author": "author.username", "label": "labels", "milestone": "milestone.title", "number": "iid"}

KINDS: Mapping[What, Kind] = {
    "merged_merge_requests": Kind(
        "merge_requests",
        "!",
        done_at=("merged_at",),
        not_done=lambda row: _UNMERGED.get(row.text("state") or "", row.text("state")),
        fields={**_SHARED, "base": "target_branch", "draft": "draft"},
        query={"state": "all", "scope": "all"},
    ),
    "closed_issues": Kind(
        "issues",
        "#",
        done_at=("closed_at",),
        not_done=_why_no_issue,
        fields={**_SHARED, "type": "issue_type?"},
        query={"state": "all", "scope": "all", "pagination": "keyset"},  # before GitLab 18.3, by page number
    ),
    "releases": Kind(
        "releases",
        " ",
        done_at=("released_at",),
        not_done=lambda row: "not released yet" if row.text("upcoming_release") == "true" else None,
        fields={"author": "author?.username", "milestone": "milestones?.title", "tag": "tag_name"},
        number="tag_name",  # which GitLab hides from whoever may not see code
        title="name",
        url="_links?.self?",
        order_by="created_at",  # they have no time of update
    ),
    "deployments": Kind(
        "deployments",
        " deployment ",
        done_at=("deployable.finished_at", "updated_at"),  # those of GitLab's own pipelines have a job that ended
        not_done=lambda row: None if row.text("status") == "success" else row.text("status"),
        fields={
            "author": "user.username",
            "environment": "environment.name",
            "status": "status",
            "base": "ref",
            "number": "iid",
        },
        title="environment.name",
        url="deployable.web_url?",
        feature="environments",
    ),
}
