"""Every key of the mapping language that can move a score is a dated fact once it is edited.

Each key of each model of the language is edited here, or is named with the reason why no score depends on it. A key
that is added to the language fails this test until somebody does one of the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from syncd.config import Config, load_config
from syncd.config.catalogue import connector
from syncd.config.goal_keys import GuardKeys, Keep, LevelsKeys, MilestoneKeys, PaceKeys, PlausibleKeys, StepKeys
from syncd.config.mapping_keys import Defaults, Drives, KeyResultKeys, MappingFile, Moved, ObjectiveKeys, PeriodDays
from syncd.config.measure_keys import FormulaKeys, measure_model
from syncd.config.messages import _models_in
from syncd.explain.definition_keys import key_changes
from syncd.explain.edit import differing
from syncd.explain.period_edits import objective_changes
from syncd.ledger.definitions import JUDGED_BY, definition
from syncd.ledger.outlines import objective_outline

SETTINGS = """\
mappings: okrs.json.yaml
connections:
  local: {type: files, root: .}
  other: {type: files, root: .}
  code: {type: github, token: "${TOKEN}"}
  tickets: {type: jira, url: "http://127.0.0.1:1", email: a@b.example, token: "${TOKEN}"}
  numbers: {type: sheets, token: "${TOKEN}"}
  api: {type: http, url: "http://127.0.0.1:1", post: true}
"""
SERIES = {"dates": "A2:A", "values": "B2:B"}
FILE = {"from": "local", "file": "a.csv", "series": SERIES}
CELL = {"from": "local", "file": "a.csv", "cell": "B2"}
LOOKUP = {"from": "local", "file": "a.csv", "lookup": {"table": "A1:C9", "row": {"Day": "x"}, "column": "N"}}
SHEET = {"from": "numbers", "spreadsheet": "1AbC", "series": SERIES}
PULLS = {"from": "code", "repo": "acme/web", "what": "merged_pull_requests"}
ISSUES = {"from": "tickets", "jql": "project = KB"}
API = {"from": "api", "path": "/a", "json": "points[].[day, value]"}
GRAPHQL = {"from": "api", "graphql": "query($of: String) { rows(of: $of) { day value } }", "variables": {"of": "a"},
           "json": "data.rows[].[day, value]", "path": "/graphql"}  # fmt: skip
COUNTED = {**API, "params": {"p": 1, "q": 1}}
LEVELS = {"target": 600, "commit": 900}
PARTS = {"a": CELL, "b": {**CELL, "cell": "B3"}}
FORMULA = {"formula": "a + b", "parts": PARTS}
GUARD = {"keep": {"at_least": 1, "at_most": 9}, "measure": CELL}
STEPS = {"steps": [{"by": "2026-11-01", "value": 700}, {"by": "2026-12-01", "value": 650}]}
MILESTONES = [{"title": "a", "at": 1, "by": "2026-11-01"}, {"title": "b", "at": 2, "by": "2026-12-01"}]

Change = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The keys before an edit and after it."""


def measure(old: Mapping[str, Any], **new: Any) -> Change:
    return {"measure": old}, {"measure": {**old, **new}}


OF_KEY_RESULTS: dict[str, Change] = {
    "KeyResultKeys.kind": ({}, {"kind": "output"}),
    "KeyResultKeys.baseline": ({}, {"baseline": 1100}),
    "KeyResultKeys.target": ({}, {"target": 900}),
    "KeyResultKeys.levels": ({}, {"target": None, "levels": {"target": 600, "commit": 900}}),
    "KeyResultKeys.milestones": ({}, {"target": None, "baseline": None, "milestones": MILESTONES}),
    "KeyResultKeys.keep": ({}, {"target": None, "baseline": None, "keep": {"at_least": 5}}),
    "KeyResultKeys.weight": ({}, {"weight": 5}),
    "KeyResultKeys.pace": ({}, {"pace": "end"}),
    "KeyResultKeys.stale_after": ({}, {"stale_after": "90d"}),
    "KeyResultKeys.plausible": ({}, {"plausible": {"at_most": 5000}}),
    "KeyResultKeys.guard": ({}, {"guard": GUARD}),
    "KeyResultKeys.measure": ({}, {"measure": CELL}),
    "KeyResultKeys.unit": ({}, {"unit": "calls/month"}),
    "KeyResultKeys.owner": ({}, {"owner": "ben"}),
    "KeyResultKeys.title": ({}, {"title": "Calls fall a little"}),
    "KeyResultKeys.confidence": ({}, {"confidence": 0.9}),
    "KeyResultKeys.drives": ({"kind": "output", "drives": "x"}, {"kind": "output"}),
    "KeyResultKeys.lag": ({"kind": "output", "drives": "x"}, {"kind": "output", "drives": "x", "lag": "30d"}),
    "Drives.outcome": (
        {"kind": "output", "drives": [{"outcome": "x"}]},
        {"kind": "output", "drives": [{"outcome": "y"}]},
    ),
    "Drives.lag": (
        {"kind": "output", "drives": [{"outcome": "x"}]},
        {"kind": "output", "drives": [{"outcome": "x", "lag": "9d"}]},
    ),
    **{
        f"LevelsKeys.{key}": (
            {"target": None, "levels": LEVELS},
            {"target": None, "levels": {**LEVELS, key: value}},
        )
        for key, value in {"commit": 800, "target": 700, "stretch": 500}.items()
    },
    **{
        f"MilestoneKeys.{key}": (
            {"target": None, "baseline": None, "milestones": MILESTONES},
            {"target": None, "baseline": None, "milestones": [MILESTONES[0], {**MILESTONES[1], key: value}]},
        )
        for key, value in {"title": "c", "at": 5, "weight": 3, "by": "2026-12-30"}.items()
    },
    **{
        f"Keep.{key}": (
            {"target": None, "baseline": None, "keep": {"at_least": 1, "at_most": 9}},
            {"target": None, "baseline": None, "keep": {"at_least": 1, "at_most": 9, key: 5}},
        )
        for key in ("at_least", "at_most")
    },
    "PaceKeys.steps": ({}, {"pace": STEPS}),
    "StepKeys.by": ({"pace": STEPS}, {"pace": {"steps": [STEPS["steps"][0], {"by": "2026-12-20", "value": 650}]}}),
    "StepKeys.value": ({"pace": STEPS}, {"pace": {"steps": [STEPS["steps"][0], {"by": "2026-12-01", "value": 690}]}}),
    **{
        f"PlausibleKeys.{key}": ({"plausible": {"at_least": 0, "at_most": 5000, "jump": 10}}, {"plausible": changed})
        for key, changed in {
            "at_least": {"at_least": 5, "at_most": 5000, "jump": 10},
            "at_most": {"at_least": 0, "at_most": 9000, "jump": 10},
            "jump": {"at_least": 0, "at_most": 5000, "jump": "50%"},
        }.items()
    },
    **{
        f"GuardKeys.{key}": ({"guard": GUARD}, {"guard": {**GUARD, key: value}})
        for key, value in {
            "title": "Quality",
            "measure": {**CELL, "cell": "B9"},
            "keep": {"at_least": 0},
            "stale_after": "90d",
        }.items()
    },
    "files.from": measure(FILE, **{"from": "other"}),
    "files.file": measure(FILE, file="b.csv"),
    "files.series": measure(FILE, series={"dates": "A2:A", "values": "D2:D"}),
    "files.cell": measure(CELL, cell="B9"),
    "files.lookup": measure(LOOKUP, lookup={**LOOKUP["lookup"], "column": "M"}),
    "files.header": measure({**FILE, "series": {"dates": "Day", "values": "N"}}, header=3),
    "files.delimiter": measure(FILE, delimiter=";"),
    "files.window": measure(FILE, window="28d"),
    "files.take": measure(FILE, take="max"),
    "files.per": measure({**FILE, "take": "sum"}, per="week"),
    "files.as": measure(FILE, **{"as": {"percent": True}}),
    "Series.dates": measure(FILE, series={"dates": "C2:C", "values": "B2:B"}),
    "Series.values": measure(FILE, series={"dates": "A2:A", "values": "C2:C"}),
    "Lookup.table": measure(LOOKUP, lookup={**LOOKUP["lookup"], "table": "A1:C8"}),
    "Lookup.row": measure(LOOKUP, lookup={**LOOKUP["lookup"], "row": {"Day": "y"}}),
    "Lookup.column": measure(LOOKUP, lookup={**LOOKUP["lookup"], "column": "M"}),
    **{
        f"As.{key}": measure(FILE, **{"as": {key: value}})
        for key, value in {
            "decimal": ",",
            "thousands": ",",
            "percent": True,
            "accounting": True,
            "currency": True,
            "date": "%d.%m.%Y",
        }.items()
    },
    "WindowKeys.since": measure({**FILE, "window": {"since": "2026-10-05"}}, window={"since": "2026-10-15"}),
    "WindowKeys.until": measure({**FILE, "window": {"until": "2026-12-05"}}, window={"until": "2026-12-15"}),
    "WindowKeys.settled": measure({**FILE, "window": {"settled": "7d"}}, window={"settled": "14d"}),
    "sheets.from": measure(SHEET, **{"from": "local", "spreadsheet": None, "file": "a.csv"}),
    "sheets.spreadsheet": measure(SHEET, spreadsheet="2XyZ"),
    "sheets.series": measure(SHEET, series={"dates": "A2:A", "values": "D2:D"}),
    "sheets.cell": measure({"from": "numbers", "spreadsheet": "1AbC", "cell": "B2"}, cell="B9"),
    "sheets.lookup": measure(
        {**SHEET, "series": None, "lookup": LOOKUP["lookup"]}, lookup={**LOOKUP["lookup"], "column": "M"}
    ),
    "sheets.header": measure({**SHEET, "series": {"dates": "Day", "values": "N"}}, header=3),
    "sheets.window": measure(SHEET, window="28d"),
    "sheets.take": measure(SHEET, take="max"),
    "sheets.per": measure({**SHEET, "take": "sum"}, per="week"),
    "sheets.as": measure(SHEET, **{"as": {"percent": True}}),
    "github.from": measure(PULLS, **{"from": "tickets", "repo": None, "what": None, "jql": "project = KB"}),
    "github.environment": measure({**PULLS, "what": "deployed_pull_requests"}, environment="staging"),
    "github.repo": measure(PULLS, repo=["acme/web", "acme/app"]),
    "github.what": measure(PULLS, what="closed_issues"),
    "github.where": measure(PULLS, where={"base": "main"}),
    "github.take": measure({**PULLS, "of": "author", "take": "distinct"}, take="count", of=None),
    "github.of": measure({**PULLS, "of": "author", "take": "distinct"}, of="base"),
    "github.window": measure(PULLS, window="28d"),
    "github.per": measure(PULLS, per="week"),
    "jira.from": measure(ISSUES, **{"from": "code", "jql": None, "repo": "acme/web", "what": "releases"}),
    "jira.jql": measure(ISSUES, jql="project = AB"),
    "jira.where": measure(ISSUES, where={"type": "Bug"}),
    "jira.take": measure({**ISSUES, "of": "lead_time", "take": "average"}, take="median"),
    "jira.of": measure({**ISSUES, "of": "lead_time", "take": "average"}, of="Story Points"),
    "jira.window": measure(ISSUES, window="28d"),
    "jira.per": measure(ISSUES, per="week"),
    "http.from": measure(API, **{"from": "local", "path": None, "json": None, "file": "a.csv", "series": SERIES}),
    "http.path": measure(API, path="/b"),
    "http.json": measure(API, json="rows[].[day, value]"),
    "http.method": measure({**API, "method": "POST", "body": {"q": "a"}}, method="GET", body=None),
    "http.body": measure({**API, "method": "POST", "body": {"q": "a"}}, body={"q": "b"}),
    "http.pages": measure(API, pages={"next": "link"}),
    "Pages.next": measure({**API, "pages": {"next": "link"}}, pages={"next": "meta.next"}),
    "Pages.param": measure({**API, "pages": {"next": "meta.next"}}, pages={"next": "meta.next", "param": "page"}),
    "Pages.page": measure({**COUNTED, "pages": {"page": "p"}}, pages={"page": "q"}),
    "Pages.offset": measure({**COUNTED, "pages": {"offset": "p"}}, pages={"offset": "q"}),
    "http.params": measure(API, params={"team": "web"}),
    "http.graphql": measure(GRAPHQL, graphql="query($of: String) { rows(of: $of) { day more } }"),
    "http.variables": measure(GRAPHQL, variables={"of": "b"}),
    "http.window": measure(API, window="28d"),
    "http.take": measure(API, take="max"),
    "http.per": measure({**API, "take": "sum"}, per="week"),
    "http.as": measure(API, **{"as": {"percent": True}}),
    "FormulaKeys.formula": measure(FORMULA, formula="a - b"),
    "FormulaKeys.parts": measure(FORMULA, parts={**PARTS, "b": {**CELL, "cell": "B4"}}),
}
"""Edits of the key result `calls`."""

OF_FILES: dict[str, Change] = {
    "ObjectiveKeys.id": ({}, {"objectives.0.id": "help"}),
    "ObjectiveKeys.title": ({}, {"objectives.0.title": "Customers help themselves"}),
    "ObjectiveKeys.owner": ({}, {"objectives.0.owner": "ben"}),
    "ObjectiveKeys.supports": ({}, {"objectives.0.supports": "larger"}),
    "ObjectiveKeys.weight": ({}, {"objectives.0.weight": 3}),
    "ObjectiveKeys.rollup": ({}, {"objectives.0.rollup": "all"}),
    "ObjectiveKeys.key_results": ({}, {"objectives.0.key_results.3": None}),
    "KeyResultKeys.id": ({}, {"objectives.0.key_results.0.id": "rings"}),
    "Moved.from": ({"objectives.0.key_results.0.id": "rings"}, {}),
    "MappingFile.objectives": ({}, {"objectives.0.rollup": "weakest"}),
    "MappingFile.period": ({}, {"period": {"start": "2026-10-02", "end": "2026-12-31", "id": "2026-Q4"}}),
    "PeriodDays.start": (
        {"period": {"start": "2026-10-01", "end": "2026-12-31", "id": "q"}},
        {"period": {"start": "2026-10-09", "end": "2026-12-31", "id": "q"}},
    ),
    "PeriodDays.end": (
        {"period": {"start": "2026-10-01", "end": "2026-12-31", "id": "q"}},
        {"period": {"start": "2026-10-01", "end": "2027-01-31", "id": "q"}},
    ),
    "MappingFile.measures": (
        {"measures": {"m": CELL}, "objectives.0.key_results.0.measure": "m"},
        {"measures": {"m": {**CELL, "cell": "B9"}}, "objectives.0.key_results.0.measure": "m"},
    ),
    "MappingFile.defaults": ({}, {"defaults": {"pace": "end"}}),
    "Defaults.owner": ({}, {"defaults": {"owner": "ben"}}),
    "Defaults.rollup": ({}, {"defaults": {"rollup": "all"}}),
    "Defaults.unit": ({}, {"defaults": {"unit": "calls"}}),
    "Defaults.pace": ({}, {"defaults": {"pace": "end"}}),
    "Defaults.confidence": ({}, {"defaults": {"confidence": 0.5}}),
    "Defaults.stale_after": ({}, {"defaults": {"stale_after": "90d"}}),
    "Defaults.plausible": ({}, {"defaults": {"plausible": {"at_most": 5000}}}),
    "Defaults.lag": ({}, {"defaults": {"lag": "30d"}}),
    "Defaults.measures": ({}, {"defaults": {"measures": {"local": {"take": "max"}}}}),
}
"""Edits of the whole file, by the place of each key."""

NO_SCORE = {
    "KeyResultKeys.moved": "its edit is the new id",
    "KeyResultKeys.ignore": "a warning that is not shown",
    "ObjectiveKeys.ignore": "a warning that is not shown",
    "MappingFile.tests": "given facts, and no measured ones",
    "PeriodDays.id": "a new id carries the history on, or is compared as a replacement (test_edits_of_the_past)",
}
"""The keys that no score depends on."""

MODELS: tuple[type[BaseModel], ...] = (
    MappingFile, Defaults, PeriodDays, ObjectiveKeys, KeyResultKeys, Drives, Moved, LevelsKeys, MilestoneKeys, Keep,
    PaceKeys, StepKeys, PlausibleKeys, GuardKeys, FormulaKeys,
)  # fmt: skip


def every_key() -> Iterator[str]:
    """Each key of the language, with its model's name, or with that of the connector whose measures have it."""
    for model in MODELS:
        yield from (f"{model.__name__}.{info.alias or name}" for name, info in model.model_fields.items())
    for name in ("files", "sheets", "github", "jira", "http"):
        keys = measure_model(name, connector(name).Measure)  # type: ignore[attr-defined]
        for field, info in keys.model_fields.items():
            yield f"{name}.{info.alias or field}"
            for inner in _models_in(info.annotation):
                yield from (f"{inner.__name__}.{each.alias or key}" for key, each in inner.model_fields.items())


def test_each_key_of_the_language_is_edited_here_or_moves_no_score() -> None:
    assert set(every_key()) == {*OF_KEY_RESULTS, *OF_FILES, *NO_SCORE}


def mapping() -> dict[str, Any]:
    calls = {"id": "calls", "title": "Calls fall", "kind": "outcome", "baseline": 1200, "target": 600, "measure": FILE}
    x, y = ({"id": name, "title": name, "kind": "outcome", "baseline": 0, "target": 9} for name in "xy")
    work = {"id": "work", "title": "9 changes", "kind": "output", "target": 9, "drives": "x", "measure": FILE}
    service = {"id": "service", "title": "Customers find answers", "key_results": [calls, x, y, work]}
    larger = {"id": "larger", "title": "All is well", "key_results": [{**x, "id": "z"}]}
    return {"period": "2026-Q4", "objectives": [service, larger]}


def loaded(folder: Path, changes: Mapping[str, Any]) -> Config:
    """The configuration of the mapping with some keys changed; None takes a key away."""
    data = mapping()
    for place, value in changes.items():
        *holders, last = (int(part) if part.isdigit() else part for part in place.split("."))
        holder: Any = reduce(lambda inner, part: inner[part], holders, data)
        if value is None:
            del holder[last]
        elif isinstance(value, dict) and last == "measure":
            holder[last] = {key: inner for key, inner in value.items() if inner is not None}
        else:
            holder[last] = value
    (folder / "syncd.yaml").write_text(SETTINGS)
    (folder / "okrs.json.yaml").write_text(json.dumps(data))
    return load_config(folder / "syncd.yaml")


def of_calls(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {f"objectives.0.key_results.0.{key}": value for key, value in changes.items()}


def trace(before: Config, after: Config) -> list[str]:
    """The keys of the dated facts that an edit makes: of key results, of their period and of objectives."""
    (old,), (new,) = before.periods, after.periods
    keys: list[str] = []
    for kr in new.key_results:
        if kr.id not in old.by_id:
            keys.append(f"id {kr.id}")
            continue
        bodies = [
            definition(side.by_id[kr.id], side.period, config.shares, "okrs.yaml").body
            for side, config in ((old, before), (new, after))
        ]
        keys += [key for key, _, _ in (*key_changes(*bodies), *differing(*(body[JUDGED_BY] for body in bodies)))]
    objectives = {objective.id: objective for objective in old.objectives}
    for objective in new.objectives:
        if objective.id not in objectives:
            keys.append(f"objective {objective.id}")
        else:
            outlines = [objective_outline(each, "").body or {} for each in (objectives[objective.id], objective)]
            keys += [f"objective.{key}" for key, _, _ in objective_changes(*outlines)]
    return keys


@pytest.mark.parametrize("key", OF_KEY_RESULTS)
def test_an_edit_of_a_key_result_leaves_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("TOKEN", "0123456789abcdef")
    old, new = OF_KEY_RESULTS[key]
    assert trace(loaded(tmp_path, of_calls(old)), loaded(tmp_path, of_calls(new)))


@pytest.mark.parametrize("key", OF_FILES)
def test_an_edit_of_a_file_leaves_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("TOKEN", "0123456789abcdef")
    old, new = OF_FILES[key]
    assert trace(loaded(tmp_path, old), loaded(tmp_path, new))


def test_no_edit_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "0123456789abcdef")
    assert trace(loaded(tmp_path, {}), loaded(tmp_path, {})) == []
