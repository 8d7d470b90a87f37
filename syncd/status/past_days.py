"""Computes a key result on past days, from the dates in its sources. Each day is measured and judged by the definition
of that day.

A definition is in force from the end of the cycle that first saw it. A past day is judged by the definition in force at
its end. Days before the first definition are judged by the definition in force at the end of the day that has the first
definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from syncd.ledger import DefinitionVersion
from syncd.ledger.cycles import newest_by
from syncd.ledger.definitions import definition
from syncd.okr.alignment import Terms
from syncd.okr.checkins import CheckIn
from syncd.okr.checkins import past_values as past_checkin_values
from syncd.okr.facts import Facts
from syncd.okr.goals import KeyResult
from syncd.okr.past import past_days, past_values
from syncd.okr.spans import Period


@dataclass(frozen=True, slots=True)
class Past:
    """Past days of a key result, oldest first, each measured and judged by the definition of that day.

    `values` and `guard` hold the number at the end of each day. `terms` holds the terms of each day whose terms differ
    from the present terms.
    """

    values: Sequence[tuple[date, float | None]]
    guard: Mapping[date, float | None]
    terms: Mapping[date, Terms]


def past_of(
    facts: Facts, in_force: Terms, now: datetime, checkins: Sequence[CheckIn], versions: Sequence[DefinitionVersion]
) -> Past | None:
    """The past days of a key result, from the dates in its sources; None if its present measure has no dates.

    `checkins` are the key result's check-ins. `versions` are its definitions in the ledger; empty if the key result was
    never edited.
    """

    @cache
    def values(kr: KeyResult, period: Period) -> Mapping[date, float | None] | None:
        if kr.measure is not None:
            past = past_values(facts, kr.measure, period, now)
        else:
            past = past_checkin_values(checkins, period, now)
        return None if past is None else dict(past)

    own = values(in_force.key_result, in_force.period)
    if own is None:
        return None
    terms = dict(_earlier_terms(versions, in_force, now))
    by_day: list[tuple[date, float | None]] = []
    guard_by_day: dict[date, float | None] = {}
    for day in own:
        then = terms.get(day, in_force)
        by_day.append((day, (values(then.key_result, then.period) or {}).get(day)))
        if then.key_result.guard is not None:
            guard_by_day[day] = (values(then.key_result.guard, then.period) or {}).get(day)
    return Past(by_day, guard_by_day, terms)


def _earlier_terms(
    versions: Sequence[DefinitionVersion], in_force: Terms, now: datetime
) -> Iterator[tuple[date, Terms]]:
    """The past days on which a definition other than the present one was in force, each with its terms."""
    if not versions:
        return
    digest = definition(in_force.key_result, in_force.period, in_force.shares, "").digest
    days = list(past_days(in_force.period, now))
    newest = list(newest_by([end for _, end in days], [version.ended_at for version in versions]))
    first = next((index for index in newest if index is not None), None)
    for (day, _), index in zip(days, newest, strict=True):
        index_then = first if index is None else index
        if index_then is None or versions[index_then].definition.digest == digest:
            continue
        then = versions[index_then].definition
        if (key_result := then.key_result(in_force.key_result)) is not None:
            yield day, Terms(key_result, *then.judged_by(in_force.period, in_force.shares))
