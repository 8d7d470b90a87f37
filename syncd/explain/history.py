"""The series of a key result: what stood at the end of each day of its period, and what happened in between.

From the ledger alone. A day's value is the newest that a cycle had kept by then, judged by the definition in force
then. Values that were measured in different ways are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Literal

from syncd.explain.edits import Edit, edits
from syncd.explain.evidence import Approved, approvals
from syncd.explain.restatements import restatements
from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import Goal, Health, KeyResult, Plan, Quality
from syncd.okr.measures import Measure, ReadingMeasure, leaves
from syncd.okr.past import past_values
from syncd.okr.spans import Period, Span, midnight
from syncd.okr.words import place
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of
from syncd.status.snapshot import Snapshot

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
    snapshots: Snapshots, end: Snapshot, key_result: KeyResult, ledger: Ledger | None, *, backfill: bool = False
) -> Series:
    """The series up to the day of a snapshot; to the last value that was kept by then, where the period is over.

    With `backfill` the days before the present measure was first used are computed from what its sources date
    themselves, as far as they do. Nothing is written.
    """
    plan, kept = end.plan, end.values.get(key_result.id)
    if ledger is None or kept is None:
        return Series(key_result, plan.period)
    points = list(_points(snapshots, end, key_result, ledger.cycles.end_of(kept.cycle)))
    why: str | None = None
    if backfill:
        past, why = _backfilled(end, key_result, ledger)
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


def _points(snapshots: Snapshots, end: Snapshot, key_result: KeyResult, last_kept: datetime) -> Iterator[Point]:
    """A point of each day: of a past one as it stood at its end, of today as it stands."""
    days = list(_days(end.plan.period, end.last_instant, last_kept))
    past = [(day, span.end) for day, span in days if end.past or end.moment not in span]
    states = snapshots.at_ends([midnight for _, midnight in past], [key_result.id])
    for (day, _), snapshot in zip(past, states, strict=True):
        yield _point_of(day, snapshot, key_result)
    if len(past) < len(days):
        yield _point_of(days[-1][0], end, key_result)


def _point_of(day: date, snapshot: Snapshot, key_result: KeyResult) -> Point:
    defined = next((kr for kr in snapshot.plan.measured if kr.id == key_result.id), key_result)
    line, value = line_of(snapshot, defined), snapshot.values.get(key_result.id)
    measured_at = snapshot.times.get(value.confirmed) if value and value.confirmed is not None else None
    measure = measure_digest(key_result.measure) if not snapshot.past else value.measure if value else None
    return _point(day, line, "kept" if line.quality else None, measured_at, measure)


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


def _backfilled(snapshot: Snapshot, key_result: KeyResult, ledger: Ledger) -> tuple[dict[date, Point], str | None]:
    """The points of the days before the present measure was first used; none and why, where nothing dates them."""
    period, now, measure = snapshot.plan.period, snapshot.moment, key_result.measure
    if measure is None:
        return {}, f"{key_result.id} has no measure"
    digest = measure_digest(measure)
    measured = ledger.values.first_and_last_under(period.id, key_result.id, digest, snapshot.cycle)
    if measured is None:
        return {}, f"{key_result.id} was never measured as its file says now: run `syncd sync` first"
    # What a cycle that failed, or whose number is held, has brought since feeds no value of the past either.
    first_cycle, cycle = measured
    past = past_values(ledger.answers, measure, period, now, cycle)
    if past is None:
        return {}, _undated(ledger, measure, period, now, cycle)
    guard = key_result.guard
    guard_past = past_values(ledger.answers, guard.measure, period, now, cycle) if guard and guard.measure else None
    guarded = dict(guard_past or ())
    first = ledger.cycles.end_of(first_cycle).astimezone(period.zone).date()
    points: dict[date, Point] = {}
    for day, number in past:
        if day >= first:
            break
        end = midnight(day + timedelta(days=1), period.zone)
        values = {key_result.id: _as_kept(number, digest, cycle)}
        if guard is not None:
            values[guard.id] = _as_kept(guarded.get(day), measure_digest(guard.measure), cycle)
        then = replace(snapshot, moment=end, values=values, checkins={}, times={cycle: end})
        points[day] = _point(day, line_of(then, key_result), "backfilled", None, digest)
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
    events += approvals(ledger, plan, key_result, last.id) if last else ()
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
