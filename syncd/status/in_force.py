"""What was in force on a past day or after a past cycle: key results as they were defined then, by the ledger.

A definition is in force from the end of the cycle that met it. A past day is judged by the one in force at its end. The
days before syncd knew any are judged by the first, as it stood at the end of its day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from syncd.config import Config
from syncd.ledger import Ledger, LinkId
from syncd.ledger.definitions import definition, judged_by, key_result_of
from syncd.okr import checkins
from syncd.okr.alignment import Terms
from syncd.okr.checkins import CheckIn
from syncd.okr.facts import Facts
from syncd.okr.goals import KeyResult, Objective, Plan, Shares, is_guard
from syncd.okr.past import past_days, past_values
from syncd.okr.spans import Period

_Thing = TypeVar("_Thing")
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
    facts: Facts, in_force: Terms, now: datetime, said: Sequence[CheckIn], earlier: Sequence[Mapping[str, Any]]
) -> Past | None:
    """The past of a key result by its sources' own dates; None where nothing dates what it is measured by now.

    `said` are its check-ins, and `earlier` its definitions by the ledger, where it was ever defined otherwise.
    """

    @cache
    def values(kr: KeyResult, period: Period) -> Mapping[date, float | None] | None:
        if kr.measure is not None:
            found = past_values(facts, kr.measure, period, now)
        else:
            found = checkins.past_values(said, period, now)
        return None if found is None else dict(found)

    own = values(in_force.key_result, in_force.period)
    if own is None:
        return None
    terms = dict(_earlier(earlier, in_force, now))
    by_day: list[tuple[date, float | None]] = []
    of_guard: dict[date, float | None] = {}
    for day in own:
        then = terms.get(day, in_force)
        by_day.append((day, (values(then.key_result, then.period) or {}).get(day)))
        if then.key_result.guard is not None:
            of_guard[day] = (values(then.key_result.guard, then.period) or {}).get(day)
    return Past(by_day, of_guard, terms)


def _earlier(rows: Sequence[Mapping[str, Any]], in_force: Terms, now: datetime) -> Iterator[tuple[date, Terms]]:
    """The past days that were judged by another definition than the one in force now, each with that."""
    if not rows:
        return
    digest = definition(in_force.key_result, in_force.period, in_force.shares, "").digest
    days = list(past_days(in_force.period, now))
    found = list(stood([end + _INSTANT for _, end in days], [(row["ended_at"], row) for row in rows]))
    first = next((row for row in found if row is not None), None)
    for (day, _), row in zip(days, found, strict=True):
        then = row or first
        if then is not None and then["digest"] != digest and (terms := _terms(then, in_force.period, in_force.shares)):
            yield day, terms


def _terms(row: Mapping[str, Any], period: Period, shares: Shares) -> Terms | None:
    key_result = key_result_of(row["body"], row["measure"])
    return Terms(key_result, *judged_by(row["body"], period, shares)) if key_result else None


def stood(ends: Sequence[datetime], found: Sequence[tuple[datetime, _Thing]]) -> Iterator[_Thing | None]:
    """What stood at each end: of what was found before it, the newest. Ends ascend, and so do the versions.

    Times need not: a clock may have been set back, and a later version is the newer one whatever its time.
    """
    by_time = sorted(range(len(found)), key=lambda version: found[version][0])
    newest, looked_at = -1, 0
    for end in ends:
        while looked_at < len(by_time) and found[by_time[looked_at]][0] < end:
            newest = max(newest, by_time[looked_at])
            looked_at += 1
        yield found[newest][1] if newest >= 0 else None


def in_force_after(
    config: Config, plan: Plan, ledger: Ledger, cycle: int, judged: Collection[LinkId]
) -> tuple[Config, Plan]:
    """A plan, and the shares that it is judged by, as they were after a cycle; `judged` are the links of that day.

    Key results that left the files since are in it, in an objective of no name. One that the ledger has no definition
    of by then is as the files have it now.
    """
    found: dict[str, KeyResult] = {}
    period, shares = plan.period, config.shares
    for name, row in ledger.values.in_force(plan.period.id, cycle).items():  # the newest last
        if (terms := _terms(row, period, shares)) is not None:
            found[name], period, shares = terms.key_result, terms.period, terms.shares
    present = {kr.id for kr in plan.key_results}
    left = [kr for name, kr in found.items() if name not in present and not is_guard(name)]
    known = present | {kr.id for kr in left}

    def then(kr: KeyResult) -> KeyResult:
        sure = kr.id in present and kr.id in found
        drives = (one for one in kr.drives if one.outcome in known and (sure or (kr.id, one.outcome) in judged))
        return replace(kr, drives=tuple(drives))

    objectives = [
        replace(one, key_results=tuple(then(found.get(kr.id, kr)) for kr in one.key_results)) for one in plan.objectives
    ]
    if left:
        objectives.append(Objective("", "", tuple(map(then, left))))
    health = config.settings.health.model_copy(update={"on_track": shares.on_track, "at_risk": shares.at_risk})
    settings = config.settings.model_copy(update={"health": health})
    return replace(config, settings=settings), Plan(period, tuple(objectives))
