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


def test_texts_of_people_are_never_rewritten(company: StandingWorkspaces) -> None:
    """Titles and notes with a command in them, in every document, on pages, and in a form that was refused."""
    words = "we never run `syncd sync` by hand"
    mapping = company.folder / "teams/alpha/okrs.yaml"
    mapping.write_text(mapping.read_text().replace("title: alpha is trusted", f'title: "{words}"'))
    company.reload()
    client, address = company.client(), "/w/alpha/key-results/alpha-trust"

    def post(note: str, value: str) -> str:
        shown = client.get(address).text
        hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', shown) for name in ("form_token", "form")}
        data = {name: match[1] for name, match in hidden.items() if match}
        data |= {"do": "check-in", "value": value, "author": "Ann", "note": note}
        return client.post(address, data=data, headers={"Origin": "http://localhost"}).text

    assert f'name="note" value="{words}"' in post(words, "1,5")
    post(words, "6")
    company.sync("alpha")
    company.sync("alpha")
    for path in ("api/status", "api/review", "api/key-results/alpha-trust", "api/key-results/alpha-trust/history"):
        text = client.get(f"/w/alpha/{path}").text
        assert words in text, path
        assert "syncd sync --workspace" not in text, path
    for path in ("", "key-results/alpha-trust", "reviews/week", "reviews/period"):
        text = client.get(f"/w/alpha/{path}").text
        assert "we never run" in text, path
        assert "by hand" in text
        assert "syncd sync --workspace" not in text, path


def test_commands_in_the_problem_of_a_broken_workspace_name_it(company: StandingWorkspaces) -> None:
    company._problems["bravo"] = "the ledger is damaged; put a backup in its place with `syncd restore FILE`"
    del company._daemons["bravo"]
    client = company.client()
    problem = client.get("/api/workspaces").json()["workspaces"][1]["problem"]
    assert problem.endswith("`syncd restore FILE --workspace bravo`")
    assert "<code>syncd restore FILE --workspace bravo</code>" in client.get("/").text
