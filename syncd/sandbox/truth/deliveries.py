"""Computes the time at which each pull request of a repository was deployed, from the company's own commits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from syncd.sandbox.github.code import Pull, Repo
from syncd.sandbox.github.history import merge_sha, reachable
from syncd.sandbox.github.repo_rows import time_text


def delivered(repo: Repo, environment: str = "production") -> dict[int, datetime | None]:
    """The time of the first successful deployment of each merged pull request, by the pull request's number; None if it
    was not deployed.
    """
    contents = sorted(
        (min(successes), reachable(repo, deployment.sha))
        for deployment in repo.deployments.values()
        if deployment.environment.lower() == environment.lower()
        and (successes := [status.created_at for status in deployment.statuses if status.state == "success"])
    )
    return {
        item.number: next((at for at, commits in contents if merge_sha(repo, item) in commits), None)
        for item in repo.items.values()
        if isinstance(item, Pull) and item.merged_at is not None
    }


def deliveries(repos: Iterable[Repo]) -> dict[str, Any]:
    """As JSON: the time of each pull request's first deployment to production, for each repository with deployments."""
    deploying = [repo for repo in repos if repo.deployments]
    return {
        repo.full_name: {str(number): time_text(at) for number, at in delivered(repo).items()} for repo in deploying
    }
