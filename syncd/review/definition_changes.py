"""Finds changes of definitions: edits of key results and of their period, and key results that were added or
removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from syncd.explain.edit import Edit
from syncd.explain.period_edits import KEY_RESULTS, OBJECTIVE, PeriodEdits
from syncd.ledger import Ledger
from syncd.okr.goals import PeriodOkrs, is_guard
from syncd.okr.spans import Span
from syncd.review.model import DefinitionChange
from syncd.status.snapshot import Snapshot


def definition_changes(
    ledger: Ledger,
    okrs: PeriodOkrs,
    edits: Mapping[str, Sequence[Edit]],
    of_period: PeriodEdits,
    end: Snapshot,
    span: Span,
) -> Sequence[DefinitionChange]:
    """The changes that cycles found within a span, in order of time. The same edit of several key results is one
    change.
    """
    alike: dict[tuple[datetime, str, str], tuple[Edit, list[str]]] = {}
    for name, own in edits.items():
        for edit in own:
            if edit.at in span and not edit.key.startswith(f"{OBJECTIVE}."):
                alike.setdefault((edit.at, edit.file, str(edit)), (edit, []))[1].append(name)
    edited = [DefinitionChange(edit.at, edit.file, names, "edited", edit) for edit, names in alike.values()]
    edited += [
        DefinitionChange(edit.at, edit.file, key_results, "edited", edit, objective)
        for objective, key_results, edit in of_period.of_objectives(end.cycle)
        if edit.at in span and edit.key != f"{OBJECTIVE}.{KEY_RESULTS}"  # added and removed ones are listed below
    ]
    others = [change for change in (*_added(ledger, okrs), *_removed(ledger, okrs, end)) if change.at in span]
    return sorted([*edited, *others], key=lambda change: change.at)


def _added(ledger: Ledger, okrs: PeriodOkrs) -> Iterator[DefinitionChange]:
    first = {
        kr.id: versions[0] for kr in okrs.key_results if (versions := ledger.definitions.of(okrs.period.id, kr.id))
    }
    begun = min((version.ended_at for version in first.values()), default=None)
    for name, version in first.items():
        if version.ended_at != begun:
            yield DefinitionChange(version.ended_at, version.definition.file, [name], "added")


def _removed(ledger: Ledger, okrs: PeriodOkrs, end: Snapshot) -> Iterator[DefinitionChange]:
    """The removed key results, which no file has any more. The time of such a change is the time of the first sync
    without the key result; if there was no such sync yet, the present time.
    """
    named = {kr.id for kr in okrs.key_results}
    removed = {name: kept for name, kept in end.values.items() if name not in named and not is_guard(name)}
    ended = ledger.cycles.ended() if removed else ()
    syncs = [cycle for cycle in ended if cycle.synced and cycle.only is None and cycle.id <= end.cycle]
    for name, kept in removed.items():
        if kept.confirmed is None:
            continue
        last_measured = max(kept.cycle, kept.confirmed)
        since = next((sync.ended_at for sync in syncs if sync.id > last_measured), None)
        if since is not None or not end.past:  # if no sync had left it out, it was in a file at the end of a past day
            file = ledger.definitions.of(okrs.period.id, name)[-1].definition.file
            yield DefinitionChange(since or end.last_instant, file, [name], "removed")
