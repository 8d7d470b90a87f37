"""Edits that concern key results but are not in their definitions: edits of objectives, of the settings that judge a
period, and of ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

from syncd.explain.edit import Edit, differing, duration_text
from syncd.explain.replacements import Replacements
from syncd.ledger import Ledger, OutlineVersion
from syncd.ledger.moves import Move
from syncd.ledger.outlines import SETTINGS, Outline

OBJECTIVE = "objective"
"""The key of an edit that put a key result into another objective. `objective.KEY` is the key of an edit of the
objective's own key KEY.
"""


KEY_RESULTS = "key_results"
"""The key of an edit that changed which key results an objective has."""


class PeriodEdits:
    """The edits of a period. Reads the ledger only once for all key results."""

    def __init__(self, ledger: Ledger, period: str) -> None:
        self._ledger = ledger
        self._period = period

    def of_key_result(self, key_result: str, first_cycle: int, until: int | None) -> Iterator[Edit]:
        """Yields the edits of a key result's id, of its objective, and of its period's id and settings, and its moves
        to another objective. `first_cycle` is the first cycle that saw the key result.
        """
        for move in self._moves:
            if until is not None and move.cycle > until:
                continue
            if move.key_result == key_result:
                yield Edit(move.at, move.file, "id", move.old, move.new)
            elif not move.key_result and first_cycle <= move.cycle:
                yield Edit(move.at, move.file, "period.id", move.old, move.new)
        objective: tuple[str, Mapping[str, Any]] | None = None
        outlines: dict[str, Outline] = {}
        for cycle, met in groupby(self._outlines, key=lambda version: version.cycle):
            if until is not None and cycle > until:
                return
            last_met = list(met)
            at, before = last_met[0].ended_at, outlines.get(SETTINGS)
            outlines |= {version.subject: version.outline for version in last_met}
            settings = outlines.get(SETTINGS)
            if before and settings and before.body and settings.body and cycle > first_cycle:
                for change in settings_changes(before.body, settings.body):
                    yield Edit(at, settings.file, *change)
            for name, outline in outlines.items():
                if outline.body is None or key_result not in outline.body.get("key_results", ()):
                    continue
                if objective is not None:
                    if name != objective[0]:
                        yield Edit(at, outline.file, OBJECTIVE, objective[0], name)
                    for key, old, new in objective_changes(objective[1], outline.body):
                        if key != KEY_RESULTS or name == objective[0]:
                            yield Edit(at, outline.file, f"{OBJECTIVE}.{key}", old, new)
                objective = name, outline.body

    def of_objectives(self, until: int) -> Iterator[tuple[str, Sequence[str], Edit]]:
        """Yields the edits of each objective up to a cycle, as (objective's id, ids of its key results, edit)."""
        subjects = dict.fromkeys(version.subject for version in self._outlines)
        for subject in subjects:
            versions = [v for v in self._outlines if v.subject == subject and v.cycle <= until]
            for before, after in pairwise(versions):
                old, new = before.outline.body, after.outline.body
                if subject != SETTINGS and old is not None and new is not None:
                    for key, was, becomes in objective_changes(old, new):
                        edit = Edit(after.ended_at, after.outline.file, f"{OBJECTIVE}.{key}", was, becomes)
                        yield subject, new["key_results"], edit

    @cached_property
    def replacements(self) -> Replacements:
        """Finds the period that this period replaced, and the key results that its key results replaced."""
        return Replacements(self._ledger, self._period, self._outlines)

    @cached_property
    def _outlines(self) -> Sequence[OutlineVersion]:
        return self._ledger.outlines.of_period(self._period)

    @cached_property
    def _moves(self) -> Sequence[Move]:
        return self._ledger.moves.of_period(self._period)


def objective_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The differences between two outlines of an objective, each as (key, old value, new value)."""
    return differing(_as_listed(old), _as_listed(new))


def _as_listed(outline: Mapping[str, Any]) -> dict[str, Any]:
    """An outline in a form for comparison. It lacks `supports_in`, which follows from `supports`; its key results are
    in a fixed order.
    """
    rest = {key: value for key, value in outline.items() if key != "supports_in"}
    return rest | {KEY_RESULTS: ", ".join(sorted(outline.get("key_results", ())))}


def settings_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The differences between two outlines of a period's settings, each as (key, old value, new value)."""
    return differing(_as_written(old), _as_written(new))


def _as_written(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: duration_text(value) if key == "settle" else value for key, value in settings.items()}
