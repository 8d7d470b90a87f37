"""Pages and the API of a workspace advise commands for it; those of a single project name none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from standing_workspaces import StandingWorkspaces

_ADVISED = re.compile(r"(?:`|<code>)syncd (?:sync|doctor|restore|approve|checkin)[^`<]*")
PAGES = ("", "key-results/alpha-calls", "reviews/week", "sources", "api/status", "api/review")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[StandingWorkspaces]:
    """Workspaces that were never synced, so that pages say what to run."""
    with closing(StandingWorkspaces(tmp_path)) as company:
        yield company


def test_commands_on_the_pages_of_a_workspace_name_it(company: StandingWorkspaces) -> None:
    client = company.client()
    advised = {command for page in PAGES for command in _ADVISED.findall(client.get(f"/w/alpha/{page}").text)}
    assert advised
    assert all(command.endswith(" --workspace alpha") for command in advised), advised


def test_commands_in_the_problem_of_a_broken_workspace_name_it(company: StandingWorkspaces) -> None:
    company._problems["bravo"] = "the ledger is damaged; put a backup in its place with `syncd restore FILE`"
    del company._daemons["bravo"]
    client = company.client()
    problem = client.get("/api/workspaces").json()["workspaces"][1]["problem"]
    assert problem.endswith("`syncd restore FILE --workspace bravo`")
    assert "<code>syncd restore FILE --workspace bravo</code>" in client.get("/").text
