"""A project over the sandbox's GitHub and Jira, whose key results differ in their measures alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject

from syncd.ledger import KeptValue
from syncd.okr.lint import PulledRows
from syncd.sandbox import DEMO_NOW, Sandbox

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
"""
KEY_RESULT = (
    "      - {{id: kr{}, title: It, kind: output, target: 9, ignore: [drives-nothing, no-guard], measure: {{{}}}}}\n"
)


class SandboxProject(CsvProject):
    """`code` is GitHub with the repository acme/web, `tickets` is Jira Cloud with the project KB. Days are Berlin's."""

    def __init__(self, box: Sandbox, folder: Path, environment: pytest.MonkeyPatch, tickets: str = "") -> None:
        """`tickets` are further keys of that connection, such as `shrink: 20%`."""
        for name, secret in box.credentials.items():
            environment.setenv(name.upper(), secret)
        box.world.github.add_repo("acme/web")
        box.world.jira.add_project("KB", "Knowledge")
        account = f'url: "{box.jira_url}", email: "${{JIRA_EMAIL}}", token: "${{JIRA_TOKEN}}"'
        connections = (
            f'  code: {{type: github, url: "{box.github_url}", token: "${{GITHUB}}"}}\n'
            f"  tickets: {{type: jira, {account}{f', {tickets}' * bool(tickets)}}}\n"
        )
        super().__init__(folder, MAPPING, DEMO_NOW, settings="timezone: Europe/Berlin\n", connections=connections)

    def define(self, *measures: str) -> None:
        """Writes the key results `kr0`, `kr1` and so on, with these measures."""
        key_results = (KEY_RESULT.format(number, measure) for number, measure in enumerate(measures))
        (self.folder / "okrs.yaml").write_text(MAPPING + "".join(key_results))

    def measure(self, *measures: str) -> list[float | None]:
        """The numbers of these measures, after a cycle."""
        self.define(*measures)
        self.sync()
        values = [self.value(f"kr{number}") for number in range(len(measures))]
        assert [value.quality for value in values] == ["complete"] * len(measures), values
        return [value.number for value in values]

    def sync(self, name: str = "kr0", **options: bool) -> KeptValue:
        """The value of a key result after a cycle, a minute later."""
        self.now += timedelta(minutes=1)
        self.cycle(**options)
        return self.value(name)

    def value(self, name: str = "kr0") -> KeptValue:
        return self.ledger.values.last("2026-Q4")[name]

    def findings(self, rule: str) -> list[str]:
        """What lint says by a rule, of the files and of the records in the ledger."""
        rows = PulledRows(self.ledger.answers, self.now)
        return [finding.message for _, finding in self.config.findings(rows) if finding.rule.id == rule]
