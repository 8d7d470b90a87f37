"""The contract of every connector, for those that ship: against the sandbox, through their real libraries.

Of suites that run for each connector one is measured for coverage: it costs as much time again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scripted_api import Asked, serving

from connectors.github import GitHub
from connectors.gitlab import GitLab
from connectors.http import Http
from connectors.jira import Jira
from connectors.sheets import Sheets
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, typed
from syncd.sandbox.world import World
from syncd.sdk.testing import SourceContract

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
BOOK, PROJECT = "1Contract", "LAB"


def deliver(world: World) -> None:
    """Two pages of workflow runs; deployments, tags and pull requests enough for several requests of each pull."""
    code = world.github
    for repo in ("acme/runs", "acme/tags", "acme/deployments"):
        code.add_repo(repo)
    for number in range(101):
        code.add_run("acme/runs", at=START + timedelta(minutes=number), done=START + timedelta(minutes=number + 5))
    for number in range(5):
        at = START + timedelta(hours=number)
        code.merge_pull("acme/deployments", code.add_pull("acme/deployments", at=at).number, at=at)
        code.deploy("acme/deployments", at=at, state=("success", "failure", "inactive")[number % 3])
        code.tag("acme/tags", f"v{number}", annotated=number % 2 == 0, at=at)


@pytest.fixture(scope="module")
def world() -> World:
    """More than one page of everything that has pages. No test changes it."""
    world = World(DEMO_NOW)
    for site in (world.jira, world.jira_dc):
        site.page_cap = 10
        site.add_project(PROJECT, "Lab")
        for number in range(12):
            key = site.create(PROJECT, "Task", points=number / 2, at=START + timedelta(hours=number)).key
            site.transition(key, "Done", at=START + timedelta(hours=number + 1))
    for what in ("pulls", "issues", "releases"):
        world.github.add_repo(f"acme/{what}")
    for number in range(101):
        at = START + timedelta(minutes=number)
        world.github.merge_pull("acme/pulls", world.github.add_pull("acme/pulls", at=at).number, at=at)
        world.github.close_issue("acme/issues", world.github.add_issue("acme/issues", at=at).number, at=at)
        world.github.add_release("acme/releases", f"v{number}", at=at)
    deliver(world)
    for what in ("merges", "issues", "releases", "inner/deployments"):
        world.gitlab.add_project(f"acme/{what}")
    for number in range(101):
        at = START + timedelta(minutes=number)
        world.gitlab.merge("acme/merges", world.gitlab.add_merge_request("acme/merges", at=at).iid, at=at)
        world.gitlab.close("acme/issues", world.gitlab.add_issue("acme/issues", at=at).iid, at=at)
        world.gitlab.add_release("acme/releases", f"v{number}", at=at)
        world.gitlab.deploy("acme/inner/deployments", at=at)
    rows = [[typed("Week"), typed("Calls")], [typed("2026-10-05"), typed(1200.0)], [typed("2026-10-12"), typed(0.0)]]
    world.sheets.add(Spreadsheet(BOOK, "Numbers", public=True, sheets=[Sheet(1, "Support", rows)]))
    world.metrics.uptime = {(START + timedelta(days=day)).date(): 99.0 + day / 10 for day in range(5)}
    return world


@pytest.fixture(scope="class")
def company(world: World) -> Iterator[Sandbox]:
    """It serves this world; each suite uses up the quota of its own."""
    with Sandbox(world, "127.0.0.1", 0).running() as box:
        yield box


@pytest.mark.unmeasured
class _GitHub(SourceContract):
    connector = GitHub
    secrets = (Credentials.github,)
    libraries = ("github", "requests")

    @pytest.fixture
    def upstream(self, company: Sandbox) -> str:
        return company.github_url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": Credentials.github}


@pytest.mark.whole
class TestGitHubPulls(_GitHub):
    measure = {"what": "merged_pull_requests", "repo": "acme/pulls"}


@pytest.mark.sibling
class TestGitHubIssues(_GitHub):
    measure = {"what": "closed_issues", "repo": "acme/issues"}


@pytest.mark.sibling
class TestGitHubReleases(_GitHub):
    measure = {"what": "releases", "repo": "acme/*"}


@pytest.mark.sibling
class TestGitHubTags(_GitHub):
    measure = {"what": "tags", "repo": "acme/tags"}


@pytest.mark.sibling
class TestGitHubDeployments(_GitHub):
    measure = {"what": "deployments", "repo": "acme/deployments"}


@pytest.mark.sibling
class TestGitHubWorkflowRuns(_GitHub):
    measure = {"what": "workflow_runs", "repo": "acme/runs"}


@pytest.mark.sibling
class TestGitHubDeployedPulls(_GitHub):
    measure = {"what": "deployed_pull_requests", "repo": "acme/deployments"}
    needs = ("lead_time",)


@pytest.mark.unmeasured
class _GitLab(SourceContract):
    connector = GitLab
    secrets = (Credentials.gitlab,)
    libraries = ("httpx",)

    @pytest.fixture
    def upstream(self, company: Sandbox) -> str:
        return company.gitlab_url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": Credentials.gitlab}


@pytest.mark.sibling
class TestGitLabMergeRequests(_GitLab):
    measure = {"what": "merged_merge_requests", "project": "acme/merges"}


@pytest.mark.sibling
class TestGitLabIssues(_GitLab):
    measure = {"what": "closed_issues", "project": "acme/issues"}


@pytest.mark.sibling
class TestGitLabReleases(_GitLab):
    measure = {"what": "releases", "project": "acme/*"}


@pytest.mark.sibling
class TestGitLabDeployments(_GitLab):
    measure = {"what": "deployments", "project": "acme/*"}


@pytest.mark.unmeasured
class TestJiraCloud(SourceContract):
    connector = Jira
    measure = {"jql": f"project = {PROJECT}"}
    needs = ("type", "Story Points", "lead_time", "cycle_time")
    secrets = (Credentials.jira_token,)
    libraries = ("jira", "requests")

    @pytest.fixture
    def upstream(self, company: Sandbox) -> str:
        return company.jira_url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "email": Credentials.jira_email, "token": Credentials.jira_token}


@pytest.mark.sibling
class TestJiraDataCenter(TestJiraCloud):
    secrets = (Credentials.jira_pat,)

    @pytest.fixture
    def upstream(self, company: Sandbox) -> str:
        return company.jira_dc_url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": Credentials.jira_pat}


class TestSheets(SourceContract):
    """By an API key: a header that requests, unlike Authorization, would take along to another host."""

    connector = Sheets
    measure = {"spreadsheet": BOOK, "series": {"dates": "Week", "values": "Calls"}}
    secrets = (Credentials.google_api_key,)
    libraries = ("gspread", "google", "requests")

    @pytest.fixture
    def upstream(self, company: Sandbox) -> str:
        return company.sheets_url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "api_key": Credentials.google_api_key}


@pytest.mark.unmeasured
class TestHttp(SourceContract):
    connector = Http
    measure = {"path": "/v1/uptime", "json": "points[].[day, uptime]"}
    secrets = (Credentials.metrics_key,)
    libraries = ("httpx",)

    @pytest.fixture
    def upstream(self, company: Sandbox) -> str:
        return company.metrics_url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "headers": {"X-Api-Key": Credentials.metrics_key}}


@pytest.mark.sibling
@pytest.mark.unmeasured
class TestGraphQl(SourceContract):
    """Its POST is a read: it is tried again like any other, page by page."""

    connector = Http
    measure = {
        "path": "/graphql",
        "graphql": "query ($after: String) { calls(after: $after) { nodes { day n } pageInfo { endCursor } } }",
        "json": "data.calls.nodes[].[day, n]",
        "pages": {"next": "data.calls.pageInfo.endCursor", "param": "after"},
    }
    secrets = (Credentials.metrics_key,)
    libraries = ("httpx", "graphql")

    @pytest.fixture(scope="class")
    def upstream(self) -> Iterator[str]:
        def answer(asked: Asked) -> Any:
            if asked.headers.get("authorization") != f"Bearer {Credentials.metrics_key}":
                return 401, {"message": "no"}, {}
            page = int((asked.body or {"variables": {}})["variables"].get("after", 0))
            nodes = [{"day": f"2026-10-{page * 3 + day:02}", "n": day} for day in (1, 2, 3)]
            return {"data": {"calls": {"nodes": nodes, "pageInfo": {"endCursor": str(page + 1) if page < 2 else None}}}}

        with serving(answer) as api:
            yield api.url

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": Credentials.metrics_key}
