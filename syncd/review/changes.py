"""Changes of what is measured and judged: edits of key results and of what they share, and what came or went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from syncd.explain.edits import Edit
from syncd.ledger import Ledger
from syncd.okr.goals import Plan, is_guard
from syncd.okr.spans import Span
from syncd.review.known import Known
from syncd.review.model import Change


def changes(
    ledger: Ledger, plan: Plan, edited: Mapping[str, Sequence[Edit]], now: Known, span: Span
) -> Sequence[Change]:
    """The changes that cycles met within a span, by time; an edit that holds for many key results is one."""
    alike: dict[tuple[datetime, str, str], tuple[Edit, list[str]]] = {}
    for name, own in edited.items():
        for edit in own:
            if edit.at in span:
                alike.setdefault((edit.at, edit.file, str(edit)), (edit, []))[1].append(name)
    found = [Change(edit.at, edit.file, names, "edited", edit) for edit, names in alike.values()]
    came_and_went = [*_came(ledger, plan), *_went(ledger, plan, now)]
    return sorted([*found, *(one for one in came_and_went if one.at in span)], key=lambda change: change.at)


def _came(ledger: Ledger, plan: Plan) -> Iterator[Change]:
    """Key results that were measured for the first time after others of their period were."""
    first = {
        kr.id: known[0]
        for kr in plan.key_results
        if kr.measure and (known := ledger.values.definitions(plan.period.id, kr.id))
    }
    begun = min((one["ended_at"] for one in first.values()), default=None)
    for name, one in first.items():
        if one["ended_at"] != begun:
            yield Change(one["ended_at"], one["file"], [name], "added")


def _went(ledger: Ledger, plan: Plan, now: Known) -> Iterator[Change]:
    """Key results that are in no file any more, since the first sync that left them out; now, where none has yet."""
    wanted = {kr.id for kr in plan.key_results}
    for name, kept in now.kept.items():
        if name not in wanted and not is_guard(name) and kept.confirmed is not None:
            file = ledger.values.definitions(plan.period.id, name)[-1]["file"]
            without = ledger.cycles.pulled(max(kept.cycle, kept.confirmed) + 1)
            left_out = without[0].ended_at if without and without[0].id <= now.cycle else None
            yield Change(left_out or now.last, file, [name], "removed")
