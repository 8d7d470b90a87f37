"""`run`, `serve` and `mcp` of one workspace of a deployment: nothing of another is there."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from test_run import answers, running
from test_workspaces import NAMES, write_deployment
from waiting import HANG, wait_for

from syncd.web.operations import OPERATIONS

pytestmark = pytest.mark.unmeasured

PAGES = ["", "objectives/{}-service", "key-results/calls", "key-results/calls/evidence.csv", "reviews/week"]
PAGES += ["reviews/period", "sources", "metrics", "api/", "api/openapi.json"]
PAGES += [operation.path.lstrip("/").replace("{id}", "calls") for operation in OPERATIONS]
ASKED = [(tool, {}) for tool in ("status", "review")]
ASKED += [(tool, {"key_result": name}) for tool in ("explain", "history") for name in ("calls", "articles", "bravo")]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", ["run", "serve"])
def test_service_of_one_workspace_shows_nothing_of_another(tmp_path: Path, command: str) -> None:
    project = write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    for name in NAMES:
        project.run("sync", "--workspace", name, check=0)
    other = project.status("--workspace", "bravo")
    with running(project, "--workspace", "alpha", command=command) as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        for page in PAGES:
            answer = client.get("/" + page.format("alpha"))
            assert answer.status_code == 200, page
            assert "bravo" not in answer.text.lower(), page
        for path in ("/objectives/bravo-service", "/w/bravo/", "/w/bravo/api/status", "/api/workspaces"):
            assert client.get(path).status_code == 404, path
        assert client.get("/api/status").json()["objectives"][0]["id"] == "alpha-service"
    log = re.sub(r"\x1b\[[0-9;]*m", "", (tmp_path / "run.log").read_text())
    assert "bravo" not in log
    assert project.status("--workspace", "bravo") == other


def test_assistant_of_one_workspace_is_answered_nothing_of_another(tmp_path: Path) -> None:
    project = write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    for name in NAMES:
        project.run("sync", "--workspace", name, check=0)
    arguments = ["-m", "syncd", "mcp", "--config", str(tmp_path / "syncd.yaml"), "--workspace", "alpha"]
    server = StdioServerParameters(command=sys.executable, args=arguments, env=dict(project.environment))

    async def ask() -> tuple[str, list[str]]:
        async with Client(server, read_timeout_seconds=HANG) as client:
            about = f"{client.instructions} {await client.list_tools()}"
            return about, [str(await client.call_tool(tool, arguments)) for tool, arguments in ASKED]

    about, given = asyncio.run(ask())
    assert "bravo" not in about.lower()
    assert "Customers of alpha find answers" in given[0]
    for (_, asked), answer in zip(ASKED, given, strict=True):
        without = answer if "bravo" not in asked.values() else answer.replace("there is no key result 'bravo'", "")
        assert "bravo" not in without.lower(), asked
