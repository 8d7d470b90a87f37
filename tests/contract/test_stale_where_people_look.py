"""A check-in says of what time its number is, so that an old number shows where people look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.config import load_config
from syncd.publishing.due_deliveries import digest_of_statement
from syncd.sdk import Statement
from syncd.sdk.block import lines

AS_OF = datetime(2026, 11, 20, 9, tzinfo=UTC)
STATEMENT = Statement(
    key_result="calls", title="Calls", kind="outcome", unit=None, objective="all", objective_title="All", owner=None,
    period="2026-Q4", value=1092.0, baseline=1200.0, target=600.0, progress=0.18, score=0.18, expected=0.56,
    health="off_track", quality="complete", reason=None, confidence=None, note=None, as_of=AS_OF, updated=AS_OF,
    evidence=None,
)  # fmt: skip
KEY_RESULT = "{id: calls, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B2}}"
PROJECT = """\
mappings: okrs.yaml
connections:
  local: {{type: files, root: .}}
  numbers: {{type: sheets, token: "${{T}}"}}
  tickets: {{type: jira, url: "https://acme.example", token: "${{T}}"}}
  code: {{type: github, token: "${{T}}"}}
publish: [{{{}}}]
"""
SHEET = "to: numbers, spreadsheet: 1AbC, sheet: OKRs, key_column: A, columns: {value: D"
ISSUE = "to: tickets, issues: {calls: SUP-12}, fields: {value: Current value"


@pytest.mark.parametrize(
    ("entry", "next_day"),
    [
        (SHEET + ", as_of: E}", True),
        (SHEET + "}", False),
        (ISSUE + ", as_of: As of}", True),
        (ISSUE + "}, comment: true", False),
        ('to: code, issues: {calls: "acme/search#42"}, body: true', False),
    ],
    ids=["a column", "no column", "a field", "a comment", "a text"],
)
def test_the_time_of_an_unchanged_number_is_written_once_a_day_where_it_has_a_place_of_its_own(
    tmp_path: Path, entry: str, next_day: bool
) -> None:
    """Comments and texts are not edited every day: they say since when the number is what it is."""
    (tmp_path / "syncd.yaml").write_text(PROJECT.format(entry))
    objective = f"{{id: all, title: It, key_results: [{KEY_RESULT}]}}"
    (tmp_path / "okrs.yaml").write_text(f"period: 2026-Q4\nobjectives: [{objective}]\n")
    (publication,) = load_config(tmp_path / "syncd.yaml").publications
    digests = [
        digest_of_statement(publication, replace(STATEMENT, as_of=as_of))
        for as_of in (AS_OF, AS_OF + timedelta(minutes=15), AS_OF + timedelta(days=1))
    ]
    assert digests[0] == digests[1]
    assert (digests[0] != digests[2]) is next_day


def test_texts_say_the_time_and_what_is_wrong() -> None:
    text = "\n".join(lines(replace(STATEMENT, quality="failed", reason="the server does not answer")))
    assert "as of 2026-11-20 09:00" in text
    assert "failed: the server does not answer" in text
