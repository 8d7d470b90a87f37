"""Computes a key result on past days, from the dates in its sources. Each day is measured and judged by the definition
of that day.

A definition is in force from the end of the cycle that first saw it. A past day is judged by the definition in force at
its end. Days before the first definition are judged by the definition in force at the end of the day that has the first
definition. A guard without dates has the value that the ledger had at the end of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from syncd.ledger import DefinitionVersion, KeptValue
from syncd.ledger.cycles import Cycle, newest_by
from syncd.ledger.definitions import definition, measure_digest
from syncd.okr.alignment import Terms
from syncd.okr.checkins import CheckIn
from syncd.okr.checkins import past_values as past_checkin_values
from syncd.okr.facts import Facts
from syncd.okr.goals import KeyResult
from syncd.okr.past import past_days, past_values
from syncd.okr.spans import Period

KeptHistory = Sequence[tuple[Cycle, KeptValue]]
"""The stored values of a key result, oldest first, each with its cycle."""


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
    facts: Facts,
    in_force: Terms,
    now: datetime,
    checkins: Sequence[CheckIn],
    versions: Sequence[DefinitionVersion],
    guard_history: Callable[[], KeptHistory] = tuple,
) -> Past | None:
    """The past days of a key result, from the dates in its sources; None if its present measure has no dates.

    `checkins` are the key result's check-ins. `versions` are its definitions in the ledger; empty if the key result was
    never edited. `guard_history` reads the values of its guard; it is called only for a guard without dates.
    """
    period = in_force.period

    @cache
    def kept_guard() -> Mapping[date, KeptValue]:
        return dict(_by_day(guard_history(), period, now))

    def guard_number(guard: KeyResult, of: Period, day: date) -> float | None:
        if (dated := values(guard, of)) is not None:
            return dated.get(day)
        value = kept_guard().get(day)
        return value.number if value is not None and value.measure == measure_digest(guard.measure) else None

    @cache
    def values(kr: KeyResult, period: Period) -> Mapping[date, float | None] | None:
        if kr.measure is not None:
            past = past_values(facts, kr.measure, period, now)
        else:
            past = past_checkin_values(checkins, period, now)
        return None if past is None else dict(past)

    own = values(in_force.key_result, period)
    if own is None:
        return None
    terms = dict(_earlier_terms(versions, in_force, now))
    by_day: list[tuple[date, float | None]] = []
    guard_by_day: dict[date, float | None] = {}
    for day in own:
        then = terms.get(day, in_force)
        by_day.append((day, (values(then.key_result, then.period) or {}).get(day)))
        if then.key_result.guard is not None:
            guard_by_day[day] = guard_number(then.key_result.guard, then.period, day)
    return Past(by_day, guard_by_day, terms)


def _by_day(history: KeptHistory, period: Period, now: datetime) -> Iterator[tuple[date, KeptValue]]:
    """The past days at whose end the ledger had a value, each with the newest value."""
    ended = [(cycle.ended_at, value) for cycle, value in history if cycle.ended_at is not None]
    days = list(past_days(period, now))
    newest = newest_by([end for _, end in days], [at for at, _ in ended])
    for (day, _), index in zip(days, newest, strict=True):
        if index is not None:
            yield day, ended[index][1]


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
