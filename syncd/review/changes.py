"""Changes of what is measured and judged: edits of key results and of what they share, and what came or went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from syncd.explain.edits import Edit
from syncd.ledger import Ledger
from syncd.okr.goals import Plan, is_guard
from syncd.okr.spans import Span
from syncd.review.model import Change
from syncd.status.snapshot import Snapshot


def changes(
    ledger: Ledger, plan: Plan, edited: Mapping[str, Sequence[Edit]], end: Snapshot, span: Span
) -> Sequence[Change]:
    """The changes that cycles met within a span, by time; an edit that holds for many key results is one."""
    alike: dict[tuple[datetime, str, str], tuple[Edit, list[str]]] = {}
    for name, own in edited.items():
        for edit in own:
            if edit.at in span:
                alike.setdefault((edit.at, edit.file, str(edit)), (edit, []))[1].append(name)
    found = [Change(edit.at, edit.file, names, "edited", edit) for edit, names in alike.values()]
    came_and_went = [*_came(ledger, plan), *_went(ledger, plan, end)]
    return sorted([*found, *(one for one in came_and_went if one.at in span)], key=lambda change: change.at)


def _came(ledger: Ledger, plan: Plan) -> Iterator[Change]:
    """Key results that were measured for the first time after others of their period were."""
    first = {
        kr.id: versions[0]
        for kr in plan.key_results
        if kr.measure and (versions := ledger.definitions.of(plan.period.id, kr.id))
    }
    begun = min((version.ended_at for version in first.values()), default=None)
    for name, version in first.items():
        if version.ended_at != begun:
            yield Change(version.ended_at, version.definition.file, [name], "added")


def _went(ledger: Ledger, plan: Plan, end: Snapshot) -> Iterator[Change]:
    """Key results that no file names any more, since the first sync that left them out; at the end, where none has."""
    wanted = {kr.id for kr in plan.key_results}
    for name, kept in end.values.items():
        if name not in wanted and not is_guard(name) and kept.confirmed is not None:
            file = ledger.definitions.of(plan.period.id, name)[-1].definition.file
            without = ledger.cycles.pulled(max(kept.cycle, kept.confirmed) + 1)
            left_out = without[0].ended_at if without and without[0].id <= end.cycle else None
            yield Change(left_out or end.last_instant, file, [name], "removed")
