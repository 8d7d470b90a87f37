"""The data of GitLab: projects with their merge requests, issues, releases and deployments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass
class Item:
    """The fields that merge requests and issues share. `id` is unique on the site, `iid` within a project's list."""

    id: int
    iid: int
    title: str
    author: str
    created_at: datetime
    updated_at: datetime
    state: str = "opened"
    closed_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    milestone: str | None = None


@dataclass
class MergeRequest(Item):
    """A merge request; `state` is `opened`, `closed` or `merged`."""

    target_branch: str = "main"
    draft: bool = False
    merged_at: datetime | None = None


@dataclass
class Issue(Item):
    """An issue; `state` is `opened` or `closed`. A moved or duplicate issue also has the project and iid of the other
    issue.
    """

    issue_type: str = "issue"
    moved_to: tuple[int, int] | None = None
    duplicate_of: tuple[int, int] | None = None


@dataclass
class Release:
    """A release. The `released_at` of a planned release is in the future."""

    tag: str
    author: str
    created_at: datetime
    released_at: datetime
    name: str | None = None
    milestones: list[str] = field(default_factory=list)


@dataclass
class Deployment:
    """A deployment to an environment. With `by_job`, a pipeline's job makes the deployment, and ends at
    `finished_at`.
    """

    id: int
    iid: int
    environment: str
    author: str
    created_at: datetime
    updated_at: datetime
    status: Literal["created", "running", "success", "failed", "canceled", "blocked"] = "created"
    ref: str = "main"
    by_job: bool = True
    finished_at: datetime | None = None


@dataclass
class Project:
    """A project. `hidden` says that no token sees the project. `closed` has the parts of the project that no token may
    read.

    `off` has the parts that are turned off: `merge_requests`, `issues`, `releases`, `environments`.
    """

    id: int
    path: str
    created_at: datetime
    archived: bool = False
    fork: bool = False
    hidden: bool = False
    closed: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    environments: dict[str, int] = field(default_factory=dict)
