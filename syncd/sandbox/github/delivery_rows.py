"""GitHub's JSON for deployments, workflow runs, tags and commits, with every field that its schema requires. See
`item_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from syncd.sandbox.github.code import Pull, Repo, User
from syncd.sandbox.github.history import digest, merge_sha
from syncd.sandbox.github.pipeline import Deployment, Run, Status, Tag
from syncd.sandbox.github.repo_rows import WEB, node_id, time_text, user_row


def deployment_row(repo: Repo, deployment: Deployment, creator: User) -> dict[str, Any]:
    """The schema `deployment`."""
    api = f"@API@/repos/{repo.full_name}"
    me = f"{api}/deployments/{deployment.id}"
    return {
        "url": me,
        "id": deployment.id,
        "node_id": node_id("DE", deployment.id),
        "task": "deploy",
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": deployment.description,
        "created_at": time_text(deployment.created_at),
        "updated_at": time_text(deployment.updated_at),
        "statuses_url": me + "/statuses",
        "repository_url": api,
        "creator": user_row(creator),
        "sha": deployment.sha,
        "ref": deployment.ref,
        "payload": {},
        "transient_environment": False,
        "production_environment": deployment.environment.lower() == "production",
        "performed_via_github_app": None,
    }


def status_row(repo: Repo, deployment: Deployment, status: Status, creator: User) -> dict[str, Any]:
    """The schema `deployment-status`."""
    api = f"@API@/repos/{repo.full_name}"
    log = f"{WEB}/{repo.full_name}/actions/runs/{deployment.id}"
    return {
        "url": f"{api}/deployments/{deployment.id}/statuses/{status.id}",
        "id": status.id,
        "node_id": node_id("DES", status.id),
        "state": status.state,
        "creator": user_row(creator),
        "description": "",
        "environment": deployment.environment,
        "target_url": log,
        "created_at": time_text(status.created_at),
        "updated_at": time_text(status.created_at),
        "deployment_url": f"{api}/deployments/{deployment.id}",
        "repository_url": api,
        "environment_url": "",
        "log_url": log,
        "performed_via_github_app": None,
    }


def run_row(repo: Repo, run: Run, actor: User) -> dict[str, Any]:
    """The schema `workflow-run`."""
    api = f"@API@/repos/{repo.full_name}/actions"
    me, workflow = f"{api}/runs/{run.id}", int(digest(repo.id, run.name)[:6], 16)
    sha, file = digest(repo.id, "run", run.id), run.name.lower().replace(" ", "-")
    made = time_text(run.created_at)
    person = {"name": actor.login, "email": f"{actor.login}@acme.example"}
    urls = ("jobs", "logs", "artifacts", "cancel", "rerun")
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("WFR", run.id),
        "head_branch": run.branch,
        "head_sha": sha,
        "path": f".github/workflows/{file}.yml",
        "display_title": run.title,
        "run_number": run.number,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": workflow,
        "check_suite_id": run.id,
        "check_suite_node_id": node_id("CS", run.id),
        "url": me,
        "html_url": f"{WEB}/{repo.full_name}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": made,
        "updated_at": time_text(run.updated_at),
        "actor": user_row(actor),
        "triggering_actor": user_row(actor),
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "run_started_at": made,
        **{f"{name}_url": f"{me}/{name}" for name in urls},
        "check_suite_url": f"@API@/repos/{repo.full_name}/check-suites/{run.id}",
        "workflow_url": f"{api}/workflows/{workflow}",
        "previous_attempt_url": f"{me}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "head_commit": {
            "id": sha,
            "tree_id": digest(sha, "tree"),
            "message": run.title,
            "timestamp": made,
            "author": person,
            "committer": person,
        },
        "repository": "@REPO@",
        "head_repository": "@REPO@",
    }


def tag_sha(repo: Repo, tag: Tag) -> str:
    """The SHA that the tag's ref points to: that of the tag object if the tag is annotated, else that of the commit."""
    return digest(repo.id, "tag", tag.name, tag.serial) if tag.annotated else tag.sha


def ref_row(repo: Repo, tag: Tag) -> dict[str, Any]:
    """The schema `git-ref`."""
    api, sha = f"@API@/repos/{repo.full_name}/git", tag_sha(repo, tag)
    kind = "tag" if tag.annotated else "commit"
    return {
        "ref": f"refs/tags/{tag.name}",
        "node_id": node_id("REF", int(sha[:6], 16)),
        "url": f"{api}/refs/tags/{tag.name}",
        "object": {"sha": sha, "type": kind, "url": f"{api}/{kind}s/{sha}"},
    }


def tag_row(repo: Repo, tag: Tag) -> dict[str, Any]:
    """The schema `git-tag`, for an annotated tag."""
    api, sha = f"@API@/repos/{repo.full_name}/git", tag_sha(repo, tag)
    return {
        "node_id": node_id("TA", int(sha[:6], 16)),
        "tag": tag.name,
        "sha": sha,
        "url": f"{api}/tags/{sha}",
        "message": tag.message,
        "tagger": _person("ana", tag.tagged_at),
        "object": {"sha": tag.sha, "type": "commit", "url": f"{api}/commits/{tag.sha}"},
        "verification": _UNSIGNED,
    }


def git_commit_row(repo: Repo, sha: str, date: datetime) -> dict[str, Any]:
    """The schema `git-commit`."""
    api = f"@API@/repos/{repo.full_name}/git"
    return {
        "sha": sha,
        "node_id": node_id("C", int(sha[:6], 16)),
        "url": f"{api}/commits/{sha}",
        "html_url": f"{WEB}/{repo.full_name}/commit/{sha}",
        "author": _person("ana", date),
        "committer": _person("ana", date),
        "tree": {"sha": digest(sha, "tree"), "url": f"{api}/trees/{digest(sha, 'tree')}"},
        "message": "Change something",
        "parents": [],
        "verification": _UNSIGNED,
    }


def commit_row(repo: Repo, sha: str, date: datetime, author: User) -> dict[str, Any]:
    """The schema `commit`, as lists show it."""
    api = f"@API@/repos/{repo.full_name}"
    row = git_commit_row(repo, sha, date)
    names = ("author", "committer", "message", "tree", "url", "verification")
    commit = {name: row[name] for name in names} | {"comment_count": 0}
    return {
        "sha": sha,
        "node_id": row["node_id"],
        "commit": commit,
        "url": f"{api}/commits/{sha}",
        "html_url": row["html_url"],
        "comments_url": f"{api}/commits/{sha}/comments",
        "author": user_row(author),
        "committer": user_row(author),
        "parents": [],
    }


def pull_commits(repo: Repo, pull: Pull) -> Sequence[dict[str, Any]]:
    """The commits of a pull request, oldest first. GitHub lists at most 250 commits."""
    shas = [digest(merge_sha(repo, pull), number) for number in range(len(pull.committed))]
    return [commit_row(repo, sha, date, pull.author) for sha, date in zip(shas, pull.committed, strict=True)][:250]


def comparison_row(
    repo: Repo,
    base: str,
    head: str,
    ahead: int,
    behind: int,
    commits: Sequence[dict[str, Any]],
    based_on: dict[str, Any],
) -> dict[str, Any]:
    """The schema `commit-comparison`."""
    api, page = (
        f"@API@/repos/{repo.full_name}/compare/{base}...{head}",
        f"{WEB}/{repo.full_name}/compare/{base}...{head}",
    )
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}.get((ahead > 0, behind > 0))
    return {
        "url": api,
        "html_url": page,
        "permalink_url": page,
        "diff_url": page + ".diff",
        "patch_url": page + ".patch",
        "base_commit": based_on,
        "merge_base_commit": based_on,
        "status": status or "identical",
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": commits,
        "files": [],
    }


def _person(login: str, date: datetime | None) -> dict[str, Any]:
    return {"name": login, "email": f"{login}@acme.example", "date": time_text(date)}


_UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
