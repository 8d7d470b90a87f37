"""How many titles lint reads rightly, measured on real titles and on our own; they were written before its rules.

`work` names something to do or counts it, `upkeep` a number to keep as it is: lint finds both in titles of outcomes.
`result` names what changes or is reached, and lint leaves it alone. Each public title has its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from syncd.okr.lint.titles import says_change, says_upkeep, says_work

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


@pytest.mark.parametrize("half", HALVES)
def test_lint_finds_nine_in_ten_and_has_two_false_alarms_in_a_hundred(half: str) -> None:
    titles = labelled(half)
    disguised = [title for label, title in titles if label != "result"]
    missed = [title for title in disguised if not (says_work(title) or says_upkeep(title))]
    results = [title for label, title in titles if label == "result"]
    alarms = [title for title in results if says_work(title) or says_upkeep(title)]
    hits = 1 - len(missed) / len(disguised)
    print(f"{half}: hits {hits:.1%}, false alarms {len(alarms) / len(results):.1%}; missed {missed}; alarms {alarms}")
    assert hits >= 0.9
    assert len(alarms) <= 0.02 * len(results)


@pytest.mark.parametrize("half", HALVES)
def test_work_is_not_taken_for_upkeep_or_for_a_change(half: str) -> None:
    for label, title in labelled(half):
        assert not (label == "work" and (says_upkeep(title) or says_change(title))), title
        assert not (label == "upkeep" and says_work(title)), title
