"""The conditions of `where` mean what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_bad_files import MAPPING, PROJECT

from syncd.config import load_config
from syncd.config.conditions import compared_text, misread
from syncd.config.document import parse_document
from syncd.config.trials import differences
from syncd.okr.filters import scalar_text
from syncd.okr.measures import Filter, RecordMeasure
from syncd.sdk import ConfigError

ISSUES = "from: code, repo: acme/web, what: closed_issues"
TICKETS = "from: tickets, jql: project = KB"


def read(where: str, folder: Path, measure: str = ISSUES) -> tuple[Filter, ...]:
    """The filters of a measure with these conditions."""
    (folder / "syncd.yaml").write_text(PROJECT)
    (folder / "okrs.yaml").write_text(MAPPING.replace("600}", f"600, measure: {{{measure}, where: {{{where}}}}}}}"))
    measured = load_config(folder / "syncd.yaml").periods[0].key_results[0].measure
    assert isinstance(measured, RecordMeasure)
    return measured.filters


@example("1.10")
@example("007")
@example("1e3")
@example("12345678901234567")
@example("True")
@given(
    st.from_regex(r"\A[-+]?[0-9]{1,3}\.?[0-9_]{0,3}(e[-+]?[0-9]{1,2})?\Z")
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers().map(str)
    | st.sampled_from(["true", "True", "FALSE", "0x1F", "0o17"])
)
def test_a_value_without_quotes_is_compared_as_written_or_refused(text: str) -> None:
    document = parse_document(f"milestone: {text}\n", "okrs.yaml")
    value = document.at(("milestone",))
    problems = list(misread(document, (), lambda _, value: compared_text(value)))
    if isinstance(value, str) or value is None:
        assert not problems
    else:
        assert bool(problems) == (compared_text(value) != text)
        again = parse_document(f"milestone: {compared_text(value)}\n", "okrs.yaml")  # what the message advises
        assert again.at(("milestone",)) == value or scalar_text(again.at(("milestone",))) == scalar_text(value)
        assert not list(misread(again, (), lambda _, value: compared_text(value)))


@pytest.mark.parametrize(
    "where", ['milestone: "1.10"', "milestone: 1.1", "milestone: [1.1, 2, true]", "number_at_least: 5.0", "label: null"]
)
def test_a_value_that_is_compared_as_written_is_taken(where: str, tmp_path: Path) -> None:
    assert read(where, tmp_path)


@pytest.mark.parametrize(
    ("measure", "bound"),
    [
        (ISSUES, "lead_time_at_most: 0.5"),
        (ISSUES, "milestone_at_least: 2026-11-01"),  # a milestone may be named by its day
        (TICKETS, "created_at_most: 2026-11-01"),
        (TICKETS, "cycle_time_at_most: 5"),
        (TICKETS, "Fixed_at_least: 2026-10-31T23:00:00.000+0200"),
        (TICKETS, "Fixed_at_least: 2026-10-31 23:00"),
        (TICKETS, "Story Points_at_least: -3.0"),
    ],
)
def test_a_bound_is_a_number_a_day_or_a_time(measure: str, bound: str, tmp_path: Path) -> None:
    (rule,) = read(bound, tmp_path, measure)
    assert rule.bound is not None
    assert rule.admits(rule.bound)


BOOLEAN = [
    (f"from: code, repo: acme/web, what: {what}", field)
    for what, fields in {
        "merged_pull_requests": ["draft"],
        "deployed_pull_requests": ["draft"],
        "releases": ["draft", "prerelease"],
        "tags": ["annotated"],
    }.items()
    for field in fields
] + [("from: lab, project: acme/web, what: merged_merge_requests", "draft")]


@pytest.mark.parametrize(("measure", "field"), BOOLEAN)
class TestTrueOrFalse:
    """YAML 1.2 reads `no` as a text, which no record's `draft` equals."""

    @pytest.mark.parametrize("negation", ["", "not_"])
    @pytest.mark.parametrize(
        ("value", "shown"),
        [("no", "'no'"), ("off", "'off'"), ("yes", "'yes'"), ("[true, no]", "'no'"), ('"True"', "'True'"),
         ("1", "1"), ("null", "empty"), ('"*"', "'*'")],
    )  # fmt: skip
    def test_another_value_is_refused(
        self, measure: str, field: str, negation: str, value: str, shown: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError, match=re.escape(f"{negation}{field} is {shown}; write true or false")):
            read(f"{negation}{field}: {value}", tmp_path, measure)

    @pytest.mark.parametrize("value", ["true", "True", "FALSE", '"true"', "[true, False]"])
    def test_true_and_false_are_taken(self, measure: str, field: str, value: str, tmp_path: Path) -> None:
        assert read(f"{field}: {value}", tmp_path, measure)
        assert read(f"not_{field}: {value}", tmp_path, measure)

    @pytest.mark.parametrize("value", ["1", "true", "2026-11-01"])
    def test_a_bound_is_refused(self, measure: str, field: str, value: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=f"{field}_at_least sets a bound; .* write FIELD: true or FIELD: false"):
            read(f"{field}_at_least: {value}", tmp_path, measure)


@pytest.mark.parametrize(
    ("where", "number"),
    [("author_is: bot", 3), ("not_author_is: bot", 6), ("author_is: person", 2), ("author: ada", 2)],
)
def test_given_author_is_a_bot_by_the_login(where: str, number: int, tmp_path: Path) -> None:
    """The tests of a mapping judge a login as GitHub's records do: two of the others are persons, four are neither."""
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    measure = f"{{from: code, repo: acme/web, what: merged_pull_requests, where: {{{where}}}}}"
    records = """
tests:
  - name: The login of an app ends in [bot]
    at: 2026-11-20
    given:
      calls:
        - {done: 2026-11-02, author: "dependabot[bot]"}
        - {done: 2026-11-02, author: "renovate[bot]", author_is: null, times: 4}
        - {done: 2026-11-02, author: acme-machine, author_is: bot, times: 2}
        - {done: 2026-11-02, author: ada, author_is: person, times: 2}
    expect:
"""
    expected = f"      calls: {{value: {number}}}\n"
    (tmp_path / "okrs.yaml").write_text(MAPPING.replace("600}", f"600, measure: {measure}}}") + records + expected)
    config = load_config(tmp_path / "syncd.yaml")
    (test,) = config.tests
    assert differences(test, config.shares) == []


@pytest.mark.parametrize("measure", ["use: named", "use: named, take: count"])
def test_a_named_measure_is_refused_once_at_its_own_line(measure: str, tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    named = f"measures:\n  named: {{{ISSUES}, where: {{milestone: 1.10}}}}\n"
    (tmp_path / "okrs.yaml").write_text(MAPPING.replace("600}", f"600, measure: {{{measure}}}}}") + named)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "syncd.yaml")
    (problem,) = caught.value.problems
    assert problem.line == 8
