"""docs/lint.md and the rules are of one mind: each rule has an entry, whose examples earn it, or do not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

import pytest
import yaml

from syncd.config import load_config
from syncd.okr.lint import RULES, PulledRows
from syncd.okr.measures import RecordMeasure
from syncd.okr.spans import Span

PAGE = (Path(__file__).parents[2] / "docs/lint.md").read_text(encoding="utf-8")
ENTRIES = {
    entry.partition("\n")[0]: entry
    for entry in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    if "```yaml wrong" in entry
}
CONNECTIONS = {
    "code": {"type": "github", "token": "${GITHUB_TOKEN}"},
    "tickets": {"type": "jira", "url": "https://acme.atlassian.net", "token": "${JIRA_TOKEN}"},
}
CALLS = {"id": "calls", "title": "Calls a week", "kind": "outcome", "unit": "calls", "baseline": 2, "target": 1}


def block(rule: str, kind: str) -> str:
    """An example, as it is written: YAML gives 4.000 and 4 as the same number."""
    (text,) = re.findall(rf"^```yaml {kind}\n(.*?)^```$", ENTRIES[rule], re.DOTALL | re.MULTILINE)
    return str(text)


def objectives(text: str) -> str:
    """The objectives of an example; key results that stand alone are put into one, beside what they drive."""
    shown = yaml.safe_load(text)
    if "key_results" in shown[0]:
        return f"objectives:\n{text}"
    others = "" if any(key_result["id"] == "calls" for key_result in shown) else f"- {json.dumps(CALLS)}\n"
    head = "objectives:\n  - id: an-objective\n    title: Of the docs\n    owner: docs\n    key_results:\n"
    return head + indent(text + others, "      ")


class Pulled:
    """The records behind the examples: some were resolved as Won't Do, where the query does not leave these out."""

    def texts(self, measure: RecordMeasure, field: str) -> list[str]:
        return []

    def held(self, measure: RecordMeasure) -> int:
        return 0

    def remarks(self, measure: RecordMeasure, span: Span) -> dict[str, int]:
        return {} if "resolution" in measure.streams[0] else {"resolved as Won't Do": 3}


def found(text: str, folder: Path, rule: str) -> list[tuple[str, str]]:
    """(rule, subject) of what lint says of an example of a rule."""
    (folder / "syncd.yaml").write_text(yaml.safe_dump({"mappings": "okrs.yaml", "connections": CONNECTIONS}))
    (folder / "okrs.yaml").write_text(f"period: 2026-Q4\n{objectives(text)}")
    rows = PulledRows(Pulled(), datetime(2026, 11, 20, tzinfo=UTC)) if rule == "counts-undelivered" else None
    return [(finding.rule.id, finding.subject) for _, finding in load_config(folder / "syncd.yaml").findings(rows)]


def test_every_rule_has_an_entry_and_every_entry_a_rule() -> None:
    assert list(ENTRIES) == [rule.id for rule in RULES]


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_an_entry_says_how_to_ignore_its_rule(rule: str) -> None:
    assert f"`ignore: [{rule}]`" in ENTRIES[rule]


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_wrong_example_earns_its_rule(rule: str, tmp_path: Path) -> None:
    shown = block(rule, "wrong")
    met = {subject for name, subject in found(shown, tmp_path, rule) if name == rule}
    parts = yaml.safe_load(shown)
    inner = {key_result["id"] for part in parts for key_result in part.get("key_results", [])}
    assert met in ({part["id"] for part in parts}, inner)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_right_example_does_not(rule: str, tmp_path: Path) -> None:
    assert rule not in {name for name, _ in found(block(rule, "right"), tmp_path, rule)}
