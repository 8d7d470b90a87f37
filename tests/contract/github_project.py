"""A project over the sandbox's GitHub, with a ledger and a clock; what happens to the repositories that it measures."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from csv_project import CsvProject

from syncd.cycle.model import Result
from syncd.explain.restatements import restatements
from syncd.sandbox import DEMO_NOW, Sandbox

TOKEN = 'token: "${TOKEN}"'
LONG_AGO = DEMO_NOW - timedelta(days=20)
KEY_RESULT = "      - {{id: {id}, title: 9 {id}, kind: output, target: 9, measure: {{from: code, {measure}}}}}\n"


class GitHubProject(CsvProject):
    """Key results over the sandbox's GitHub, synced a minute apart."""

    def __init__(self, folder: Path, box: Sandbox, keys: str = "", ledger: str | None = None, **measures: str) -> None:
        self.box = box
        connections = f'  code: {{type: github, url: "{box.github_url}", {keys or TOKEN}}}\n'
        super().__init__(folder, _mapping(measures), DEMO_NOW, connections=connections, ledger=ledger)

    def measures(self, **measures: str) -> None:
        (self.folder / "okrs.yaml").write_text(_mapping(measures))

    def connection(self, keys: str) -> None:
        path = self.folder / "syncd.yaml"
        path.write_text(path.read_text().replace("{type: github,", f"{{type: github, {keys},"))

    def sync(self, **options: Any) -> Result:
        self.now += timedelta(minutes=1)
        return self.cycle(**options)

    def value(self, key_result: str = "work") -> tuple[float | None, str]:
        value = self.ledger.values.last("2026-Q4")[key_result]
        return value.number, value.quality

    def reason(self) -> str:
        return self.ledger.values.last("2026-Q4")["work"].reason or ""

    def restated(self, key_result: str = "work") -> list[str]:
        """Why records that had counted changed, in any cycle."""
        okrs, ever = self.config.periods[0], 1000
        return [each.why for each in restatements(self.ledger, okrs, self.key_result(key_result), until=ever)]


def _mapping(measures: dict[str, str]) -> str:
    key_results = "".join(KEY_RESULT.format(id=name, measure=measure) for name, measure in measures.items())
    return f"period: 2026-Q4\nobjectives:\n  - id: o\n    title: Work flows\n    key_results:\n{key_results}"


def close_issue(box: Sandbox, repo: str) -> int:
    number = box.world.github.add_issue(repo, at=LONG_AGO).number
    box.world.github.close_issue(repo, number, at=LONG_AGO + timedelta(days=1))
    return number


def merge_pull(box: Sandbox, repo: str, **how: bool) -> int:
    number = box.world.github.add_pull(repo, at=LONG_AGO, draft=how.get("by_push", False)).number
    box.world.github.merge_pull(repo, number, at=LONG_AGO + timedelta(days=1), **how)
    return number
