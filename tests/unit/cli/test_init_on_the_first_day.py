"""Whatever is answered to `syncd init`, no key result is red on the first day: it starts where its number is."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.cli import init_questions
from syncd.cli.init_files import mapping
from syncd.cli.init_questions import Questions
from syncd.config import load_config
from syncd.config.catalogue import connector, connector_types
from syncd.cycle.try_measure import Tried
from syncd.okr.answer import Answer
from syncd.okr.goals import KeyResult, Shares, standing
from syncd.okr.spans import parse_period
from syncd.sdk import can_pull

PERIOD = parse_period("2026-Q4", ZoneInfo("UTC"))
MEASURES = {
    "github": {"what": "merged_pull_requests", "repo": "acme/web"},
    "gitlab": {"what": "merged_merge_requests", "project": "acme/web"},
    "jira": {"jql": "project = KB"},
    "sheets": {"spreadsheet": "1AbC", "cell": "Support!B2"},
    "files": {"file": "calls.csv", "cell": "B2"},
    "http": {"path": "/v1/calls", "json": "total"},
    "sql": {"query": "SELECT 1 AS n", "value": "n"},
}
CONNECTIONS = """connections:
  github: {type: github}
  gitlab: {type: gitlab, token: "${T}"}
  jira: {type: jira, url: "https://acme.example", token: "${T}"}
  sheets: {type: sheets, credentials: google.json}
  files: {type: files, root: .}
  http: {type: http, url: "https://acme.example"}
  sql: {type: sql, url: "sqlite:///shop.db"}
"""
NUMBERS = st.one_of(st.integers(-10_000, 10_000).map(float), st.floats(-1e6, 1e6).map(lambda number: round(number, 3)))
MOMENTS = st.integers(0, 92 * 24 * 60 - 1).map(
    lambda minutes: datetime.combine(PERIOD.first, time(), UTC) + timedelta(minutes=minutes)
)


def written(folder: Path, name: str, now: float | None, answers: list[str], at: datetime) -> KeyResult:
    """The key result that is written once these targets were answered, in turn, until one is taken."""
    replies = ["A title", *answers]
    tried = Tried.__new__(Tried)
    object.__setattr__(tried, "answer", Answer(now, None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(init_questions, "_ask", lambda question, default, **_: replies.pop(0) or default)
        lines = Questions(folder, PERIOD, at)._key_result(name, {"from": name, **MEASURES[name]}, tried)
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\n{CONNECTIONS}")
    (folder / "okrs.yaml").write_text(mapping(PERIOD, "first", "A title", "me", lines, "  []\n"))
    return load_config(folder / "syncd.yaml").periods[0].key_results[0]


def test_each_system_that_can_be_asked_for_is_here() -> None:
    assert set(MEASURES) == {name for name in connector_types() if can_pull(connector(name))}


@pytest.mark.parametrize("name", sorted(MEASURES))
@given(now=st.one_of(st.none(), NUMBERS), target=NUMBERS, at=MOMENTS, later=st.floats(0, 1))
def test_no_answer_makes_a_project_red_on_its_first_day(
    name: str,
    now: float | None,
    target: float,
    at: datetime,
    later: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp() / name
    folder.mkdir(exist_ok=True)
    kind = connector(name)
    assert can_pull(kind)
    is_output = kind.Measure.kind == "records"
    if is_output and now is not None:
        now = float(abs(round(now)))  # of what is counted
    key_result = written(folder, name, now, [f"{target:f}", "17", "19"], at)
    end_of_today = datetime.combine(at.date() + timedelta(days=1), time(), UTC)
    moment = at + (end_of_today - timedelta(seconds=1) - at) * later
    # What could not be tried may be any number, once it is read.
    for value in (now,) if now is not None else (0.0, 5.0, 900.0) if is_output else (-900.0, 0.0, 0.5, 900.0):
        assert standing(key_result, value, PERIOD.span, moment, Shares()).health not in ("off_track", "at_risk")


@pytest.mark.parametrize(("now", "pace"), [(46.0, "linear"), (10.0, "end"), (0.0, "end"), (None, "end")])
def test_a_count_is_expected_evenly_only_if_it_is_on_pace(now: float | None, pace: str, tmp_path: Path) -> None:
    at = datetime(2026, 11, 14, 10, tzinfo=UTC)  # 45 of 92 days are over when it ends
    assert written(tmp_path, "github", now, ["92"], at).pace == pace


def test_a_suggested_target_is_on_pace(tmp_path: Path) -> None:
    key_result = written(tmp_path, "github", 45.0, [""], datetime(2026, 11, 14, 10, tzinfo=UTC))
    assert (key_result.pace, key_result.goal.target) == ("linear", 92)  # type: ignore[union-attr]


def test_a_count_has_no_target_below_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "jira", 3.0, ["-5", "0", "40"], datetime(2026, 11, 14, tzinfo=UTC))
    assert "a count only rises; write a number above 0" in capsys.readouterr().out
