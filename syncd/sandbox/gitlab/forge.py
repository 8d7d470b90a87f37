"""The company's GitLab: its projects, and the changes that people make in them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any, Literal

from syncd.sandbox.clock import Clock
from syncd.sandbox.gitlab.project import Deployment, Issue, Item, MergeRequest, Project, Release


class Forge:
    """All projects. The methods accept a project's path, present or former. `at` is the time of a change, now by
    default.
    """

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.clock = clock
        self.lock = lock
        self._ids = count(9_000_001)
        self.projects: dict[int, Project] = {}
        self.renamed: dict[str, int] = {}

    def project(self, path: str) -> Project:
        """The project with this path, ignoring case. Raises KeyError if there is none."""
        for project in self.projects.values():
            if project.path.lower() == path.lower():
                return project
        return self.projects[self.renamed[path.lower()]]

    # -- adding things

    def add_project(
        self, path: str, *, archived: bool = False, fork: bool = False, at: datetime | None = None
    ) -> Project:
        """Adds an empty project. The first part of the path is the project's group."""
        with self.lock:
            project = Project(next(self._ids), path, self._when(at), archived=archived, fork=fork)
            self.projects[project.id] = project
            self.renamed.pop(path.lower(), None)
            return project

    def add_merge_request(
        self,
        path: str,
        title: str = "Change something",
        *,
        author: str = "ana",
        target_branch: str = "main",
        draft: bool = False,
        labels: Iterable[str] = (),
        milestone: str | None = None,
        at: datetime | None = None,
    ) -> MergeRequest:
        """Adds an open merge request."""
        with self.lock:
            items, moment = self.project(path).merge_requests, self._when(at)
            made = MergeRequest(next(self._ids), max(items, default=0) + 1, title, author, moment, moment)
            made.target_branch, made.draft, made.labels, made.milestone = target_branch, draft, list(labels), milestone
            items[made.iid] = made
            return made

    def add_issue(
        self,
        path: str,
        title: str = "Something is wrong",
        *,
        author: str = "ana",
        issue_type: str = "issue",
        labels: Iterable[str] = (),
        milestone: str | None = None,
        at: datetime | None = None,
    ) -> Issue:
        """Adds an open issue."""
        with self.lock:
            items, moment = self.project(path).issues, self._when(at)
            made = Issue(next(self._ids), max(items, default=0) + 1, title, author, moment, moment)
            made.issue_type, made.labels, made.milestone = issue_type, list(labels), milestone
            items[made.iid] = made
            return made

    def add_release(
        self,
        path: str,
        tag: str,
        *,
        author: str = "ana",
        name: str | None = None,
        milestones: Iterable[str] = (),
        released_at: datetime | None = None,
        at: datetime | None = None,
    ) -> Release:
        """Adds a release that is created at `at`. A release with a later `released_at` is upcoming."""
        with self.lock:
            moment = self._when(at)
            release = Release(tag, author, moment, released_at or moment, name, list(milestones))
            self.project(path).releases[tag] = release
            return release

    def deploy(
        self,
        path: str,
        environment: str = "production",
        *,
        status: Literal["created", "running", "success", "failed", "canceled", "blocked"] = "success",
        ref: str = "main",
        author: str = "ana",
        by_job: bool = True,
        at: datetime | None = None,
    ) -> Deployment:
        """Adds a deployment. If it is finished, its start and end have the same time."""
        with self.lock:
            project, moment = self.project(path), self._when(at)
            project.environments.setdefault(environment, next(self._ids))
            iid = max(project.deployments, default=0) + 1
            made = Deployment(next(self._ids), iid, environment, author, moment, moment, ref=ref, by_job=by_job)
            project.deployments[iid] = made
            self.set_deployment(path, iid, status, at=moment)
            return made

    # -- changing things

    def merge(self, path: str, iid: int, *, at: datetime | None = None) -> None:
        """Merges a merge request."""
        with self.lock:
            item, moment = self.project(path).merge_requests[iid], self._when(at)
            item.state, item.merged_at = "merged", moment
            self._touch(item, moment)

    def close(self, path: str, iid: int, *, kind: str = "issues", at: datetime | None = None) -> None:
        """Closes an issue. With `kind="merge_requests"`, closes a merge request without merging it."""
        with self.lock:
            item, moment = self._item(path, kind, iid), self._when(at)
            item.state, item.closed_at = "closed", moment
            self._touch(item, moment)

    def reopen(self, path: str, iid: int, *, at: datetime | None = None) -> None:
        """Reopens an issue."""
        with self.lock:
            item = self._item(path, "issues", iid)
            item.state, item.closed_at = "opened", None
            self._touch(item, self._when(at))

    def close_as_duplicate(self, path: str, iid: int, of: int, *, at: datetime | None = None) -> None:
        """Closes an issue as a duplicate of another issue in its project."""
        with self.lock:
            project = self.project(path)
            project.issues[iid].duplicate_of = (project.id, of)
            self.close(path, iid, at=at)

    def move_issue(self, path: str, iid: int, to: str, *, at: datetime | None = None) -> Issue:
        """Closes an issue, and opens a copy in the project `to`."""
        with self.lock:
            former = self.project(path).issues[iid]
            moved = self.add_issue(to, former.title, author=former.author, labels=former.labels, at=former.created_at)
            former.moved_to = (self.project(to).id, moved.iid)
            self.close(path, iid, at=at)
            return moved

    def edit(self, path: str, iid: int, *, kind: str = "issues", at: datetime | None = None, **values: Any) -> None:
        """Sets the title, labels or milestone of an issue or a merge request. Without values, it only changes the time
        of the last update.
        """
        with self.lock:
            item = self._item(path, kind, iid)
            for name, value in values.items():
                _set(item, name, value)
            self._touch(item, self._when(at))

    def delete(self, path: str, iid: int | str, *, kind: str = "issues") -> None:
        """Deletes a row. `kind` is `merge_requests`, `issues`, `deployments` or `releases`. A release is given by its
        tag.
        """
        with self.lock:
            del getattr(self.project(path), kind)[iid]

    def set_deployment(self, path: str, iid: int, status: Any, *, at: datetime | None = None) -> None:
        """Sets the status of a deployment. When the deployment ends, its job ends too."""
        with self.lock:
            deployment, moment = self.project(path).deployments[iid], self._when(at)
            deployment.status, deployment.updated_at = status, max(deployment.updated_at, moment)
            deployment.finished_at = moment if status in ("success", "failed", "canceled") else None

    def set_project(self, path: str, **state: Any) -> None:
        """Sets the state of a project: `hidden`, `archived`, `off` and others."""
        with self.lock:
            for name, value in state.items():
                _set(self.project(path), name, frozenset(value) if name in ("closed", "off") else value)

    def move_project(self, path: str, to: str) -> None:
        """Renames a project, or moves it to another group; from now on its former path redirects."""
        with self.lock:
            project = self.project(path)
            self.renamed[project.path.lower()] = project.id
            self.renamed.pop(to.lower(), None)
            project.path = to

    def delete_project(self, path: str) -> None:
        """Deletes a project."""
        with self.lock:
            del self.projects[self.project(path).id]

    def _item(self, path: str, kind: str, iid: int) -> Item:
        project = self.project(path)
        return project.issues[iid] if kind == "issues" else project.merge_requests[iid]

    def _when(self, at: datetime | None) -> datetime:
        """The time `at`, or if it is None the time for a new change, in milliseconds like GitLab's times."""
        moment = at or self.clock.tick()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _touch(self, item: Item, moment: datetime) -> None:
        item.updated_at = max(item.updated_at, moment)


def _set(target: object, name: str, value: object) -> None:
    if not hasattr(target, name):
        raise ValueError(f"a {type(target).__name__} has no {name}")
    setattr(target, name, value)
