"""The objectives and rules of a period that were in force after a past cycle, from the ledger's definitions.

A definition is in force from the end of the cycle that met it. Before the first definition of a key result was known,
its first definition counts, as of the end of that definition's local day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from syncd.ledger import DefinitionVersion, LinkId
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import KeyResult, Objective, PeriodOkrs, Shares, is_guard
from syncd.okr.spans import Period
from syncd.status.snapshot import Rules


@dataclass(frozen=True, slots=True)
class InForce:
    """The OKRs and rules of a moment; `unread` has the same meaning as in a snapshot."""

    okrs: PeriodOkrs
    rules: Rules
    unread: frozenset[str]


class PastDefinitions:
    """Looks up the definitions and rules that were in force after a past cycle. `okrs` and `rules` come from the
    present files.

    `versions` are the definitions of the period's key results, in the order in which cycles met them.
    """

    def __init__(self, okrs: PeriodOkrs, rules: Rules, versions: Sequence[DefinitionVersion]) -> None:
        self._okrs = okrs
        self._rules = rules
        self._versions = versions
        self._first = _first_versions(versions, okrs.period)
        self._in_force: dict[tuple[int, frozenset[LinkId]], InForce] = {}

    def after(self, cycle: int, judged: frozenset[LinkId] = frozenset()) -> InForce:
        """What was in force after a cycle; `judged` are the links that were judged on the day of the cycle."""
        count = bisect_right(self._versions, cycle, key=lambda version: version.cycle)
        if (count, judged) not in self._in_force:
            self._in_force[count, judged] = self._after_first(count, judged)
        return self._in_force[count, judged]

    def _after_first(self, count: int, judged: Collection[LinkId]) -> InForce:
        """What the first `count` versions define.

        Key results that have left the files since are included, in an objective without a name.
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
        removed = [defined[name] for name in newest if name in defined and name not in today and not is_guard(name)]
        named = today.keys() | {kr.id for kr in removed}

        def then(kr: KeyResult) -> KeyResult:
            """A key result with its definition at that time, and the links that it had."""
            has_all_links = kr.id in today and kr.id in newest
            defined_then = defined.get(kr.id, kr)
            links = (link for link in defined_then.drives if link.outcome in named)
            return replace(
                defined_then, drives=tuple(link for link in links if has_all_links or (kr.id, link.outcome) in judged)
            )

        objectives = [
            replace(objective, key_results=tuple(map(then, objective.key_results)))
            for objective in self._okrs.objectives
        ]
        if removed:
            objectives.append(Objective("", "", tuple(map(then, removed))))
        period, shares = self._judged_by(count)
        return InForce(PeriodOkrs(period, tuple(objectives)), replace(self._rules, shares=shares), frozenset(unread))

    def _judged_by(self, count: int) -> tuple[Period, Shares]:
        """The days and shares of the newest among the first `count` versions."""
        period, shares = self._okrs.period, self._rules.shares
        if not self._versions:
            return period, shares
        newest = self._versions[count - 1] if count else self._first[self._versions[0].key_result]
        return newest.definition.judged_by(period, shares)


def _first_versions(versions: Sequence[DefinitionVersion], period: Period) -> dict[str, DefinitionVersion]:
    """The first definition of each key result, as of the end of its local day."""

    def local_day(version: DefinitionVersion) -> date:
        return version.ended_at.astimezone(period.zone).date()

    first: dict[str, DefinitionVersion] = {}
    for version in versions:
        earliest = first.setdefault(version.key_result, version)
        if local_day(version) == local_day(earliest):
            first[version.key_result] = version
    return first
