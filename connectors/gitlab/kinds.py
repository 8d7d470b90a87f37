"""Defines the kinds of GitLab's rows that become records.

Sources: docs.gitlab.com, "Merge requests API", "Issues API", "Releases API" and "Deployments API".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

from syncd.sdk import JsonRow, RecordShape
from syncd.sdk.key_rules import all_match, texts

What = Literal["merged_merge_requests", "closed_issues", "releases", "deployments"]
_PATHS = r"^[\w.-]+(/[\w.-]+)*/(\*|[\w.-]+)$", "write GROUP/NAME, or GROUP/* for every project"
Projects = Annotated[str | list[str], AfterValidator(all_match(*_PATHS)), WithJsonSchema(texts(*_PATHS))]


@dataclass(frozen=True, kw_only=True)
class Kind(RecordShape):
    """A kind of row: the `list` of a project, how to request the list, and the project's feature without which there is
    no list.
    """

    list: str
    feature: str
    query: Mapping[str, str] = field(default_factory=dict)


def _why_no_issue(row: JsonRow) -> str | None:
    """The reason why an issue does not count; None if it counts.

    When somebody moves an issue, GitLab closes the issue and opens a new one in the other project.
    """
    if row.text("state") != "closed":
        return "open"
    if row.text("moved_to_id"):
        return "moved to another project"
    return "closed as duplicate" if row.text("_links?.closed_as_duplicate_of?") else None


_UNMERGED = {"merged": None, "opened": "open", "closed": "closed without merging"}
_SHARED = {"author": "author.username", "label": "labels", "milestone": "milestone.title", "number": "iid"}

KINDS: Mapping[What, Kind] = {
    "merged_merge_requests": Kind(
        kind="merge request", list="merge_requests", feature="merge_requests", query={"state": "all", "scope": "all"},
        number="iid", sign="!", title="title", url="web_url", done_at=["merged_at"],
        not_done=lambda row: _UNMERGED.get(row.text("state") or "", row.text("state")),
        fields={**_SHARED, "base": "target_branch", "draft": "draft"},
    ),
    "closed_issues": Kind(  # before GitLab 18.3, the pages of issues are requested by number
        kind="issue", list="issues", feature="issues", query={"state": "all", "scope": "all", "pagination": "keyset"},
        number="iid", sign="#", title="title", url="web_url", done_at=["closed_at"], not_done=_why_no_issue,
        fields={**_SHARED, "type": "issue_type?"},
    ),
    "releases": Kind(  # without a time of update; GitLab hides the tag from users who may not see code
        kind="release", list="releases", feature="releases",
        number="tag_name", sign=" ", title="name", url="_links?.self?", updated_at="created_at",
        done_at=["released_at"],
        not_done=lambda row: "not released yet" if row.text("upcoming_release") == "true" else None,
        fields={"author": "author?.username", "milestone": "milestones?.title", "tag": "tag_name"},
    ),
    "deployments": Kind(  # a deployment by a pipeline of GitLab has a job with an end time
        kind="deployment", list="deployments", feature="environments",
        number="iid", sign=" deployment ", title="environment.name", url="deployable.web_url?",
        done_at=["deployable.finished_at", "updated_at"],
        not_done=lambda row: None if row.text("status") == "success" else row.text("status"),
        fields={"author": "user.username", "environment": "environment.name", "status": "status", "ref": "ref",
                "number": "iid"},
    ),
}  # fmt: skip
