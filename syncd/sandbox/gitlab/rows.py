"""The rows of GitLab's lists, written by hand from docs.gitlab.com: "Merge requests API", "Issues API", "Releases API",
"Deployments API", "Projects API".
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from syncd.sandbox.gitlab.project import Deployment, Issue, Item, MergeRequest, Project, Release

FEATURES = ("merge_requests", "issues", "releases", "environments")


def stamp(moment: datetime | None) -> str | None:
    """A time in GitLab's format."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def user(name: str, base: str) -> dict[str, Any]:
    """An account."""
    id_ = int(hashlib.sha256(name.encode()).hexdigest()[:5], 16)
    about = {"id": id_, "username": name, "name": name.capitalize(), "state": "active", "locked": False}
    return {**about, "avatar_url": None, "web_url": f"{base}/{name}"}


def project_row(project: Project, base: str) -> dict[str, Any]:
    """A project."""
    group, _, name = project.path.rpartition("/")
    api = f"{base}/api/v4/projects/{project.id}"
    levels = {f"{name}_access_level": "disabled" if name in project.off else "enabled" for name in FEATURES}
    row: dict[str, Any] = {
        "id": project.id,
        "description": None,
        "name": name,
        "name_with_namespace": project.path.replace("/", " / "),
        "path": name,
        "path_with_namespace": project.path,
        "created_at": stamp(project.created_at),
        "default_branch": "main",
        "web_url": f"{base}/{project.path}",
        "namespace": {
            "id": len(group), "name": group.rpartition("/")[2], "path": group.rpartition("/")[2], "kind": "group",
            "full_path": group, "parent_id": None, "avatar_url": None, "web_url": f"{base}/groups/{group}",
        },
        "_links": {"self": api, "issues": f"{api}/issues", "merge_requests": f"{api}/merge_requests"},
        "archived": project.archived,
        "visibility": "private",
        **levels,
    }  # fmt: skip
    if project.fork:
        row["forked_from_project"] = {"id": 1, "path_with_namespace": f"upstream/{name}"}
    return row


def _item_row(project: Project, item: Item, base: str, kind: str, sign: str) -> dict[str, Any]:
    reference = f"{sign}{item.iid}"
    milestone = None if item.milestone is None else {"id": 1, "iid": 1, "title": item.milestone, "state": "active"}
    return {
        "id": item.id,
        "iid": item.iid,
        "project_id": project.id,
        "title": item.title,
        "description": "What and why, in a few words.",
        "state": item.state,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
        "closed_at": stamp(item.closed_at),
        "closed_by": user(item.author, base) if item.closed_at else None,
        "labels": list(item.labels),
        "milestone": milestone,
        "assignees": [],
        "assignee": None,
        "author": user(item.author, base),
        "user_notes_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "references": {"short": reference, "relative": reference, "full": f"{project.path}{reference}"},
        "web_url": f"{base}/{project.path}/-/{kind}/{item.iid}",
        "task_completion_status": {"count": 0, "completed_count": 0},
    }


def merge_request_row(project: Project, item: MergeRequest, base: str) -> dict[str, Any]:
    """A merge request in a list."""
    return _item_row(project, item, base, "merge_requests", "!") | {
        "merged_at": stamp(item.merged_at),
        "merge_user": user(item.author, base) if item.merged_at else None,
        "target_branch": item.target_branch,
        "source_branch": f"change-{item.iid}",
        "source_project_id": project.id,
        "target_project_id": project.id,
        "draft": item.draft,
        "work_in_progress": item.draft,
        "sha": hashlib.sha256(str(item.id).encode()).hexdigest()[:40],
        "detailed_merge_status": "not_open" if item.merged_at else "mergeable",
        "squash": False,
        "has_conflicts": False,
    }


def issue_row(project: Project, item: Issue, base: str) -> dict[str, Any]:
    """An issue in a list."""
    api = f"{base}/api/v4/projects"
    links: dict[str, Any] = {
        "self": f"{api}/{project.id}/issues/{item.iid}",
        "project": f"{api}/{project.id}",
        "closed_as_duplicate_of": None,
    }
    if item.duplicate_of:
        links["closed_as_duplicate_of"] = f"{api}/{item.duplicate_of[0]}/issues/{item.duplicate_of[1]}"
    return _item_row(project, item, base, "issues", "#") | {
        "issue_type": item.issue_type,
        "type": item.issue_type.upper(),
        "confidential": False,
        "due_date": None,
        "has_tasks": False,
        "moved_to_id": item.moved_to[1] if item.moved_to else None,
        "_links": links,
    }


def release_row(project: Project, release: Release, base: str, now: datetime) -> dict[str, Any]:
    """A release in a list. The key `milestones` is left out if there are none."""
    page = f"{base}/{project.path}/-/releases/{release.tag}"
    milestones = [{"id": number, "iid": number, "title": title} for number, title in enumerate(release.milestones, 1)]
    return {
        "name": release.name,
        "tag_name": release.tag,
        "description": "What is new.",
        "created_at": stamp(release.created_at),
        "released_at": stamp(release.released_at),
        "upcoming_release": release.released_at > now,
        "author": user(release.author, base),
        "commit_path": f"/{project.path}/-/commit/1",
        "tag_path": f"/{project.path}/-/tags/{release.tag}",
        "assets": {"count": 0, "sources": [], "links": []},
        "_links": {"self": page, "edit_url": f"{page}/edit"},
        **({"milestones": milestones} if milestones else {}),
    }


def deployment_row(project: Project, deployment: Deployment, base: str) -> dict[str, Any]:
    """A deployment in a list."""
    job = {
        "id": deployment.id + 1,
        "name": "deploy",
        "stage": "deploy",
        "status": deployment.status,
        "ref": deployment.ref,
        "tag": False,
        "coverage": None,
        "created_at": stamp(deployment.created_at),
        "started_at": stamp(deployment.created_at),
        "finished_at": stamp(deployment.finished_at),
        "runner": None,
        "web_url": f"{base}/{project.path}/-/jobs/{deployment.id + 1}",
    }
    return {
        "id": deployment.id,
        "iid": deployment.iid,
        "ref": deployment.ref,
        "sha": hashlib.sha256(str(deployment.id).encode()).hexdigest()[:40],
        "created_at": stamp(deployment.created_at),
        "updated_at": stamp(deployment.updated_at),
        "status": deployment.status,
        "user": user(deployment.author, base),
        "environment": {
            "id": project.environments[deployment.environment],
            "name": deployment.environment,
            "slug": deployment.environment,
            "external_url": None,
        },
        "deployable": job if deployment.by_job else None,
    }
