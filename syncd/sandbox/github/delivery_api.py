"""Answers requests to the addresses of a repository's deployments, workflow runs, tags and commits.

Shapes and limits follow GitHub's OpenAPI description.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.sandbox.github import delivery_rows as rows
from syncd.sandbox.github.answers import error, ok, page
from syncd.sandbox.github.code import Pull, Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.github.history import between, commit_dates
from syncd.sandbox.github.pipeline import Run
from syncd.sandbox.http import Request, Response, compact_json

MOST_RUNS = 1000
"""The most runs that a filtered list returns, even if its total is larger."""

PERMISSIONS: Mapping[str, str] = {
    "deployments": "deployments",
    "actions": "actions",
    "git": "contents",
    "compare": "contents",
}
"""The permission that each address needs, by the first part of its path."""


class Deliveries:
    """Answers one request. The caller must have checked the request's permissions."""

    def __init__(self, request: Request, host: CodeHost, repo: Repo) -> None:
        self._request = request
        self._host = host
        self._repo = repo

    def answer(self, path: list[str]) -> Response:
        """`path` holds the parts that follow the repository's name."""
        match path:
            case ["deployments"]:
                return self._deployments()
            case ["deployments", id, "statuses"] if id.isdigit() and int(id) in self._repo.deployments:
                return self._statuses(int(id))
            case ["actions", "runs"]:
                return self._runs()
            case ["actions", "runs", id] if id.isdigit() and int(id) in self._repo.runs:
                run = self._repo.runs[int(id)]
                return self._ok(rows.run_row(self._repo, run, self._host.user(run.actor)))
            case ["git", "matching-refs", "tags"]:
                if self._repo.empty:
                    return error(409, "Git Repository is empty.")
                return self._ok([rows.ref_row(self._repo, tag) for _, tag in sorted(self._repo.tags.items())])
            case ["git", "tags", sha]:
                tags = [tag for tag in self._repo.tags.values() if tag.annotated]
                annotated = next((tag for tag in tags if rows.tag_sha(self._repo, tag) == sha), None)
                return self._ok(rows.tag_row(self._repo, annotated)) if annotated else error(404, "Not Found")
            case ["git", "commits", sha]:
                date = commit_dates(self._repo).get(sha)
                return self._ok(rows.git_commit_row(self._repo, sha, date)) if date else error(404, "Not Found")
            case ["compare", basehead]:
                return self._comparison(*basehead.partition("...")[::2])
            case ["pulls", number, "commits"] if number.isdigit():
                pull = self._repo.items.get(int(number))
                if isinstance(pull, Pull):
                    return self._page(rows.pull_commits(self._repo, pull), compact_json, f"pulls/{number}/commits")
        return error(404, "Not Found")

    def _deployments(self) -> Response:
        asked = {name: self._request.param(name) for name in ("sha", "ref", "task", "environment")}
        listed = [
            row
            for deployment in self._repo.deployments.values()
            for row in [rows.deployment_row(self._repo, deployment, self._host.user(deployment.creator))]
            if all(not value or row[name] == value for name, value in asked.items())
        ]
        listed.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
        return self._page(listed, compact_json, "deployments")

    def _statuses(self, id: int) -> Response:
        deployment = self._repo.deployments[id]
        creator = self._host.user(deployment.creator)
        listed = [rows.status_row(self._repo, deployment, status, creator) for status in deployment.statuses[::-1]]
        return self._page(listed, compact_json, f"deployments/{id}/statuses")

    def _runs(self) -> Response:
        try:
            first, last = _span(self._request.param("created"))
        except ValueError:
            return error(422, "Validation Failed", errors=[{"field": "created", "code": "invalid"}])
        asked = {"branch": self._request.param("branch"), "event": self._request.param("event")}
        runs = [
            run
            for run in self._repo.runs.values()
            if first <= run.created_at <= last
            and all(not value or getattr(run, name) == value for name, value in asked.items())
        ]
        runs.sort(key=lambda run: (run.created_at, run.id), reverse=True)
        is_filtered = any((*asked.values(), self._request.param("created")))

        def row(run: Run) -> bytes:
            return compact_json(rows.run_row(self._repo, run, self._host.user(run.actor)))

        shown = runs[:MOST_RUNS] if is_filtered else runs
        return self._page(shown, row, "actions/runs", ("workflow_runs", len(runs)))

    def _comparison(self, base: str, head: str) -> Response:
        dates = commit_dates(self._repo)
        if base not in dates or head not in dates:
            return error(404, "Not Found")
        ahead, behind = between(self._repo, base, head), between(self._repo, head, base)
        size = int(self._request.param("per_page") or 250)
        number = int(self._request.param("page") or 1)

        def row(sha: str) -> dict[str, Any]:
            return rows.commit_row(self._repo, sha, dates[sha], self._host.user("ana"))

        shown = [row(sha) for sha in ahead[(number - 1) * size : number * size]]
        answer = rows.comparison_row(self._repo, base, head, len(ahead), len(behind), shown, row(base))
        links = self._page(list(ahead), lambda sha: compact_json(sha), f"compare/{base}...{head}").headers
        answered = self._ok(answer)
        return Response(200, answered.body, {**answered.headers, **{k: v for k, v in links.items() if k == "Link"}})

    def _ok(self, row: Any) -> Response:
        return ok(self._request, row, self._host, self._repo)

    def _page(
        self, listed: Any, row: Callable[[Any], bytes], tail: str, within: tuple[str, int] | None = None
    ) -> Response:
        address = f"{self._request.base}/repositories/{self._repo.id}/{tail}"
        return page(self._request, listed, row, address, self._repo, self._host, within)


def _span(created: str) -> tuple[datetime, datetime]:
    """The first and the last moment that a date search matches: `A..B`, `>=A`, `A..*`, or an empty text for all
    moments.
    """
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    if created.startswith(">="):
        return datetime.fromisoformat(created[2:].replace(" ", "+")), latest
    first, dots, last = created.replace(" ", "+").partition("..")
    if not dots:
        if created:
            day = datetime.fromisoformat(first)
            return day, day + timedelta(days=1)
        return earliest, latest
    return (
        earliest if first == "*" else datetime.fromisoformat(first),
        latest if last == "*" else datetime.fromisoformat(last),
    )
