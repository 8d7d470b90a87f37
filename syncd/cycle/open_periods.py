"""Selects the key results of a period that a cycle measures: all of them until the period has settled, and after that
only key results that were never measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from syncd.cycle.hold import was_measured
from syncd.cycle.model import CycleRequest
from syncd.ledger import DefinitionVersion
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import KeyResult, PeriodOkrs


def open_part(request: CycleRequest, okrs: PeriodOkrs, now: datetime, kept_as: Mapping[str, str]) -> PeriodOkrs | None:
    """The OKRs of a period with only the key results that are measured: all of them from the period's start until it
    has settled.

    After the period has settled, only key results that were never measured remain. Returns None before the period's
    start, or if no key result remains. `kept_as` has the ids that renamed periods have in the ledger.
    """
    span = okrs.period.span
    if now < span.start:
        return None
    if now < span.end + request.config.settings.settle:
        return okrs
    wanted = set(_never_measured(request, okrs, now, kept_as.get(okrs.period.id, okrs.period.id)))
    objectives = tuple(
        replace(objective, key_results=key_results)
        for objective in okrs.objectives
        if (key_results := tuple(kr for kr in objective.key_results if kr.id in wanted))
    )
    return replace(okrs, objectives=objectives, work=()) if objectives else None


def _never_measured(request: CycleRequest, okrs: PeriodOkrs, now: datetime, period: str) -> Iterator[str]:
    """Yields the key results to try in a settled period: no cycle has measured them yet.

    A key result is tried for as long as a period settles, counted from the first cycle that saw its present measure.
    After this time, its source is no longer pulled in every cycle, but only when a sync names the key result.
    """
    kept = request.ledger.values.last(period)
    never = [
        kr
        for kr in okrs.key_results
        if kr.measure is not None and not was_measured(kept.get(kr.id) or kept.get(kr.moved_from or ""))
    ]
    versions = request.ledger.definitions.of_period(period) if never else ()
    for kr in never:
        tried_since = _in_force_since(kr, versions)
        settled = tried_since is not None and now >= tried_since + request.config.settings.settle
        if kr.id == request.only or not settled:
            yield kr.id


def _in_force_since(key_result: KeyResult, versions: Sequence[DefinitionVersion]) -> datetime | None:
    since: datetime | None = None
    for version in versions:
        if version.key_result in (key_result.id, key_result.moved_from):
            is_present = version.definition.measure == measure_digest(key_result.measure)
            since = (since or version.ended_at) if is_present else None
    return since
