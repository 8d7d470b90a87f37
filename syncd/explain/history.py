"""The series of a key result: what stood at the end of each day of its period, and what happened in between.

From the ledger alone. A day's value is the newest that a cycle had kept by then, judged by the definition in force
then. Values that were measured in different ways are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Literal

from syncd.config import Config
from syncd.explain.edits import Edit, edits
from syncd.explain.evidence import Approved, approvals
from syncd.explain.restatements import restatements
from syncd.ledger import Cycle, KeptValue, Ledger
from syncd.ledger.definitions import as_defined, measure_digest
from syncd.okr.goals import Goal, Health, KeyResult, Plan, Quality, guard_id
from syncd.okr.measures import Measure, ReadingMeasure, leaves
from syncd.okr.past import past_values
from syncd.okr.spans import Period, Span, midnight
from syncd.okr.words import place
from syncd.status.in_force import stood
from syncd.status.report import KeyResultLine, line_of

Source = Literal["kept", "backfilled"]


@dataclass(frozen=True, slots=True)
class Point:
    """A key result at the end of a local day; today's as it is now. Shares are 0 to 1, None is unknown.

    `change` is the step since the day before, None where either value is unknown or was measured in another way.
    `source` is None for a day of which no value was ever kept. `measured_at` is when a cycle last found the value
    complete, `measure` digests how it was measured, `goal` is the one in force.
    """

    day: date
    value: float | None
    progress: float | None
    score: float | None
    expected: float
    health: Health
    quality: Quality | None
    reason: str | None
    source: Source | None
    measured_at: datetime | None
    measure: str | None
    goal: Goal
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Restated:
    """What a cycle found otherwise of the past: so many records or rows, and the number on both sides."""

    at: datetime
    count: int
    before: float | None
    after: float | None


Event = Edit | Approved | Restated


@dataclass(frozen=True, slots=True)
class Series:
    """The points of a key result by day, and its events by time; no points where no value was ever kept.

    `not_backfilled` says why days that were asked for could not be computed.
    """

    key_result: KeyResult
    period: Period
    points: Sequence[Point] = ()
    events: Sequence[Event] = ()
    not_backfilled: str | None = None


def history(
    config: Config, plan: Plan, key_result: KeyResult, ledger: Ledger | None, now: datetime, *, backfill: bool = False
) -> Series:
    """The series up to now; to the last value that was kept, where that came after the period's end.

    With `backfill` the days before the present measure was first used are computed from what its sources date
    themselves, as far as they do. Nothing is written.
    """
    found = ledger.values.history(plan.period.id, key_result.id) if ledger else ()
    if ledger is None or not found:
        return Series(key_result, plan.period)
    points = list(_points(config, plan, key_result, ledger, found, now))
    why: str | None = None
    if backfill:
        past, why = _backfilled(config, plan, key_result, ledger, found, now)
        points = [past.get(point.day, point) for point in points]
    return Series(key_result, plan.period, compared(points), _events(ledger, plan, key_result), why)


def compared(points: Sequence[Point]) -> list[Point]:
    """The points of consecutive days, each with the change since the one before where the two compare."""
    return [
        *points[:1],
        *(
            replace(point, change=point.value - before.value)
            if before.value is not None and point.value is not None and before.measure == point.measure
            else point
            for before, point in pairwise(points)
        ),
    ]


def _points(
    config: Config,
    plan: Plan,
    key_result: KeyResult,
    ledger: Ledger,
    found: Sequence[tuple[Cycle, KeptValue]],
    now: datetime,
) -> Iterator[Point]:
    period, guard = plan.period, guard_id(key_result.id)
    days = list(_days(period, now, _ended(found[-1][0])))
    ends = [span.end for _, span in days]
    cycles = ledger.cycles.pulled(found[0][0].id)
    times = {cycle.id: _ended(cycle) for cycle in [*cycles, *(of for of, _ in found)]}
    definitions = ledger.values.definitions(period.id, key_result.id)
    checkins = ledger.checkins.of(period.id, key_result.id, now)
    for (day, span), value, of_guard, cycle, body in zip(
        days,
        stood(ends, [(_ended(of), kept) for of, kept in found]),
        stood(ends, [(_ended(of), kept) for of, kept in ledger.values.history(period.id, guard)]),
        stood(ends, [(_ended(of), of.id) for of in cycles]),
        stood(ends, [(row["ended_at"], row["body"]) for row in definitions]),
        strict=True,
    ):
        both = ((key_result.id, value), (guard, of_guard))
        kept = {name: _by_then(one, cycle) for name, one in both if one is not None}
        measure: str | None = measure_digest(key_result.measure)
        if now in span:
            line = line_of(config, plan, key_result, kept, times, now, checkins)
        else:
            then = as_defined(key_result, body or definitions[0]["body"])
            by_then = [said for said in checkins if said.at < span.end]
            line = line_of(config, plan, then, judged_as(kept, then), times, span.end, by_then)
            measure = value.measure if value else None
        confirmed = kept[key_result.id].confirmed if value else None
        yield _point(day, line, "kept" if line.quality else None, times.get(confirmed or 0), measure)


def _point(
    day: date, line: KeyResultLine, source: Source | None, measured_at: datetime | None, measure: str | None
) -> Point:
    stands = line.standing
    return Point(
        day,
        line.value,
        stands.progress,
        stands.score,
        stands.expected,
        stands.health,
        line.quality,
        line.reason,
        source,
        measured_at if source else None,
        measure,
        line.key_result.goal,
    )


def _by_then(value: KeptValue, cycle: int | None) -> KeptValue:
    """A value as it was known after a cycle that asked the sources: later ones may have confirmed it."""
    if value.confirmed is None:
        return value
    return replace(value, confirmed=min(value.confirmed, max(value.cycle, cycle or 0)))


def judged_as(kept: Mapping[str, KeptValue], then: KeyResult) -> dict[str, KeptValue]:
    """Values of a key result and its guard that pass for ones of the measures in their file today.

    For they are to be judged, and how they were measured is no question of that.
    """
    measures = {one.id: measure_digest(one.measure) for one in (then, then.guard) if one}
    return {name: replace(value, measure=measures[name]) for name, value in kept.items() if name in measures}


def _backfilled(
    config: Config,
    plan: Plan,
    key_result: KeyResult,
    ledger: Ledger,
    found: Sequence[tuple[Cycle, KeptValue]],
    now: datetime,
) -> tuple[dict[date, Point], str | None]:
    """The points of the days before the present measure was first used; none and why, where nothing dates them."""
    period, measure = plan.period, key_result.measure
    if measure is None:
        return {}, f"{key_result.id} has no measure"
    digest = measure_digest(measure)
    own = [(cycle, kept.confirmed) for cycle, kept in found if kept.measure == digest and kept.confirmed is not None]
    if not own:
        return {}, f"{key_result.id} was never measured as its file says now: run `syncd sync` first"
    # What a cycle that failed, or whose number is held, has brought since feeds no value of the past either.
    cycle = max(confirmed for _, confirmed in own)
    past = past_values(ledger.answers, measure, period, now, cycle)
    if past is None:
        return {}, _undated(ledger, measure, period, now, cycle)
    guard = key_result.guard
    of_guard = past_values(ledger.answers, guard.measure, period, now, cycle) if guard and guard.measure else None
    guarded = dict(of_guard or ())
    first = _ended(own[0][0]).astimezone(period.zone).date()
    points: dict[date, Point] = {}
    for day, number in past:
        if day >= first:
            break
        end = midnight(day + timedelta(days=1), period.zone)
        kept = {key_result.id: _as_kept(number, digest, cycle)}
        if guard is not None:
            kept[guard.id] = _as_kept(guarded.get(day), measure_digest(guard.measure), cycle)
        line = line_of(config, plan, key_result, kept, {cycle: end}, end, ())
        points[day] = _point(day, line, "backfilled", None, digest)
    return points, None


def _as_kept(number: float | None, measure: str, cycle: int) -> KeptValue:
    """A number of the past, as a cycle of that day would have kept it; its standing is computed where it is read."""
    reason = "its sources date no number of that day" if number is None else None
    return KeptValue(number, None, None, "unknown", "complete", reason, None, 0, 0, None, measure, cycle, cycle)


def _undated(ledger: Ledger, measure: Measure, period: Period, now: datetime, cycle: int) -> str:
    found = [
        f"{part.connection}: {place(part.part).partition('; ')[0]}"  # how its text is read is beside the point
        for part in leaves(measure)
        if isinstance(part, ReadingMeasure)
        and not ledger.answers.readings(part, Span(part.window.earliest(period), period.span.end), now, cycle)[0]
    ]
    return f"{' and '.join(found)} {'has no dates of its' if len(found) == 1 else 'have no dates of their'} own"


def _events(ledger: Ledger, plan: Plan, key_result: KeyResult) -> list[Event]:
    last = ledger.cycles.last()
    events: list[Event] = [*edits(ledger, plan.period.id, key_result.id)]
    events += approvals(ledger, plan, key_result, last) if last else ()
    found = restatements(ledger, plan, key_result, measure_digest(key_result.measure))
    for at, group in groupby(found, key=lambda one: one.at):
        same = list(group)
        events.append(Restated(at, len(same), same[0].before, same[0].after))
    return sorted(events, key=lambda event: event.at)


def _days(period: Period, now: datetime, last_kept: datetime) -> Iterator[tuple[date, Span]]:
    """Each day of the period that has begun; those after it up to the last value, found while it settled."""
    day = period.first
    last = max(period.last, last_kept.astimezone(period.zone).date())
    while day <= last and (start := midnight(day, period.zone)) <= now:
        day += timedelta(days=1)
        yield day - timedelta(days=1), Span(start, midnight(day, period.zone))


def _ended(cycle: Cycle) -> datetime:
    """When a cycle ended: a value is kept in the moment in which its cycle ends."""
    assert cycle.ended_at is not None
    return cycle.ended_at
