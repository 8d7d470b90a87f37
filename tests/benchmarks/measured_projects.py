"""The projects that syncd syncs in the benchmarks: a folder each, against a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from box import Box

CLOCK = "2026-11-21T10:00:00+00:00"
"""A little after the worlds' own time, so that a run on any day measures the same."""

_ROOT = Path(__file__).parents[2]
_PERIOD = {"start": "2024-11-01", "end": "2026-12-31", "id": "two-years"}
_CONNECTIONS = {
    "pulls": 'code: {{type: github, url: "{url}/github", token: "${{SECRET}}"}}',
    "issues": 'code: {{type: jira, url: "{url}/jira", email: bot@acme.example, token: "${{SECRET}}"}}',
    "books": 'code: {{type: sheets, url: "{url}/sheets", token: "${{SECRET}}"}}',
}
_THREE_SYSTEMS = """\
connections:
  code: {type: github, token: "${SECRET}"}
  tickets: {type: jira, url: "https://acme.example", token: "${SECRET}"}
  numbers: {type: sheets, token: "${SECRET}"}
"""
_SECRETS = {"pulls": "github", "issues": "jira_token", "books": "google_token"}
_MERGED = {"from": "code", "repo": "acme/big", "what": "merged_pull_requests", "take": "count"}


@dataclass(frozen=True)
class Project:
    """A folder with a syncd.yaml; `secrets` are variables for the environment."""

    folder: Path
    secrets: dict[str, str]

    @property
    def sync(self) -> list[str]:
        """The command of one cycle."""
        return [sys.executable, "-m", "syncd", "sync"]

    @property
    def validate(self) -> list[str]:
        """The command that checks the files alone."""
        return [sys.executable, "-m", "syncd", "validate"]

    @property
    def status(self) -> list[str]:
        """The command that shows where the key results stand."""
        return [sys.executable, "-m", "syncd", "status"]


def secret(system: str, box: Box) -> dict[str, str]:
    """The variable that holds a contender's credential."""
    return {"SECRET": box.credentials[_SECRETS[system]]}


def whole_pulls(folder: Path, box: Box) -> Project:
    """A measure of the base branch, which GitHub shows in /pulls alone, the list that the other contenders read."""
    return _project(folder, "pulls", box, [_MERGED | {"where": {"base": "main"}}])


def light_pulls(folder: Path, box: Box) -> Project:
    """A measure that needs no base branch."""
    return _project(folder, "pulls", box, [_MERGED])


def many_repos(folder: Path, box: Box) -> Project:
    """Fifty streams."""
    return _project(folder, "pulls", box, [_MERGED | {"repo": f"acme/r{number:02}"} for number in range(50)])


def issues(folder: Path, box: Box) -> Project:
    """The sum of the story points of issues that are done."""
    return _project(
        folder, "issues", box, [{"from": "code", "jql": "project = KB", "take": "sum", "of": "Story Points"}]
    )


def books(folder: Path, box: Box) -> Project:
    """Two hundred series."""
    measures = [
        {
            "from": "code",
            "spreadsheet": f"book-{book:02}",
            "series": {"dates": f"S{sheet}!A1:A", "values": f"S{sheet}!B1:B"},
            "take": "latest",
        }
        for book in range(20)
        for sheet in range(10)
    ]
    return _project(folder, "books", box, measures)


def many_files(folder: Path, count: int = 1000) -> Project:
    """Copies of `mapping.yaml`, each with a period of its own."""
    mappings = folder / "mappings"
    mappings.mkdir(parents=True, exist_ok=True)
    text = Path(__file__).with_name("mapping.yaml").read_text(encoding="utf-8")
    for number in range(count):
        period = f"period: {{start: 2026-10-01, end: 2026-12-31, id: team-{number}}}"
        mapping = text.replace("period: 2026-Q4", period)
        (mappings / f"team-{number}.yaml").write_text(mapping, encoding="utf-8")
    (folder / "syncd.yaml").write_text(_THREE_SYSTEMS, encoding="utf-8")
    return Project(folder, _source())


def _source() -> dict[str, str]:
    """The variable that tells Python where the measured syncd is."""
    return {"PYTHONPATH": os.environ.get("PYTHONPATH", str(_ROOT))}


def _project(folder: Path, system: str, box: Box, measures: list[dict[str, object]]) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    key_results = [
        {"id": f"kr-{number}", "title": f"Measure {number}", "kind": "output", "target": 20_000, "measure": measure}
        for number, measure in enumerate(measures)
    ]
    objective = {"id": "bench", "title": "The benchmark", "key_results": key_results}
    mapping = {"period": _PERIOD, "objectives": [objective]}
    connection = _CONNECTIONS[system].format(url=box.url)
    (folder / "okrs.yaml").write_text(json.dumps(mapping), encoding="utf-8")
    (folder / "syncd.yaml").write_text(
        f"mappings: okrs.yaml\nledger: sqlite:///syncd.db\nclock: {CLOCK}\nconnections:\n  {connection}\n",
        encoding="utf-8",
    )
    return Project(folder, secret(system, box) | _source())


def demo(folder: Path) -> Project:
    """The example that `syncd demo` writes and syncs."""
    subprocess.run([sys.executable, "-m", "syncd", "demo", "--folder", folder], check=True, capture_output=True)
    return Project(folder, {})
