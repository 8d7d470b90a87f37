"""A project folder against the sandbox, and commands run as real processes."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from forked import FORGE, Forked
from waiting import HANG

from syncd.sandbox import DEMO_NOW, Sandbox, write_files
from syncd.sandbox.jira.ticket import Ticket

NOW = DEMO_NOW + timedelta(minutes=5)
"""The rehearsal's time: a little later than the sandbox's, which ticks with each change."""

ME = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
"""Who runs the tests, as syncd names whoever runs its commands."""

NOWHERE = Path(os.devnull)
MAPPINGS = Path(__file__).parents[2] / "mappings"


@dataclass
class Project:
    """A folder with a syncd.yaml, and the environment that its references are read from."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, check: int | None = None) -> subprocess.CompletedProcess[str]:
        """`syncd ARGUMENTS` as a process of its own; `check` is the exit code that it must have."""
        done = FORGE.run(arguments, self.folder, self.environment, timeout=HANG)
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str, out: Path = NOWHERE, err: Path = NOWHERE) -> Forked:
        """`syncd ARGUMENTS`, for a test that watches, signals or kills it."""
        return FORGE.start(arguments, self.folder, self.environment, out, err)

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """`syncd ARGUMENTS`, for a test that starts a whole process itself."""
        return [sys.executable, "-m", "syncd", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The tests' environment and the project's own."""
        return {**os.environ, "COLUMNS": "80", **self.env}

    def status(self, *arguments: str) -> dict[str, Any]:
        """The document of `status --json`."""
        return json.loads(self.run("status", "--json", *arguments, check=0).stdout)

    def key_results(self) -> dict[str, dict[str, Any]]:
        """The key results of `status --json`, by id."""
        return {kr["id"]: kr for objective in self.status()["objectives"] for kr in objective["key_results"]}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces a text in one of its files."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def write_project(
    folder: Path, box: Sandbox, now: str = NOW.isoformat(), ledger: str = "sqlite:///syncd.db"
) -> Project:
    """The example's project against a sandbox."""
    known = box.credentials
    (folder / "data").mkdir(parents=True)
    write_files(folder / "data")
    shutil.copytree(MAPPINGS, folder / "mappings")
    (folder / "syncd.yaml").write_text(
        f"""\
timezone: Europe/Berlin
ledger: {ledger}
clock: {now}
schedule: 1s
connections:
  code: {{type: github, url: "{box.github_url}", token: "${{GITHUB_TOKEN}}"}}
  apps: {{type: gitlab, url: "{box.gitlab_url}", token: "${{GITLAB_TOKEN}}"}}
  tickets: {{type: jira, url: "{box.jira_url}", email: {known["jira_email"]}, token: "${{JIRA_TOKEN}}"}}
  helpdesk: {{type: jira, url: "{box.jira_dc_url}", token: "${{JIRA_PAT}}"}}
  numbers: {{type: sheets, url: "{box.sheets_url}", token: "${{GOOGLE_TOKEN}}"}}
  metrics: {{type: http, url: "{box.metrics_url}", headers: {{X-Api-Key: "${{METRICS_KEY}}"}}}}
  local: {{type: files, root: data/}}
  warehouse: {{type: sql, url: "sqlite:///data/warehouse.db"}}
""",
        encoding="utf-8",
    )
    secrets = {
        "GITHUB_TOKEN": known["github"],
        "GITLAB_TOKEN": known["gitlab"],
        "JIRA_TOKEN": known["jira_token"],
        "JIRA_PAT": known["jira_pat"],
        "GOOGLE_TOKEN": known["google_token"],
        "METRICS_KEY": known["metrics_key"],
    }
    return Project(folder, secrets)


def done_articles(box: Sandbox) -> list[Ticket]:
    """The finished articles of the knowledge base, oldest first."""
    return sorted(
        (ticket for ticket in box.world.jira.issues.values() if ticket.project == "KB" and ticket.category == "Done"),
        key=lambda ticket: ticket.id,
    )


def differences(document: dict[str, Any], box: Sandbox) -> list[str]:
    """Where `status --json` and the sandbox's own truth of that moment part."""
    truth = box.truth(at=datetime.fromisoformat(document["as_of"]))
    found = []

    def compare(where: str, ours: Any, theirs: Any) -> None:
        same = ours == theirs or (
            isinstance(ours, float) and isinstance(theirs, int | float) and abs(ours - theirs) < 1e-9
        )
        if not same:
            found.append(f"{where}: {ours} is not {theirs}")

    objectives = {objective["id"]: objective for objective in truth["objectives"]}
    links = {(link["output"], link["outcome"]): link for link in truth["alignment"]}
    seen = 0
    for objective in document["objectives"]:
        for key in ("score", "activity", "health", "coverage"):
            compare(f"{objective['id']}.{key}", objective[key], objectives[objective["id"]][key])
        for kr in objective["key_results"]:
            seen += 1
            for key in ("value", "progress", "score", "expected", "health"):
                compare(f"{kr['id']}.{key}", kr[key], truth["key_results"][kr["id"]][key])
        for link in objective["alignment"]:
            true = links[(link["output"], link["outcome"])]  # the verdict; what is found beside it is syncd's own
            compare(f"{link['output']}→{link['outcome']}", {key: link[key] for key in true}, true)
    compare("key results", seen, len(truth["key_results"]))
    return found
