"""Key results and periods that replaced others under a new id, without `moved`. The differences from the replaced key
result are shown as edits. An easier target under a new id is thus as visible as an edited target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

from syncd.explain.definition_keys import key_changes
from syncd.explain.edit import Edit
from syncd.ledger import DefinitionVersion, Ledger, OutlineVersion
from syncd.okr.goals import is_guard
from syncd.okr.spans import Period

REPLACES = "replaces"
"""The key of an edit by which one key result replaced another. `period.replaces` is the key if one period replaced
another.
"""


@dataclass(frozen=True, slots=True)
class _Former:
    """A period that a newer period replaced. `begun` is the first cycle of the newer period. `cycle` is the first cycle
    by which the newer period had begun and no file had this period any more.

    `key_results` maps key results of the newer period to the matching key results of this period.
    """

    period: str
    begun: int
    cycle: int
    key_results: Mapping[str, str]


class Replacements:
    """Finds the period that a new period replaced, and the key results that its key results replaced. `outlines` are
    the outlines of the new period.
    """

    def __init__(self, ledger: Ledger, period: str, outlines: Sequence[OutlineVersion]) -> None:
        self._ledger = ledger
        self._period = period
        self._outlines = outlines

    def of_key_result(self, name: str, first: DefinitionVersion, until: int | None) -> Iterator[Edit]:
        """Yields the differences between the first definition of a key result and the last definition of the key result
        that it replaced, up to a cycle.
        """
        file = first.definition.file
        if self._former is not None and (until is None or self._former.cycle <= until):
            former, at = self._former, max(first.ended_at, self._ledger.cycles.end_of(self._former.cycle))
            yield Edit(at, file, f"period.{REPLACES}", former.period, self._period)
            if first.cycle == former.begun and (old := former.key_results.get(name)) is not None:
                yield from self._compared(former.period, old, first, at)
        if (pair := self._paired.get(name)) is not None and (until is None or pair[0] <= until):
            yield from self._compared(self._period, pair[1], first, self._ended_at[pair[0]])

    def _compared(self, period: str, old: str, first: DefinitionVersion, at: datetime) -> Iterator[Edit]:
        file, versions = first.definition.file, self._ledger.definitions.of(period, old)
        if old != first.key_result:
            yield Edit(at, file, REPLACES, old, first.key_result)
        for key, was, becomes in key_changes(versions[-1].definition.body, first.definition.body) if versions else ():
            if key != "id":
                yield Edit(at, file, key, was, becomes)

    @cached_property
    def _ended_at(self) -> Mapping[int, datetime]:
        return {version.cycle: version.ended_at for version in self._outlines}

    @cached_property
    def _paired(self) -> Mapping[str, tuple[int, str]]:
        """Maps each new key result to the cycle that first saw it, and to the old key result that this cycle was the
        first to miss in the files.
        """
        paired: dict[str, tuple[int, str]] = {}
        bodies: dict[str, Collection[str]] = {}
        for cycle, met in groupby(self._outlines, key=lambda version: version.cycle):
            before = dict(bodies)
            bodies |= {version.subject: (version.outline.body or {}).get("key_results", ()) for version in met}
            old, now = _all(before), _all(bodies)
            gone, new = [name for name in old if name not in now], [name for name in now if name not in old]
            for name, former in _matched(new, gone, before, bodies, self._kinds):
                paired[name] = cycle, former
        return paired

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return _names(self._ledger.definitions.of_period(self._period))

    @cached_property
    def _former(self) -> _Former | None:
        """The period that this period replaced. It began earlier, was removed from the files before its end, and shares
        days with this period. Of several such periods, it is the period with the most key result ids in common.
        """
        others = self._ledger.moves.periods() - {self._period}
        own = self._ledger.definitions.of_period(self._period) if others else ()
        days = own[0].definition.days(self._period) if own else None
        if days is None:
            return None
        names, begun = _names(own), own[0].cycle
        candidates = [
            _Former(other, begun, max(begun, left), self._same(names, other))
            for other in sorted(others)
            if (there := self._ledger.definitions.last(other).days(other)) is not None
            and there.overlaps(days)
            and self._begun(other) < begun
            and (left := self._left(there)) is not None
        ]
        return max(
            candidates, key=lambda former: sum(new == old for new, old in former.key_results.items()), default=None
        )

    def _same(self, names: Mapping[str, str], period: str) -> Mapping[str, str]:
        """Maps each key result of this period to the matching key result of another period: the one with the same id,
        or otherwise one of the same kind.
        """
        old = _names(self._ledger.definitions.of_period(period))
        same = {name: name for name in names if name in old}
        rest = [name for name in names if name not in same], [name for name in old if name not in same]
        return same | dict(_matched(*rest, {}, {}, {**old, **names}))

    def _begun(self, period: str) -> int:
        return min(life.first for life in self._ledger.moves.lifetimes(period).values())

    def _left(self, period: Period) -> int | None:
        """The first cycle in which no file had a period any more, if this was before the period's end; otherwise
        None.
        """
        named: set[str] = set()
        left: OutlineVersion | None = None
        for version in self._ledger.outlines.of_period(period.id):
            (named.discard if version.outline.body is None else named.add)(version.subject)
            left = None if named else version
        return left.cycle if left is not None and left.ended_at < period.span.end else None


def _all(bodies: Mapping[str, Collection[str]]) -> list[str]:
    return [name for names in bodies.values() for name in names]


def _matched(
    new: Sequence[str],
    gone: list[str],
    before: Mapping[str, Collection[str]],
    after: Mapping[str, Collection[str]],
    kinds: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yields pairs (new, gone) of key results of the same kind. Each key result is in at most one pair. Key results of
    the same objective are paired first.
    """

    def objective(name: str, bodies: Mapping[str, Collection[str]]) -> str | None:
        return next((subject for subject, names in bodies.items() if name in names), None)

    pairs = [(name, former) for name in new for former in gone if kinds.get(name) == kinds.get(former)]
    taken: set[str] = set()
    for name, former in sorted(pairs, key=lambda pair: objective(pair[0], after) != objective(pair[1], before)):
        if name not in taken and former not in taken:
            taken |= {name, former}
            yield name, former


def _names(versions: Sequence[DefinitionVersion]) -> Mapping[str, str]:
    return {
        version.key_result: version.definition.body["KeyResult"]["kind"]
        for version in versions
        if not is_guard(version.key_result)
    }
