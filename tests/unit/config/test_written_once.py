"""What is written once applies everywhere: named measures, defaults, parts, parents."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

from syncd.config import Config, load_config
from syncd.okr.goals import Band, KeyResult, Milestones, Objective, Steps, Target
from syncd.okr.measures import FormulaMeasure, ReadingMeasure, RecordMeasure, leaves
from syncd.okr.spans import Window
from syncd.sdk import ConfigError

PROJECT = """
connections:
  local: {type: files, root: data/}
  tickets: {type: jira, url: "https://acme.example", token: "${JIRA_TOKEN}"}
"""


class Load(Protocol):
    """Loads mapping files given by their names."""

    def __call__(self, **files: str) -> Config: ...


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(**files: str) -> Config:
        (tmp_path / "syncd.yaml").write_text(PROJECT)
        (tmp_path / "mappings").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "mappings" / f"{name}.yaml").write_text(dedent(text))
        return load_config(tmp_path / "syncd.yaml")

    return loaded


def key_result(config: Config, name: str) -> KeyResult:
    return next(kr for okrs in config.periods for kr in okrs.measured if kr.id == name)


def objective(config: Config, name: str) -> Objective:
    return next(objective for okrs in config.periods for objective in okrs.objectives if objective.id == name)


def reading(config: Config, name: str) -> ReadingMeasure:
    (leaf,) = leaves(key_result(config, name).measure)
    assert isinstance(leaf, ReadingMeasure)
    return leaf


MEASURES = """
    defaults: {measures: {local: {file: n.csv}}}
    measures:
      calls: {from: local, series: {dates: Day, values: Calls}}
      articles: {from: tickets, jql: project = KB}
"""
OKRS = """
    period: 2026-Q4
    objectives:
      - id: service
        title: Answers
        key_results:
          - {id: plain, title: Calls, kind: outcome, baseline: 9, target: 1, measure: calls}
          - id: summed
            title: Calls
            kind: outcome
            target: 1
            measure: {use: calls, take: sum, window: 28d}
          - id: ratio
            title: Calls an article
            kind: outcome
            baseline: 9
            target: 1
            measure:
              formula: calls / articles
              parts: {calls: calls, articles: {use: articles, take: count}}
"""


class TestNames:
    def test_a_measure_is_used_by_its_name_in_another_file(self, load: Load) -> None:
        config = load(a_measures=MEASURES, okrs=OKRS)
        assert reading(config, "plain").take == "latest"
        assert "n.csv" in reading(config, "plain").stream

    def test_keys_beside_use_win_over_those_of_the_named_measure(self, load: Load) -> None:
        summed = reading(load(z_measures=MEASURES, okrs=OKRS), "summed")
        assert (summed.take, summed.window) == ("sum", Window(days=28))

    def test_parts_of_a_formula_may_be_names(self, load: Load) -> None:
        ratio = key_result(load(measures=MEASURES, okrs=OKRS), "ratio").measure
        assert isinstance(ratio, FormulaMeasure)
        assert [(name, type(part)) for name, part in ratio.parts] == [
            ("calls", ReadingMeasure),
            ("articles", RecordMeasure),
        ]

    def test_a_measures_name_is_unique_in_all_files(self, load: Load) -> None:
        with pytest.raises(ConfigError, match=r"z\.yaml:4: measure 'calls' is defined at .*a\.yaml:4 already"):
            load(a=MEASURES, okrs=OKRS, z=MEASURES.replace("articles:", "others:"))

    def test_a_named_measure_that_nobody_uses_is_checked_too(self, load: Load) -> None:
        with pytest.raises(ConfigError, match=r"m\.yaml:4: unknown key 'tke'"):
            load(okrs=OKRS, m=MEASURES.replace("values: Calls}}", "values: Calls}, tke: sum}").replace("calls:", "x:"))

    def test_a_problem_from_this_files_defaults_is_reported(self, load: Load) -> None:
        okrs = dedent(OKRS).replace("objectives:", "defaults: {measures: {local: {of: Calls}}}\nobjectives:", 1)
        with pytest.raises(ConfigError, match=r"okrs\.yaml:3: unknown key 'of'"):
            load(okrs=okrs, m=MEASURES)

    def test_a_problem_of_a_named_measure_is_reported_at_its_definition(self, load: Load) -> None:
        with pytest.raises(ConfigError) as caught:
            load(okrs=OKRS, m=MEASURES.replace("values: Calls}}", "values: Calls}, tke: sum}"))
        assert [problem.line for problem in caught.value.problems if problem.file.endswith("m.yaml")] == [4]
        # `summed` overrides keys, so it is checked on its own.
        assert [problem.line for problem in caught.value.problems if problem.file.endswith("okrs.yaml")] == [12]

    def test_the_parts_of_a_named_formula_have_each_the_defaults_of_its_own_connection(self, load: Load) -> None:
        formula = """
            defaults: {measures: {local: {file: n.csv}}}
            measures:
              both: {from: local, formula: a / b, parts: {a: {cell: A1}, b: {from: tickets, jql: x}}}
        """
        okrs = """
            period: 2026-Q4
            objectives:
              - id: service
                title: Answers
                key_results: [{id: ratio, title: Ratio, kind: outcome, baseline: 9, target: 1, measure: both}]
        """
        kinds = [type(leaf) for leaf in leaves(key_result(load(okrs=okrs, m=formula), "ratio").measure)]
        assert kinds == [ReadingMeasure, RecordMeasure]


class TestDefaults:
    OKRS = """
        period: 2026-Q4
        defaults:
          owner: support
          rollup: weakest
          unit: calls
          stale_after: 10d
          confidence: 0.5
          lag: 2w
          measures: {local: {file: n.csv, take: sum}}
        objectives:
          - id: service
            title: Answers
            key_results:
              - {id: calls, title: Calls, kind: outcome, baseline: 9, target: 1, measure: {from: local, cell: B2}}
              - {id: own, title: Own, kind: outcome, unit: h, stale_after: 3d, baseline: 9, target: 1,
                 measure: {from: local, file: x.csv, cell: B2, take: latest}}
              - {id: work, title: Work, kind: output, target: 3, drives: calls}
              - {id: more, title: More, kind: output, target: 3, drives: [{outcome: calls, lag: 1d}], lag: 3d}
          - id: own-objective
            title: Own
            owner: sales
            rollup: all
            supports: parent
            key_results: [{id: x, title: X, kind: outcome, baseline: 9, target: 1}]
          - {id: parent, title: Parent}
    """

    def test_defaults_supply_missing_keys(self, load: Load) -> None:
        config = load(okrs=self.OKRS)
        assert (objective(config, "service").owner, objective(config, "service").rollup) == ("support", "weakest")
        calls = key_result(config, "calls")
        assert (calls.unit, calls.stale_after, calls.confidence) == ("calls", timedelta(days=10), 0.5)
        assert reading(config, "calls").take == "sum"
        assert "n.csv" in reading(config, "calls").stream
        assert [link.lag for link in key_result(config, "work").drives] == [timedelta(weeks=2)]

    def test_keys_of_an_entry_win_over_defaults(self, load: Load) -> None:
        config = load(okrs=self.OKRS)
        assert (objective(config, "own-objective").owner, objective(config, "own-objective").rollup) == ("sales", "all")
        own = key_result(config, "own")
        assert (own.unit, own.stale_after) == ("h", timedelta(days=3))
        assert reading(config, "own").take == "latest"
        assert "x.csv" in reading(config, "own").stream
        assert [link.lag for link in key_result(config, "more").drives] == [timedelta(days=1)]

    def test_an_objective_without_key_results_is_rolled_up_from_those_that_support_it(self, load: Load) -> None:
        parent = objective(load(okrs=self.OKRS), "parent")
        assert (parent.rollup, parent.owner) == ("supporting", "support")

    def test_a_default_of_null_is_no_default(self, load: Load) -> None:
        okrs = dedent(self.OKRS).replace("  owner: support", "  owner: null\n  pace: null")
        assert key_result(load(okrs=okrs), "calls").pace == "linear"

    def test_a_lag_belongs_to_links_alone(self, load: Load) -> None:
        assert key_result(load(okrs=self.OKRS), "calls").drives == ()

    def test_defaults_apply_to_their_own_file_only(self, load: Load) -> None:
        other = self.OKRS.partition("        objectives:")[2].replace("id: ", "id: b-").replace(": calls", ": b-calls")
        other = other.replace("outcome: b-calls", "outcome: b-calls").replace("supports: parent", "supports: b-parent")
        text = "        period: 2026-Q4\n        objectives:" + other.replace(
            "from: local, cell", "from: local, file: y.csv, cell"
        )
        config = load(a=self.OKRS, b=text)
        assert objective(config, "b-service").owner is None
        assert key_result(config, "b-calls").unit is None


class TestGoals:
    OKRS = """
        period: 2026-Q4
        objectives:
          - id: o
            title: O
            key_results:
              - {id: levels, title: L, kind: output, levels: {commit: 10, target: 20, stretch: 30}}
              - {id: stones, title: M, kind: outcome, milestones: [{title: a, by: 2026-10-31}, {title: b, weight: 2}]}
              - {id: valued, title: V, kind: outcome, milestones: [{title: a, at: 10}, {title: b, at: 40}]}
              - {id: steps, title: S, kind: output, target: 9, pace: {steps: [{by: 2026-10-31, value: 3}]}}
              - id: guarded
                title: G
                kind: output
                target: 9
                guard:
                  title: It works
                  measure: {from: local, file: n.csv, cell: B2}
                  keep: {at_most: 3}
                  stale_after: 5d
    """

    def test_levels_make_a_target(self, load: Load) -> None:
        assert key_result(load(okrs=self.OKRS), "levels").goal == Target(20, 0, 10, 30)

    def test_milestones_count_up_unless_they_have_values(self, load: Load) -> None:
        config = load(okrs=self.OKRS)
        stones, valued = key_result(config, "stones").goal, key_result(config, "valued").goal
        assert isinstance(stones, Milestones)
        assert [(step.at, step.weight) for step in stones.steps] == [(1, 1), (2, 2)]
        assert stones.steps[0].by == datetime(2026, 11, 1, tzinfo=UTC)
        assert isinstance(valued, Milestones)
        assert [step.at for step in valued.steps] == [10, 40]

    def test_a_step_is_by_the_end_of_its_day(self, load: Load) -> None:
        assert key_result(load(okrs=self.OKRS), "steps").pace == Steps(((datetime(2026, 11, 1, tzinfo=UTC), 3.0),))

    def test_a_guard_is_a_key_result_of_its_own_with_a_band(self, load: Load) -> None:
        guard = key_result(load(okrs=self.OKRS), "guarded:guard")
        assert (guard.goal, guard.title, guard.stale_after) == (Band(at_most=3), "It works", timedelta(days=5))
        assert guard.measure is not None


def test_parts_take_the_keys_of_their_formula_unless_they_have_their_own(load: Load) -> None:
    config = load(
        okrs="""
        period: 2026-Q4
        objectives:
          - id: o
            title: O
            key_results:
              - id: r
                title: R
                kind: outcome
                target: 5
                measure:
                  from: tickets
                  window: {since: 2026-10-10}
                  formula: bugs / all_of_them
                  parts:
                    bugs: {jql: type = Bug, where: {priority: High}}
                    all_of_them: {jql: project = KB, window: 28d}
        """
    )
    bugs, everything = leaves(key_result(config, "r").measure)
    assert bugs.connection == everything.connection == "tickets"
    assert (bugs.window, everything.window) == (Window(since=date(2026, 10, 10)), Window(days=28))
