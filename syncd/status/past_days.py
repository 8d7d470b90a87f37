"""The past days of a key result by its sources' own dates, each measured and judged as it was defined then.

A definition is in force from the end of the cycle that met it. A past day is judged by the one in force at its end. The
days before syncd knew any are judged by the first, as it stood at the end of its day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from syncd.ledger import DefinitionVersion
from syncd.ledger.definitions import definition
from syncd.okr import checkins
from syncd.okr.alignment import Terms
from syncd.okr.checkins import CheckIn
from syncd.okr.facts import Facts
from syncd.okr.goals import KeyResult
from syncd.okr.past import past_days, past_values
from syncd.okr.spans import Period

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Past:
    """Past days of a key result, oldest first, each measured and judged as it was defined then.

    `values` and `guard` are the numbers at the end of each day, `terms` what it was judged by, where not as now.
    """

    values: Sequence[tuple[date, float | None]]
    guard: Mapping[date, float | None]
    terms: Mapping[date, Terms]


def past_of(
    facts: Facts, in_force: Terms, now: datetime, given: Sequence[CheckIn], versions: Sequence[DefinitionVersion]
) -> Past | None:
    """The past of a key result by its sources' own dates; None where nothing dates what it is measured by now.

    `given` are its check-ins, and `versions` its definitions by the ledger; none where it was never edited.
    """

    @cache
    def values(kr: KeyResult, period: Period) -> Mapping[date, float | None] | None:
        if kr.measure is not None:
            past = past_values(facts, kr.measure, period, now)
        else:
            past = checkins.past_values(given, period, now)
        return None if past is None else dict(past)

    own = values(in_force.key_result, in_force.period)
    if own is None:
        return None
    terms = dict(_earlier_terms(versions, in_force, now))
    by_day: list[tuple[date, float | None]] = []
    of_guard: dict[date, float | None] = {}
    for day in own:
        then = terms.get(day, in_force)
        by_day.append((day, (values(then.key_result, then.period) or {}).get(day)))
        if then.key_result.guard is not None:
            of_guard[day] = (values(then.key_result.guard, then.period) or {}).get(day)
    return Past(by_day, of_guard, terms)


def _earlier_terms(
    versions: Sequence[DefinitionVersion], in_force: Terms, now: datetime
) -> Iterator[tuple[date, Terms]]:
    """The past days that were judged by another definition than the one in force now, each with that."""
    if not versions:
        return
    digest = definition(in_force.key_result, in_force.period, in_force.shares, "").digest
    days = list(past_days(in_force.period, now))
    at_ends = list(_newest_at([end + _INSTANT for _, end in days], versions))
    first = next((version for version in at_ends if version is not None), None)
    for (day, _), version in zip(days, at_ends, strict=True):
        in_force_then = version or first
        if in_force_then is None or in_force_then.definition.digest == digest:
            continue
        then = in_force_then.definition
        if (key_result := then.key_result(in_force.key_result)) is not None:
            yield day, Terms(key_result, *then.judged_by(in_force.period, in_force.shares))


def _newest_at(ends: Sequence[datetime], versions: Sequence[DefinitionVersion]) -> Iterator[DefinitionVersion | None]:
    """The newest version that was in force before each end. Ends ascend, and so do the versions.

    Times need not: a clock may have been set back, and a later version is the newer one whatever its time.
    """
    by_time = sorted(range(len(versions)), key=lambda number: versions[number].ended_at)
    newest, read = -1, 0
    for end in ends:
        while read < len(by_time) and versions[by_time[read]].ended_at < end:
            newest = max(newest, by_time[read])
            read += 1
        yield versions[newest] if newest >= 0 else None
