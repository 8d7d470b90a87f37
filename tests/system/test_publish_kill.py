"""`kill -9` while check-ins are written: none is lost, and none is written twice.

Each kill falls on a request of the publishers, in turn: when it arrives, or a moment after, when it has taken effect.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from projects import Project
from waiting import HANG

from syncd.sandbox import Sandbox
from syncd.sandbox.github.code import Issue
from syncd.sandbox.story.numbers import OKR_BOOK

pytestmark = pytest.mark.unmeasured

KILLS = int(os.environ.get("SYNCD_KILLS", "6"))
_START = datetime(2026, 11, 20, 10)
NAMES = ("calls", "articles", "leads")
_MAPPING = """
period: 2026-Q4
objectives:
  - id: o
    title: Everything at once
    key_results:
"""
_KEY_RESULT = """
      - {{id: {name}, title: {name}, kind: outcome, baseline: 0, target: 1000,
          measure: {{from: local, file: numbers.csv, cell: {cell}, take: latest}}}}
"""
_PROJECT = """
mappings: okrs.yaml
clock: {clock:%Y-%m-%dT%H:%M:%S}+00:00
connections:
  local: {{type: files, root: .}}
  numbers: {{type: sheets, url: "{sheets}", token: "${{GOOGLE_TOKEN}}"}}
  code: {{type: github, url: "{github}", token: "${{GITHUB_TOKEN}}"}}
  tickets: {{type: jira, url: "{jira}", email: bot@acme.example, token: "${{JIRA_TOKEN}}"}}
publish:
  - {{to: local, file: okrs.json}}
  - {{to: numbers, spreadsheet: {book}, sheet: Board, create: true, log: Log,
      key_column: A, columns: {{value: B, health: C}}}}
  - {{to: code, issues: {{calls: "acme/search#{issue}"}}, comment: true, label: "health:"}}
  - {{to: tickets, issues: {{calls: {ticket}}}, fields: {{value: Current value}}, comment: true}}
"""


@dataclass
class Targets:
    """The project, and what stands where it writes to."""

    project: Project
    box: Sandbox
    issue: Issue
    ticket: str
    minute: int = 0

    def numbers(self, calls: int) -> None:
        """The next minute has other numbers."""
        self.minute += 1
        values = {"calls": calls, "articles": calls + 1, "leads": calls + 2}
        folder = self.project.folder
        (folder / "numbers.csv").write_text("calls,articles,leads\n" + ",".join(map(str, values.values())) + "\n")
        cells = dict(zip(NAMES, ("A2", "B2", "C2"), strict=True))
        text = "".join(_KEY_RESULT.format(name=name, cell=cell) for name, cell in cells.items())
        (folder / "okrs.yaml").write_text(_MAPPING + text)
        places = {"sheets": self.box.sheets_url, "github": self.box.github_url, "jira": self.box.jira_url}
        rest = {"book": OKR_BOOK, "issue": self.issue.number, "ticket": self.ticket}
        rest["clock"] = _START + timedelta(minutes=self.minute)
        (folder / "syncd.yaml").write_text(_PROJECT.format(**places, **rest))

    def written(self) -> list[str]:
        """The requests of the publishers, reads too."""
        return [one.method for one in self.box.requests]

    def board(self) -> dict[object, object]:
        rows = self.box.world.sheets.spreadsheets[OKR_BOOK].sheet("Board").rows[1:]
        return {row[0].value: row[1].value for row in rows}

    def log(self) -> Counter[tuple[object, ...]]:
        rows = self.box.world.sheets.spreadsheets[OKR_BOOK].sheet("Log").rows[1:]
        return Counter(tuple(cell.value for cell in row[:4]) for row in rows if any(cell.value for cell in row))


@pytest.fixture
def targets(tmp_path: Path, box: Sandbox) -> Targets:
    known = box.credentials
    secrets = {"GOOGLE_TOKEN": "google_token", "GITHUB_TOKEN": "github", "JIRA_TOKEN": "jira_token"}
    project = Project(tmp_path, {name: known[key] for name, key in secrets.items()})
    issue = box.world.github.add_issue("acme/search", "Better search")
    ticket = box.world.jira.create("SUP", "Task", "Fewer calls").key
    return Targets(project, box, issue, ticket)


def killed_at(targets: Targets, number: int, delay: float) -> bool:
    """A sync, killed when its so-manieth request has arrived; False where it ended before."""
    before = len(targets.box.requests)
    process = targets.project.start("sync")
    while process.poll() is None:
        if len(targets.box.requests) - before >= number:
            time.sleep(delay)
            process.kill()
            break
        time.sleep(0.0005)
    return process.wait(HANG) == -signal.SIGKILL


def test_no_check_in_is_lost_and_none_is_written_twice(targets: Targets) -> None:
    killed = number = 0
    calls = 100
    while killed < max(KILLS // 2, 4):
        calls += 10
        targets.numbers(calls)
        number = (number + 4) % 14 + 1  # each of the first 14 requests, in large steps
        killed += killed_at(targets, number, delay=(0.0, 0.004, 0.015)[killed % 3])
        if killed % 2:
            calls += 10
            targets.numbers(calls)  # and by the time that it runs again there is more to say
        done = targets.project.run("sync", check=0)
        assert "left alone" not in done.stderr, "its own words were taken for somebody else's"
        assert targets.board() == {"calls": calls, "articles": calls + 1, "leads": calls + 2}
        assert set(targets.log().values()) == {1}
        ours = [one.body for one in targets.issue.comments if "syncd" in one.body]
        assert len(ours) == 1
        assert f"{calls:,}" in ours[0]
        ticket = targets.box.world.jira.get(targets.ticket)
        assert len(ticket.comments) == 1
        assert f"{calls:,}" in ticket.comments[0].body
        again = len(targets.box.requests)
        targets.project.run("sync", check=0)
        assert len(targets.box.requests) == again, "there was nothing left to write, or to look at"
