"""How many titles lint reads rightly, measured on real titles and on our own; they were written before its rules.

`work` names something to do or counts it, `upkeep` a number to keep as it is: as the title of an outcome, lint finds both.
`result` names what changes or is reached, and lint leaves it alone. Each public title has its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

TITLES = Path(__file__).parents[2] / "fixtures/titles"
HALVES = ("public", "own")


def labelled(half: str) -> Sequence[tuple[str, str]]:
    """(label, title) of each line."""
    lines = (TITLES / f"{half}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]


def test_titles_are_many_and_half_of_them_are_public() -> None:
    counts = {half: len(labelled(half)) for half in HALVES}
    assert sum(counts.values()) >= 300
    assert min(counts.values()) >= 150


@pytest.mark.parametrize("half", HALVES)
def test_each_title_has_a_label_and_occurs_once(half: str) -> None:
    titles = labelled(half)
    assert {label for label, _ in titles} == {"work", "result", "upkeep"}
    assert len({title for _, title in titles}) == len(titles)
