"""The example mappings and the sandbox's truth describe the same key results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from syncd.sandbox import DEMO_NOW
from syncd.sandbox.story import build
from syncd.sandbox.truth import key_results

FOLDER = Path(__file__).parents[2] / "mappings"
OBJECTIVES: list[dict[str, Any]] = [
    objective
    for file in sorted(FOLDER.glob("*.yaml"))
    for objective in yaml.safe_load(file.read_text(encoding="utf-8"))["objectives"]
]
KEY_RESULTS = {key_result["id"]: key_result for objective in OBJECTIVES for key_result in objective["key_results"]}


def days(text: str | int) -> int:
    return int(text) if str(text) == "0" else int(str(text)[:-1]) * {"d": 1, "w": 7}[str(text)[-1]]


def links(output: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    drives = output["drives"]
    if isinstance(drives, str):
        return ((drives, days(output.get("lag", 0))),)
    return tuple((link["outcome"], days(link.get("lag", 0))) for link in drives)


def test_objectives_are_the_same_in_both() -> None:
    mapped = {
        objective["id"]: (
            {key_result["id"] for key_result in objective["key_results"]},
            objective.get("rollup", "outcomes"),
        )
        for objective in OBJECTIVES
    }
    counted = {
        objective.id: ({key_result.id for key_result in objective.key_results}, objective.rollup)
        for objective in key_results.OBJECTIVES
    }
    assert mapped == counted
    assert all(3 <= len(ids) <= 5 for ids, _ in mapped.values())


def test_key_results_are_the_same_in_both() -> None:
    for objective in key_results.OBJECTIVES:
        for outcome in objective.outcomes:
            mapped = KEY_RESULTS[outcome.id]
            assert mapped["kind"] == "outcome"
            assert mapped.get("weight", 1) == outcome.weight
            if outcome.keep:
                assert mapped["keep"] == {"at_least": outcome.keep[0]}
            else:
                assert (mapped["baseline"], mapped["target"]) == (outcome.baseline, outcome.target)
            assert (days(mapped["stale_after"]) if "stale_after" in mapped else None) == outcome.stale_after
        for output in objective.outputs:
            mapped = KEY_RESULTS[output.id]
            shape = (mapped["kind"], mapped["target"], mapped.get("pace", "linear"), mapped.get("weight", 1))
            assert shape == ("output", output.target, output.pace, output.weight)
            assert links(mapped) == output.drives


def test_every_way_to_take_a_number_is_used() -> None:
    measures = [key_result["measure"] for key_result in KEY_RESULTS.values()]
    takes = {measure.get("take") for measure in measures}
    assert takes >= {"count", "sum", "average", "median", "p90", "min", "max", "distinct", "latest", "first", "change"}
    connections = {measure["from"] for measure in measures}
    assert connections == {"code", "apps", "tickets", "helpdesk", "numbers", "local", "metrics", "warehouse"}


def test_spreadsheets_and_repositories_of_the_mappings_exist() -> None:
    world = build(7, DEMO_NOW)
    for key_result in KEY_RESULTS.values():
        measure = key_result["measure"]
        if "spreadsheet" in measure:
            assert measure["spreadsheet"] in world.sheets.spreadsheets
        for repo in [measure["repo"]] if isinstance(measure.get("repo"), str) else measure.get("repo", []):
            assert repo == "acme/*" or world.github.repo(repo)
