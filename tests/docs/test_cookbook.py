"""The cookbook is right: no finding, tests that pass for a reason, and the whole language in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from syncd.config import Config, load_config
from syncd.config.document import read_document
from syncd.config.mapping_test_keys import About, ExpectKeys
from syncd.config.mapping_tests import MappingTest
from syncd.config.trials import differences
from syncd.okr.alignment import Verdict
from syncd.okr.goals import Band, Health, KeyResult, Level, Milestones, Steps, Target
from syncd.okr.measures import Filter, FormulaMeasure, Leaf, ReadingMeasure, RecordMeasure, leaves
from syncd.okr.spans import Window

FOLDER = Path(__file__).parents[2] / "docs/cookbook"
CASES = sorted(path for path in (FOLDER / "mappings").glob("*.yaml") if path.name != "measures.yaml")
CONFIG = load_config(FOLDER / "syncd.yaml")


@dataclass(frozen=True)
class Cookbook:
    """All that the thirteen files say: as models, and by file as it is written, for what models no longer show."""

    config: Config
    written: dict[str, Any]

    @property
    def key_results(self) -> list[KeyResult]:
        """Every key result of every period, each after its guard."""
        return [kr for okrs in self.config.periods for kr in okrs.measured]

    @property
    def leaves(self) -> list[Leaf]:
        """Every measure that rests on facts themselves."""
        return [leaf for kr in self.key_results for leaf in leaves(kr.measure)]

    @property
    def filters(self) -> list[Filter]:
        """Every condition on records."""
        return [rule for leaf in self.leaves if isinstance(leaf, RecordMeasure) for rule in leaf.filters]

    def targets(self) -> Iterator[Target]:
        """Every goal that is a target."""
        return (kr.goal for kr in self.key_results if isinstance(kr.goal, Target))

    def parts(self, key: str) -> bool:
        """Whether a measure of readings says this key of its connector."""
        return any(f'"{key}":' in leaf.part for leaf in self.leaves if isinstance(leaf, ReadingMeasure))

    def said(self, key: str) -> list[Any]:
        """What stands under this key, anywhere in the files."""
        return list(_under(key, self.written))


def _under(key: str, data: Any) -> Iterator[Any]:
    for name, inner in data.items() if isinstance(data, dict) else enumerate(data if isinstance(data, list) else ()):
        if name == key:
            yield inner
        yield from _under(key, inner)


@pytest.fixture(scope="module")
def cookbook() -> Cookbook:
    return Cookbook(CONFIG, {path.stem: read_document(path, path.name).data for path in CASES})


# -- the files


def test_there_are_thirteen_cases_and_the_page_lists_each() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^## .*\n\n\[([\w-]+\.yaml)\]\(mappings/\1\): ", page, re.MULTILINE)
    assert len(CASES) == 13
    assert sorted(listed) == [path.name for path in CASES]


def test_no_file_has_a_finding() -> None:
    assert [str(problem) for problem, _ in CONFIG.findings()] == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_whole(path: Path) -> None:
    """One objective of three to five key results, with outcomes, outputs and lags; and two tests or more."""
    data = read_document(path, path.name).data
    ids = {objective["id"] for objective in data["objectives"] if objective.get("key_results")}
    (objective,) = (one for okrs in CONFIG.periods for one in okrs.objectives if one.id in ids)
    assert 3 <= len(objective.key_results) <= 5
    assert {kr.kind for kr in objective.key_results} == {"outcome", "output"}
    assert objective.owner
    for kr in objective.key_results:
        assert kr.unit or kr.kind == "output", kr.id
        assert all(link.lag for link in kr.drives), kr.id
        assert bool(kr.drives) == (kr.kind == "output"), kr.id
        counts = isinstance(kr.measure, RecordMeasure) and kr.measure.take in ("count", "sum", "distinct")
        assert kr.guard or kr.kind == "outcome" or not counts, kr.id
    assert 2 <= len(data["tests"]) <= 6
    assert "#" in path.read_text(encoding="utf-8").partition("objectives:")[2]


def test_the_tests_show_each_verdict_an_unknown_and_a_broken_guard() -> None:
    expected = [(name, keys) for test in CONFIG.tests for name, keys in test.expect.items()]
    verdicts = {verdict for _, keys in expected for verdict in keys.alignment.values()}
    assert verdicts == set(get_args(Verdict))
    for path in CASES:
        mine = [
            keys for test in CONFIG.tests if Path(test.document.file).name == path.name for keys in test.expect.values()
        ]
        assert any("value" in keys.model_fields_set and keys.value is None for keys in mine), f"{path}: no unknown"


# -- their tests


def name_of(test: MappingTest) -> str:
    return f"{Path(test.document.file).stem}: {test.name}"


@pytest.mark.parametrize("test", CONFIG.tests, ids=name_of)
def test_a_test_passes(test: MappingTest) -> None:
    assert differences(test, CONFIG.shares) == []


@pytest.mark.parametrize("test", CONFIG.tests, ids=name_of)
def test_a_test_fails_with_any_other_expectation(test: MappingTest) -> None:
    broken = list(otherwise(test))
    assert broken
    for what, other in broken:
        (found,) = differences(other, CONFIG.shares)
        assert found.of == what


def otherwise(test: MappingTest) -> Iterator[tuple[str, MappingTest]]:
    """The test with one of its expectations changed, each in turn; and what is changed."""
    for name, keys in test.expect.items():
        for key in keys.model_fields_set - {"alignment"}:
            yield f"{name}.{key}", expecting(test, name, keys, {key: another(key, getattr(keys, key))})
        for outcome, verdict in keys.alignment.items():
            other = next(one for one in get_args(Verdict) if one != verdict)
            changed = {"alignment": {**keys.alignment, outcome: other}}
            yield f"{name}.alignment.{outcome}", expecting(test, name, keys, changed)


def expecting(test: MappingTest, name: str, keys: ExpectKeys, changed: dict[str, Any]) -> MappingTest:
    return replace(test, expect={**test.expect, name: keys.model_copy(update=changed)})


def another(key: str, value: Any) -> Any:
    if isinstance(value, About):
        return About(number=value.number + 2 * 10.0**-value.places, places=value.places)
    words = {"health": get_args(Health), "level": get_args(Level)}.get(key)
    return next(one for one in words if one != value) if words else About(number=0, places=0)


# -- the language

FEATURES: dict[str, Callable[[Cookbook], bool]] = {
    "formula": lambda all_: any(isinstance(kr.measure, FormulaMeasure) for kr in all_.key_results),
    "formula over two systems": lambda all_: any(
        len({part.connection for part in leaves(kr.measure)}) > 1 for kr in all_.key_results
    ),
    "formula over records": lambda all_: any(
        isinstance(kr.measure, FormulaMeasure) and any(isinstance(part, RecordMeasure) for part in leaves(kr.measure))
        for kr in all_.key_results
    ),
    "guard": lambda all_: any(kr.guard for kr in all_.key_results),
    "levels: commit, target, stretch": lambda all_: any(len(target.levels) == 3 for target in all_.targets()),
    "keep: at_least": lambda all_: any(
        isinstance(kr.goal, Band) and kr.goal.at_least is not None for kr in all_.key_results
    ),
    "keep: at_most": lambda all_: any(
        isinstance(kr.goal, Band) and kr.goal.at_most is not None for kr in all_.key_results
    ),
    "milestones with days": lambda all_: any(
        isinstance(kr.goal, Milestones) and all(step.by for step in kr.goal.steps) for kr in all_.key_results
    ),
    "milestones without days": lambda all_: any(
        isinstance(kr.goal, Milestones) and not any(step.by for step in kr.goal.steps) for kr in all_.key_results
    ),
    "milestones with weights": lambda all_: any(
        isinstance(kr.goal, Milestones) and len({step.weight for step in kr.goal.steps}) > 1 for kr in all_.key_results
    ),
    "milestones at": lambda all_: any(step.get("at") for steps in all_.said("milestones") for step in steps),
    "a target that falls": lambda all_: any(target.falls for target in all_.targets()),
    "pace: linear": lambda all_: any(kr.pace == "linear" for kr in all_.key_results),
    "pace: end": lambda all_: any(kr.pace == "end" for kr in all_.key_results),
    "pace: steps": lambda all_: any(isinstance(kr.pace, Steps) for kr in all_.key_results),
    "confidence": lambda all_: any(kr.confidence is not None for kr in all_.key_results),
    "weight of a key result": lambda all_: {0, 0.5, 2} <= {kr.weight for kr in all_.key_results},
    "weight of an objective": lambda all_: any(
        one.weight != 1 for okrs in all_.config.periods for one in okrs.objectives
    ),
    "supports": lambda all_: any(one.supports for okrs in all_.config.periods for one in okrs.objectives),
    **{
        f"rollup: {rollup}": lambda all_, rollup=rollup: any(
            one.rollup == rollup for okrs in all_.config.periods for one in okrs.objectives
        )
        for rollup in ("outcomes", "all", "weakest", "supporting")
    },
    "drives several, each with its lag": lambda all_: any(
        len({link.lag for link in kr.drives}) > 1 for kr in all_.key_results
    ),
    "stale_after": lambda all_: any(kr.stale_after for kr in all_.key_results),
    "plausible: bounds": lambda all_: any(kr.plausible and kr.plausible.at_most for kr in all_.key_results),
    "plausible: jump": lambda all_: any(kr.plausible and kr.plausible.jump for kr in all_.key_results),
    "plausible: jump as a share": lambda all_: any(kr.plausible and kr.plausible.jump_share for kr in all_.key_results),
    "no measure": lambda all_: any(kr.measure is None for kr in all_.key_results),
    "window: the period": lambda all_: any(leaf.window == Window() for leaf in all_.leaves),
    "window: rolling": lambda all_: any(leaf.window.days for leaf in all_.leaves),
    "window: since and until": lambda all_: any(leaf.window.since and leaf.window.until for leaf in all_.leaves),
    "window: settled": lambda all_: any(leaf.window.settled for leaf in all_.leaves),
    "per": lambda all_: any(leaf.per for leaf in all_.leaves),
    **{
        f"take {take}": lambda all_, take=take: any(leaf.take == take for leaf in all_.leaves)
        for take in (
            *("count", "sum", "average", "median", "p90", "min", "max", "distinct", "share"),
            *("latest", "first", "change"),
        )
    },
    **{
        f"of {name}": lambda all_, name=name: any(
            isinstance(leaf, RecordMeasure) and leaf.of == name for leaf in all_.leaves
        )
        for name in ("lead_time", "cycle_time", "Story Points")
    },
    "cycle_time of Jira": lambda all_: all(
        all_.config.connections[leaf.connection].kind == "jira"
        for leaf in all_.leaves
        if isinstance(leaf, RecordMeasure) and leaf.of == "cycle_time"
    ),
    "where: a value": lambda all_: any(_values(rule) == 1 and not rule.negated for rule in all_.filters),
    "where: a list": lambda all_: any(_values(rule) > 1 and not rule.negated for rule in all_.filters),
    "where: null": lambda all_: any(None in rule.any_of for rule in all_.filters),
    "where: not_ a value": lambda all_: any(_values(rule) == 1 and rule.negated for rule in all_.filters),
    "where: not_ a list": lambda all_: any(_values(rule) > 1 and rule.negated for rule in all_.filters),
    "where: at_least a number": lambda all_: any(isinstance(rule.at_least, int | float) for rule in all_.filters),
    "where: at_least a day": lambda all_: any(isinstance(rule.at_least, str) for rule in all_.filters),
    "where: at_most": lambda all_: any(rule.at_most is not None for rule in all_.filters),
    "every kind of record of GitHub": lambda all_: (
        {leaf.kind for leaf in all_.leaves if isinstance(leaf, RecordMeasure) and leaf.kind}
        >= {"issue", "release", "deployment", "workflow run", "deployed pull request"}
    ),
    "cell": lambda all_: all_.parts("cell"),
    "series": lambda all_: all_.parts("series"),
    "lookup": lambda all_: all_.parts("lookup"),
    "as: decimal, thousands": lambda all_: all_.parts("decimal") and all_.parts("thousands"),
    "as: percent": lambda all_: all_.parts("percent"),
    "as: date": lambda all_: all_.parts("date"),
    "a measure by its name": lambda all_: any(isinstance(measure, str) for measure in all_.said("measure")),
    "a measure by its name, and more": lambda all_: any(
        {"use", "window"} <= measure.keys() for measure in all_.said("measure") if isinstance(measure, dict)
    ),
    "defaults of key results": lambda all_: any(
        {"lag", "stale_after"} <= said.keys() for said in all_.said("defaults")
    ),
    "defaults of measures": lambda all_: any("measures" in said for said in all_.said("defaults")),
    "period: a year, a half, a quarter, days": lambda all_: (
        {"2026", "2026-H2", "2026-Q4", "winter"} == {okrs.period.id for okrs in all_.config.periods}
    ),
    "every kind of connection": lambda all_: (
        {all_.config.connections[leaf.connection].kind for leaf in all_.leaves}
        == {"github", "jira", "sheets", "files", "http"}
    ),
    "files: CSV and XLSX": lambda all_: (
        {".csv", ".xlsx"} <= {Path(leaf.stream).suffix for leaf in all_.leaves if isinstance(leaf, ReadingMeasure)}
    ),
}


def _values(rule: Filter) -> int:
    return len([value for value in rule.any_of if value is not None])


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_of_the_language_is_used(feature: str, cookbook: Cookbook) -> None:
    assert FEATURES[feature](cookbook)
