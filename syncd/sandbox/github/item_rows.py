"""GitHub's JSON for issues, pull requests and releases, with every field that its published OpenAPI schema requires.

A row is made once and stored as bytes. The JSON contains two placeholders, which each response fills in. `@API@` stands
for the service's address as the client wrote it. `"@REPO@"` stands for the repository's object, which every pull
request contains twice. With the placeholders, a page of a hundred pull requests (1.5 MB) takes a few milliseconds.
"""

from __future__ import annotations

import hashlib
from typing import Any

from syncd.sandbox.github.code import Comment, Issue, Item, Pull, Release, Repo, User
from syncd.sandbox.github.history import merge_sha
from syncd.sandbox.github.repo_rows import WEB, node_id, node_id_within, repo_bytes, time_text, user_row
from syncd.sandbox.http import compact_json


def item_bytes(repo: Repo, item: Item, kind: str) -> bytes:
    """The item's row in a list of issues (`kind` "issue") or of pull requests ("pull"), cached until the item
    changes.
    """
    row = item.rows.get(kind)
    if row is None:
        made = pull_row(repo, item) if kind == "pull" and isinstance(item, Pull) else issue_row(repo, item)
        row = item.rows[kind] = compact_json(made)
    return row


def issue_row(repo: Repo, item: Item) -> dict[str, Any]:
    """The row of an issue, or of a pull request in a list of issues."""
    api, number = f"@API@/repos/{repo.full_name}", item.number
    me = f"{api}/issues/{number}"
    noun = "pull" if isinstance(item, Pull) else "issues"
    row = {
        "url": me,
        "repository_url": api,
        "labels_url": me + "/labels{/name}",
        "comments_url": me + "/comments",
        "events_url": me + "/events",
        "timeline_url": me + "/timeline",
        "html_url": f"{WEB}/{repo.full_name}/{noun}/{number}",
        "id": item.issue_id if isinstance(item, Pull) else item.id,
        "node_id": node_id_within(repo, "PR" if isinstance(item, Pull) else "I", item.id),
        "comments": len(item.comments),
        **_shared(repo, item),
        "closed_by": None,
        "performed_via_github_app": None,
        "reactions": _reactions(me),
        "state_reason": item.state_reason if isinstance(item, Issue) else None,
        "type": type_row(repo, item.type) if isinstance(item, Issue) and item.type else None,
    }
    if isinstance(item, Pull):
        page = f"{WEB}/{repo.full_name}/pull/{number}"
        row["draft"] = item.draft
        row["pull_request"] = {
            "url": f"{api}/pulls/{number}",
            "html_url": page,
            "diff_url": page + ".diff",
            "patch_url": page + ".patch",
            "merged_at": time_text(item.merged_at),
        }
    return row


def pull_row(repo: Repo, pull: Pull) -> dict[str, Any]:
    """The row of a pull request in a list of pull requests: the schema `pull-request-simple`."""
    api, page = f"@API@/repos/{repo.full_name}", f"{WEB}/{repo.full_name}/pull/{pull.number}"
    me, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    sha = merge_sha(repo, pull)
    author, owner = user_row(pull.author), User(1, repo.owner)

    def branch(name: str) -> dict[str, Any]:
        label = f"{repo.owner}:{name}"
        return {"label": label, "ref": name, "sha": sha, "user": user_row(owner), "repo": "@REPO@"}

    urls = {
        "self": me,
        "html": page,
        "issue": issue,
        "comments": issue + "/comments",
        "review_comments": me + "/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": me + "/commits",
        "statuses": f"{api}/statuses/{sha}",
    }
    return {
        "url": me,
        "id": pull.id,
        "node_id": node_id_within(repo, "PR", pull.id),
        "html_url": page,
        "diff_url": page + ".diff",
        "patch_url": page + ".patch",
        "issue_url": issue,
        **_shared(repo, pull),
        "user": author,
        "merged_at": time_text(pull.merged_at),
        "merge_commit_sha": sha if pull.state == "open" or pull.merged_at else None,
        "requested_reviewers": [],
        "requested_teams": [],
        "draft": pull.draft,
        **{f"{name}_url": url for name, url in urls.items() if name not in ("self", "html", "issue")},
        "head": branch(pull.head or f"{pull.author.login.removesuffix('[bot]')}/change-{pull.number}"),
        "base": branch(pull.base),
        "_links": {name: {"href": url} for name, url in urls.items()},
        "auto_merge": None,
    }


def full_pull_row(repo: Repo, pull: Pull) -> dict[str, Any]:
    """The JSON of a pull request at its own address, with the fields that lists omit."""
    merged = pull.merged_at is not None
    return pull_row(repo, pull) | {
        "merged": merged,
        "mergeable": None if merged else True,
        "rebaseable": None if merged else True,
        "mergeable_state": "unknown" if merged else "clean",
        "merged_by": user_row(pull.author) if merged else None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        **dict.fromkeys(("commits", "additions", "deletions", "changed_files"), 1),
    }


def release_row(repo: Repo, release: Release) -> dict[str, Any]:
    """The schema `release`."""
    api, page = f"@API@/repos/{repo.full_name}/releases/{release.id}", f"{WEB}/{repo.full_name}/releases"
    source = f"@API@/repos/{repo.full_name}"
    return {
        "url": api,
        "assets_url": api + "/assets",
        "upload_url": f"https://uploads.github.example/repos/{repo.full_name}/releases/{release.id}/assets{{?name,label}}",
        "html_url": f"{page}/tag/{release.tag}",
        "id": release.id,
        "author": user_row(release.author),
        "node_id": node_id_within(repo, "RE", release.id),
        "tag_name": release.tag,
        "target_commitish": "main",
        "name": release.tag,
        "draft": release.draft,
        "immutable": False,
        "prerelease": release.prerelease,
        "created_at": time_text(release.created_at),
        "updated_at": time_text(release.published_at or release.created_at),
        "published_at": time_text(release.published_at),
        "assets": [],
        "tarball_url": f"{source}/tarball/{release.tag}",
        "zipball_url": f"{source}/zipball/{release.tag}",
        "body": "",
    }


def filled(body: bytes, api: str, repo: Repo | None = None, owner: User | None = None) -> bytes:
    """The body with its placeholders replaced, ready to send."""
    base = api.encode()
    body = body.replace(b"@API@", base)
    if repo is not None and owner is not None and b'"@REPO@"' in body:
        body = body.replace(b'"@REPO@"', repo_bytes(repo, owner).replace(b"@API@", base))
    return body


def _shared(repo: Repo, item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "state": item.state,
        "locked": False,
        "active_lock_reason": None,
        "title": item.title,
        "user": user_row(item.author),
        "body": item.body,
        "labels": [label_row(repo, name) for name in item.labels],
        "milestone": _milestone(repo, item),
        "assignee": None,
        "assignees": [],
        "author_association": _association(item.author),
        "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at),
        "closed_at": time_text(item.closed_at),
    }


def comment_row(repo: Repo, item: Item, comment: Comment) -> dict[str, Any]:
    """The schema `issue-comment`."""
    api, me = f"@API@/repos/{repo.full_name}", f"@API@/repos/{repo.full_name}/issues/comments/{comment.id}"
    noun = "pull" if isinstance(item, Pull) else "issues"
    return {
        "url": me,
        "html_url": f"{WEB}/{repo.full_name}/{noun}/{item.number}#issuecomment-{comment.id}",
        "issue_url": f"{api}/issues/{item.number}",
        "id": comment.id,
        "node_id": node_id("IC", comment.id),
        "user": user_row(comment.author),
        "created_at": time_text(comment.created_at),
        "updated_at": time_text(comment.updated_at),
        "author_association": _association(comment.author),
        "body": comment.body,
        "reactions": _reactions(me),
        "performed_via_github_app": None,
    }


def label_row(repo: Repo, name: str) -> dict[str, Any]:
    """The schema `label`."""
    number = int(hashlib.sha1(f"{repo.id}/{name}".encode(), usedforsecurity=False).hexdigest()[:8], 16)
    url = f"@API@/repos/{repo.full_name}/labels/{name}"
    _, color = repo.labels.get(name.lower(), (name, "d73a4a"))
    text = {"name": name, "color": color, "default": False, "description": None}
    return {"id": number, "node_id": node_id("LA", number), "url": url, **text}


def type_row(repo: Repo, name: str) -> dict[str, Any]:
    """The schema `issue-type`."""
    number = int(hashlib.sha1(f"{repo.owner}/{name}".encode(), usedforsecurity=False).hexdigest()[:6], 16)
    made = time_text(repo.created_at)
    row = {"id": number, "node_id": node_id("IT", number), "name": name, "description": None, "color": "blue"}
    return row | {"created_at": made, "updated_at": made, "is_enabled": True}


def _milestone(repo: Repo, item: Item) -> dict[str, Any] | None:
    if item.milestone is None:
        return None
    url, page = f"@API@/repos/{repo.full_name}/milestones/1", f"{WEB}/{repo.full_name}/milestone/1"
    made = time_text(repo.created_at)
    return {
        "url": url,
        "html_url": page,
        "labels_url": url + "/labels",
        "id": repo.id + 1,
        "node_id": node_id("MI", repo.id + 1),
        "number": 1,
        "title": item.milestone,
        "description": None,
        "creator": None,
        "open_issues": 0,
        "closed_issues": 0,
        "state": "open",
        "created_at": made,
        "updated_at": made,
        "due_on": None,
        "closed_at": None,
    }


def _association(author: User) -> str:
    return "MEMBER" if author.kind == "User" else "CONTRIBUTOR"


def _reactions(url: str) -> dict[str, Any]:
    faces = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": url + "/reactions", "total_count": 0, **dict.fromkeys(faces, 0)}
