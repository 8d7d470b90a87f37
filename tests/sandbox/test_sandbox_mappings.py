"""The example mappings and the truth speak of the same key results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from syncd.sandbox import DEMO_NOW
from syncd.sandbox.story import build
from syncd.sandbox.truth import key_results as results

FOLDER = Path(__file__).parents[2] / "mappings"
OBJECTIVES: list[dict[str, Any]] = [
    one
    for file in sorted(FOLDER.glob("*.yaml"))
    for one in yaml.safe_load(file.read_text(encoding="utf-8"))["objectives"]
]
KEY_RESULTS = {one["id"]: one for objective in OBJECTIVES for one in objective["key_results"]}


def days(text: str | int) -> int:
    return int(text) if str(text) == "0" else int(str(text)[:-1]) * {"d": 1, "w": 7}[str(text)[-1]]


def links(one: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    drives = one["drives"]
    if isinstance(drives, str):
        return ((drives, days(one.get("lag", 0))),)
    return tuple((link["outcome"], days(link.get("lag", 0))) for link in drives)


def test_objectives_are_the_same() -> None:
    told = {one["id"]: ({kr["id"] for kr in one["key_results"]}, one.get("rollup", "outcomes")) for one in OBJECTIVES}
    known = {one.id: ({kr.id for kr in (*one.outcomes, *one.outputs)}, one.rollup) for one in results.OBJECTIVES}
    assert told == known
    assert all(3 <= len(ids) <= 5 for ids, _ in told.values())


def test_key_results_are_the_same() -> None:
    for objective in results.OBJECTIVES:
        for outcome in objective.outcomes:
            told = KEY_RESULTS[outcome.id]
            assert told["kind"] == "outcome"
            assert told.get("weight", 1) == outcome.weight
            if outcome.keep:
                assert told["keep"] == {"at_least": outcome.keep[0]}
            else:
                assert (told["baseline"], told["target"]) == (outcome.baseline, outcome.target)
            assert (days(told["stale_after"]) if "stale_after" in told else None) == outcome.stale_after
        for output in objective.outputs:
            told = KEY_RESULTS[output.id]
            assert (told["kind"], told["target"], told.get("pace", "linear")) == ("output", output.target, output.pace)
            assert links(told) == output.drives


def test_every_way_to_take_a_number_is_used() -> None:
    takes = {one["measure"].get("take") for one in KEY_RESULTS.values()}
    assert takes >= {"count", "sum", "average", "median", "p90", "min", "max", "distinct", "latest", "first", "change"}
    connections = {one["measure"]["from"] for one in KEY_RESULTS.values()}
    assert connections == {"code", "tickets", "helpdesk", "numbers", "local", "metrics"}


def test_what_they_name_exists() -> None:
    world = build(7, DEMO_NOW)
    for one in KEY_RESULTS.values():
        measure = one["measure"]
        if "spreadsheet" in measure:
            assert measure["spreadsheet"] in world.sheets.spreadsheets
        for repo in [measure["repo"]] if isinstance(measure.get("repo"), str) else measure.get("repo", []):
            assert repo == "acme/*" or world.github.repo(repo)
