"""The edits that concern a key result, each with the file, the key, the time, and the old and new value."""

from __future__ import annotations

from itertools import pairwise

from syncd.explain.definition_keys import key_changes
from syncd.explain.edit import Edit, differing
from syncd.explain.period_edits import PeriodEdits
from syncd.ledger import Ledger
from syncd.ledger.definitions import JUDGED_BY


def edits(
    ledger: Ledger, period: str, key_result: str, until: int | None = None, of_period: PeriodEdits | None = None
) -> list[Edit]:
    """Every edit that concerns a key result, up to a cycle, oldest first. These are edits of its definition, its
    objective, its id, and its period's days, id and settings. If the key result replaced another key result, the
    differences between their definitions are edits too.

    Pass `of_period` to get the edits of many key results: the edits of their period are then read only once.
    """
    versions = ledger.definitions.of(period, key_result, until)
    if not versions:
        return []
    every: list[Edit] = []
    for before, after in pairwise(versions):
        at, file, old, new = after.ended_at, after.definition.file, before.definition.body, after.definition.body
        every.extend(Edit(at, file, *change) for change in key_changes(old, new))
        if JUDGED_BY in old and JUDGED_BY in new:  # definitions of early versions lack it
            every.extend(
                Edit(at, file if key.startswith("period.") else "syncd.yaml", key, before, after)
                for key, before, after in differing(old[JUDGED_BY], new[JUDGED_BY])
            )
    of_period = of_period or PeriodEdits(ledger, period)
    around = of_period.of_key_result(key_result, versions[0].cycle, until)
    replaced = of_period.replacements.of_key_result(key_result, versions[0], until)
    return sorted([*around, *replaced, *every], key=lambda edit: edit.at)
