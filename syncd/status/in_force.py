"""Finds the objectives and rules of a period that were in force after a past cycle, from the ledger's definitions and
outlines.

Definitions and outlines are in force from the end of the cycle that first saw them. Before the first cycle of the
period, the first definitions and outlines count, as they were at the end of the day on which they were first seen. A
key result was in no objective before it was added.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from syncd.ledger import DefinitionVersion, LinkId, OutlineVersion
from syncd.ledger.definitions import measure_digest
from syncd.ledger.outlines import SETTINGS
from syncd.okr.goals import KeyResult, Objective, PeriodOkrs, Shares, is_guard
from syncd.okr.spans import Period
from syncd.status.snapshot import Rules


@dataclass(frozen=True, slots=True)
class InForce:
    """The OKRs and rules of a moment; `unread` and `later` have the same meaning as in `Snapshot`."""

    okrs: PeriodOkrs
    rules: Rules
    unread: frozenset[str]
    later: tuple[KeyResult, ...] = ()


class PastDefinitions:
    """Looks up the definitions and rules that were in force after a past cycle. `okrs` and `rules` come from the
    present files.

    `versions` are the definitions of the period's key results, `outlines` are the outlines of its objectives and
    settings. Definitions and outlines are in the order in which cycles saw them.
    """

    def __init__(
        self,
        okrs: PeriodOkrs,
        rules: Rules,
        versions: Sequence[DefinitionVersion],
        outlines: Sequence[OutlineVersion] = (),
    ) -> None:
        self._okrs = okrs
        self._rules = rules
        self._versions = versions
        self._outlines = outlines
        self._first = _first_versions(versions, okrs.period)
        self._in_force: dict[tuple[int, int, frozenset[LinkId]], InForce] = {}

    def after(self, cycle: int, judged: frozenset[LinkId] = frozenset()) -> InForce:
        """The OKRs and rules in force after a cycle; `judged` are the links that were judged on the day of the
        cycle.
        """
        count = bisect_right(self._versions, cycle, key=lambda version: version.cycle)
        outlined = bisect_right(self._outlines, cycle, key=lambda version: version.cycle)
        if (count, outlined, judged) not in self._in_force:
            self._in_force[count, outlined, judged] = self._after_first(count, outlined, judged)
        return self._in_force[count, outlined, judged]

    def _after_first(self, count: int, outlined: int, judged: Collection[LinkId]) -> InForce:
        """The OKRs and rules by the first `count` definitions and the first `outlined` outlines.

        Key results that had left the files by then are in an objective without a name.
        """
        newest = {version.key_result: version for version in self._versions[:count]}
        today = {kr.id: kr for kr in self._okrs.measured}
        defined: dict[str, KeyResult] = {}
        unread: set[str] = set()
        for name in newest.keys() | (today.keys() & self._first.keys()):
            definition = (newest.get(name) or self._first[name]).definition
            if (key_result := definition.key_result(today.get(name))) is not None:
                defined[name] = key_result
                if measure_digest(key_result.measure) != definition.measure:
                    unread.add(name)
        removed = {name: defined[name] for name in newest if name in defined and name not in today}
        key_results = {kr.id: kr for kr in (*self._okrs.key_results, *removed.values()) if not is_guard(kr.id)}
        named = today.keys() | removed.keys()

        def then(kr: KeyResult) -> KeyResult:
            """A key result with its definition at that time, and the links that it had."""
            has_all_links = kr.id in today and kr.id in newest
            defined_then = defined.get(kr.id, kr)
            links = (link for link in defined_then.drives if link.period or link.outcome in named)
            return replace(
                defined_then, drives=tuple(link for link in links if has_all_links or (kr.id, link.outcome) in judged)
            )

        outlines = self._outlines_of(outlined)
        objectives = [
            replace(objective, key_results=tuple(then(key_results.pop(name)) for name in names if name in key_results))
            for objective, names in self._objectives(outlines)
        ]
        later = tuple(then(kr) for name, kr in key_results.items() if name not in newest)
        if left := tuple(then(kr) for name, kr in key_results.items() if name in newest):
            objectives.append(Objective("", "", left))
        period, shares = self._judged_by(count)
        settings = outlines.get(SETTINGS) or {}
        settle = timedelta(seconds=settings["settle"]) if "settle" in settings else self._rules.settle
        rules = replace(self._rules, shares=shares, settle=settle)
        measured_later = PeriodOkrs(period, (Objective("", "", later),)).measured
        return InForce(PeriodOkrs(period, tuple(objectives), self._okrs.work), rules, frozenset(unread), measured_later)

    def _outlines_of(self, outlined: int) -> Mapping[str, Mapping[str, Any] | None]:
        """The newest of the first `outlined` outlines by subject. If `outlined` is 0, the newest outlines of the first
        day that has outlines.
        """
        if outlined == 0 and self._outlines:
            first = _local_day(self._outlines[0].ended_at, self._okrs.period.zone)
            days = (_local_day(version.ended_at, self._okrs.period.zone) for version in self._outlines)
            outlined = sum(1 for _ in takewhile(first.__eq__, days))
        return {version.subject: version.outline.body for version in self._outlines[:outlined]}

    def _objectives(
        self, outlines: Mapping[str, Mapping[str, Any] | None]
    ) -> Iterator[tuple[Objective, Sequence[str]]]:
        """The objectives that were in the files, each with the ids of its key results. Objectives that still exist come
        first, in the order of the files. If no outline is stored, yields all present objectives.
        """
        if not outlines:
            yield from ((objective, [kr.id for kr in objective.key_results]) for objective in self._okrs.objectives)
            return
        present = {objective.id: objective for objective in self._okrs.objectives}
        for name in dict.fromkeys([*present, *outlines]):
            if name == SETTINGS or (body := outlines.get(name)) is None:
                continue
            rest = {key: value for key, value in body.items() if key != "key_results"}
            yield Objective(name, key_results=(), **rest), body["key_results"]

    def _judged_by(self, count: int) -> tuple[Period, Shares]:
        """The period's days and the health shares, by the newest of the first `count` definitions."""
        period, shares = self._okrs.period, self._rules.shares
        if not self._versions:
            return period, shares
        newest = self._versions[count - 1] if count else self._first[self._versions[0].key_result]
        return newest.definition.judged_by(period, shares)


def _first_versions(versions: Sequence[DefinitionVersion], period: Period) -> dict[str, DefinitionVersion]:
    """The first definition of each key result, as it was at the end of the day on which it was first seen."""

    first: dict[str, DefinitionVersion] = {}
    for version in versions:
        earliest = first.setdefault(version.key_result, version)
        if _local_day(version.ended_at, period.zone) == _local_day(earliest.ended_at, period.zone):
            first[version.key_result] = version
    return first


def _local_day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
