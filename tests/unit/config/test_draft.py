"""A draft: a key result of one mapping file, or a measure alone, read beside a project's files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.config.document import parse_document
from syncd.config.draft import Draft, config_of_new, draft_of_key_result, draft_of_measure, draft_of_new
from syncd.okr.measures import ReadingMeasure
from syncd.sdk import ConfigError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTINGS = """\
timezone: Europe/Berlin
year_starts: 4
mappings: mappings/*.yaml
connections:
  local: {type: files, root: data}
"""
OF_PROJECT = """\
period: PERIOD
measures:
  calls: {from: local, file: calls.csv, cell: B2}
objectives: []
"""
DRAFT = """\
period: 2026-11
measures:
  own: {use: calls, window: 7d}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls, kind: output, target: 9, measure: own, guard: {measure: calls, keep: {at_least: 1}}}
      - {id: mood, title: Mood, kind: outcome, baseline: 1, target: 5}
"""
MEASURE = "{from: local, file: calls.csv, cell: B2}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The syncd.yaml of a project with named measures and a quarter."""
    (tmp_path / "mappings").mkdir()
    write(tmp_path / "mappings/okrs.yaml", OF_PROJECT.replace("PERIOD", "2026-Q3"))
    return write(tmp_path / "syncd.yaml", SETTINGS)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def reading(draft: Draft) -> ReadingMeasure:
    assert isinstance(draft.measure, ReadingMeasure)
    return draft.measure


def test_a_key_result_is_read_with_the_named_measures_of_the_other_files(path: Path, tmp_path: Path) -> None:
    draft = draft_of_key_result(path, write(tmp_path / "draft.yaml", DRAFT), "calls")
    assert (draft.key_result.id, draft.is_bare, draft.period.id) == ("calls", False, "2026-11")
    assert (reading(draft).connection, reading(draft).window.days) == ("local", 7)
    assert [key_result.id for okrs in draft.config.periods for key_result in okrs.key_results] == ["calls"]


def test_a_draft_that_is_a_mapping_file_of_the_project_gives_its_names_once(path: Path, tmp_path: Path) -> None:
    text = DRAFT.replace("own: {use: calls, window: 7d}", "calls: {from: local, file: new.csv, cell: C3}")
    draft = draft_of_key_result(path, write(tmp_path / "mappings/okrs.yaml", text.replace("own", "calls")), "calls")
    assert "new.csv" in reading(draft).part


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("call", "there is no key result 'call' in .*draft.yaml; did you mean 'calls'"),
        ("mood", "mood has no 'measure'; people check it in"),
    ],
)
def test_a_key_result_that_has_nothing_to_try_is_a_sentence(
    path: Path, tmp_path: Path, name: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        draft_of_key_result(path, write(tmp_path / "draft.yaml", DRAFT), name)


def test_a_file_that_is_wrong_is_a_sentence(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sell"):
        draft_of_key_result(path, write(tmp_path / "draft.yaml", DRAFT.replace("use: calls", "use: sell")), "calls")


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("FY27-Q3", "FY27-Q3"),  # of a fiscal year that starts in April
        ("2026-H2", "2026-H2"),
        ("{id: sprint, start: 2026-11-16, end: 2026-11-29}", "sprint"),
        ("2026-Q1", "2026-Q4"),  # over: the quarter of the calendar
        ("nonsense", "2026-Q4"),
        ("{id: sprint}", "2026-Q4"),
    ],
)
def test_a_measure_alone_is_over_the_projects_period_of_today(
    path: Path, tmp_path: Path, written: str, id_: str
) -> None:
    write(tmp_path / "mappings/okrs.yaml", OF_PROJECT.replace("PERIOD", written))
    draft = draft_of_measure(path, MEASURE, NOW)
    assert (draft.period.id, draft.is_bare) == (id_, True)
    assert reading(draft).connection == "local"


def test_a_measure_may_be_the_name_of_one(path: Path) -> None:
    assert "calls.csv" in reading(draft_of_measure(path, "calls", NOW)).part


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1, 2]", "standard input: is no measure; write its keys"),
        ("{from: locale, file: calls.csv, cell: B2}", "standard input:1: .*'locale'"),
        ("sell", "standard input:1: .*'sell'"),
    ],
)
def test_what_is_no_measure_is_a_sentence(path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        draft_of_measure(path, text, NOW)


def test_a_connection_that_is_wrong_is_a_sentence(path: Path) -> None:
    write(path, SETTINGS.replace("type: files", "type: filed"))
    with pytest.raises(ConfigError, match="'filed'"):
        draft_of_measure(path, MEASURE, NOW)


def test_what_will_be_a_project_is_read_before_it_has_files(tmp_path: Path) -> None:
    path = tmp_path / "syncd.yaml"
    written = parse_document(SETTINGS, "syncd.yaml")
    assert list(config_of_new(path, written).connections) == ["local"]
    period = draft_of_measure(write(path, SETTINGS), MEASURE, NOW).period
    draft = draft_of_new(path, written, parse_document(MEASURE, "answer"), period)
    assert (reading(draft).connection, draft.period) == ("local", period)
