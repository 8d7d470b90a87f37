"""The items that `explain` lists for a number add up to exactly that number, for every key result of the example."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from projects import Project

from syncd.config import load_config
from syncd.okr.answer import aggregate
from syncd.okr.measures import ReadingMeasure, RecordMeasure


@pytest.mark.synced
def test_the_evidence_of_every_key_result_adds_up_to_its_value(project: Project, monkeypatch: Any) -> None:
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    config = load_config(project.folder / "syncd.yaml")
    numbers = 0
    for key_result in config.periods[0].key_results:
        explained = json.loads(project.run("explain", key_result.id, "--json", check=0).stdout)
        brought = [item["brings"] for item in explained["counted"]]
        if explained["value"] is None:
            assert explained["reason"], key_result.id
            continue
        numbers += 1
        measure = key_result.measure
        assert isinstance(measure, RecordMeasure | ReadingMeasure)
        if measure.take == "distinct":
            total: float | None = float(len({value for text in brought for value in text.split(", ")}))
        elif measure.take in ("latest", "first"):
            (total,) = map(float, brought)
        elif measure.take == "change":
            first, last = map(float, brought)
            total = last - first
        else:
            total = aggregate(measure.take, list(map(float, brought)))
        assert total is not None
        assert math.isclose(total, explained["value"], rel_tol=0, abs_tol=0), key_result.id
        assert explained["parts"][0]["arithmetic"].split(" = ")[-1].split()[0] in (
            str(explained["value"]),
            f"{explained['value']:g}",
        )
    assert numbers >= 16
