"""The series of a key result: its state at the end of each day of its period, and the events of these days.

The series comes only from the ledger. The value of a day is the newest value that the ledger had at the end of the day,
judged by the definition in force then. Values of different measures are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Literal

from syncd.explain.approvals import PastApproval, approvals
from syncd.explain.edit import Edit
from syncd.explain.edits import edits
from syncd.explain.requests import Asked, open_requests
from syncd.explain.restatements import restatements
from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.checkins import CheckIn, Withdrawal, as_seen_at, newest_value
from syncd.okr.checkins import past_values as past_checkin_values
from syncd.okr.goals import Goal, Health, KeyResult, Quality
from syncd.okr.measures import Measure, ReadingMeasure, leaves
from syncd.okr.past import past_values
from syncd.okr.spans import Period, Span, midnight
from syncd.okr.words import place
from syncd.sdk.language import gettext, marked, ngettext
from syncd.sdk.numbers import difference
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of
from syncd.status.snapshot import Snapshot

PointSource = Literal["kept", "backfilled"]
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Point:
    """A key result at the end of a local day or, for today, at the present moment. Progress, scores and bounds are
    shares: 1 is 100 %. None means unknown.

    `change` is the difference from the day before; None if either value is unknown or their measures differ. `source`
    is None for a day before the first stored value. `measured_at` is the time at which a cycle last measured the value
    completely. `measure` is the digest of its measure, and `goal` is the goal in force. `bounds` are the shares at
    which the health changes.
    """

    day: date
    value: float | None
    progress: float | None
    score: float | None
    expected: float
    health: Health
    quality: Quality | None
    reason: str | None
    source: PointSource | None
    measured_at: datetime | None
    measure: str | None
    goal: Goal
    bounds: tuple[float, ...] = ()
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Restated:
    """The restatements that a cycle saw: `count` is how many past records or rows changed; `before` and `after` are the
    key result's numbers.
    """

    at: datetime
    count: int
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A check-in that was made at the time `at` or, with `withdrawn`, was withdrawn at this time. `before` and `after`
    are the newest checked-in values before and after.
    """

    at: datetime
    checkin: CheckIn
    before: float | None
    after: float | None
    withdrawn: Withdrawal | None = None


SeriesEvent = Edit | PastApproval | Restated | CheckedIn | Asked


@dataclass(frozen=True, slots=True)
class Series:
    """The points of a key result by day, and its events by time. There are no points if the ledger has no value. An
    edit may be older than the first point.

    `not_backfilled` is the reason why the days before the first value could not be computed.
    """

    key_result: KeyResult
    period: Period
    points: Sequence[Point] = ()
    events: Sequence[SeriesEvent] = ()
    not_backfilled: str | None = None


@dataclass(frozen=True, slots=True)
class _Backfill:
    """Computed points for days before the first value under the present measure. If there are no points, `problem` is
    the reason.
    """

    points: Mapping[date, Point]
    problem: str | None = None


def history(snapshots: Snapshots, end: Snapshot, key_result: KeyResult, *, backfill: bool = False) -> Series:
    """The series of a key result, from the first day of the period to the day of the snapshot `end`. If the period is
    over, the series ends at the period's last day, or at the last stored value if this is later.

    With `backfill`, the days before the first value under the present measure are computed from the sources' own dates,
    if there are any. Nothing is written to the ledger.
    """
    ledger = snapshots.ledger
    points, problem = _points(snapshots, end, key_result, backfill)
    events = _events(ledger, end, key_result) if ledger is not None else ()
    return Series(key_result, snapshots.days_of(end), points, events, problem)


def by_point(series: Series) -> Mapping[date, Sequence[SeriesEvent]]:
    """Maps each day that has a point to its events. The first day also gets earlier events, such as edits of a plan,
    and the last day also gets later events.
    """
    if not series.points:
        return {}
    first, last = series.points[0].day, series.points[-1].day
    events: dict[date, list[SeriesEvent]] = {}
    for event in series.events:
        day = event.at.astimezone(series.period.zone).date()
        events.setdefault(max(first, min(day, last)), []).append(event)
    return events


def points_of(snapshots: Snapshots, end: Snapshot, key_result: KeyResult) -> Sequence[Point]:
    """The points of a backfilled history without its events, because the events take far longer to compute."""
    points, _ = _points(snapshots, end, key_result, backfill=True)
    return points


def compared(points: Sequence[Point]) -> list[Point]:
    """The points of consecutive days, each with the change since the previous day if both values can be compared."""
    return [
        *points[:1],
        *(
            replace(point, change=difference(point.value, before.value))
            if before.value is not None and point.value is not None and before.measure == point.measure
            else point
            for before, point in pairwise(points)
        ),
    ]


def _points(
    snapshots: Snapshots, end: Snapshot, key_result: KeyResult, backfill: bool
) -> tuple[Sequence[Point], str | None]:
    ledger, kept = snapshots.ledger, end.values.get(key_result.id)
    if ledger is None or kept is None:
        return (), None
    points = list(_kept_points(snapshots, end, key_result, ledger.cycles.end_of(kept.cycle)))
    if not backfill:
        return compared(points), None
    past = _backfilled(end, snapshots.days_of(end), key_result, ledger)
    return compared([past.points.get(point.day, point) for point in points]), past.problem


def _kept_points(snapshots: Snapshots, end: Snapshot, key_result: KeyResult, last_kept: datetime) -> Iterator[Point]:
    days = list(_days(snapshots.days_of(end), end.last_instant, last_kept))
    past = [(day, span.end) for day, span in days if end.past or end.moment not in span]
    states = snapshots.at_ends([day_end for _, day_end in past], [key_result.id])
    for (day, _), snapshot in zip(past, states, strict=True):
        yield _kept_point(day, snapshot, key_result)
    if len(past) < len(days):
        yield _kept_point(days[-1][0], end, key_result)


def _kept_point(day: date, snapshot: Snapshot, key_result: KeyResult) -> Point:
    line, value = line_of(snapshot, snapshot.as_defined(key_result)), snapshot.values.get(key_result.id)
    measured_at = snapshot.times.get(value.confirmed) if value and value.confirmed is not None else None
    measure = measure_digest(key_result.measure) if not snapshot.past else value.measure if value else None
    return _point(day, line, "kept" if line.quality else None, measured_at, measure)


def _point(
    day: date, line: KeyResultLine, source: PointSource | None, measured_at: datetime | None, measure: str | None
) -> Point:
    standing = line.standing
    return Point(
        day,
        line.value,
        standing.progress,
        standing.score,
        standing.expected,
        standing.health,
        line.quality,
        line.reason,
        source,
        measured_at if source else None,
        measure,
        line.key_result.goal,
        standing.bounds,
    )


def _backfilled(snapshot: Snapshot, period: Period, key_result: KeyResult, ledger: Ledger) -> _Backfill:
    now, measure = snapshot.moment, key_result.measure
    checkins = snapshot.checkins.get(key_result.id, ())
    if measure is None and not any(checkin.dated for checkin in checkins):
        return _Backfill({}, gettext("%(name)s has no measure", name=key_result.id))
    digest = measure_digest(measure)
    measured = ledger.values.first_and_last_under(period.id, key_result.id, digest, snapshot.cycle)
    if measured is None:
        never = gettext("%(name)s was never measured as its file says now: run `syncd sync` first", name=key_result.id)
        return _Backfill({}, never)
    # Rows that arrived later, in a cycle that failed or whose number is held, do not count for past values either.
    first_cycle, cycle = measured
    kept = snapshot.values[key_result.id]
    if kept.measure == digest and kept.confirmed is not None:
        cycle = kept.confirmed  # a cycle after the snapshot may have confirmed the value from other rows
    past: Sequence[tuple[date, float | None]] | None
    if measure is None:
        past = past_checkin_values(checkins, period, now)
    elif (past := past_values(ledger.answers, measure, period, now, cycle)) is None:
        return _Backfill({}, _undated(ledger, measure, period, now, cycle))
    guard = key_result.guard
    guard_past = past_values(ledger.answers, guard.measure, period, now, cycle) if guard and guard.measure else None
    guard_numbers = dict(guard_past or ())
    first = ledger.cycles.end_of(first_cycle).astimezone(period.zone).date()
    points: dict[date, Point] = {}
    for day, number in past:
        if day >= first:
            break
        end = midnight(day + timedelta(days=1), period.zone)
        values = {key_result.id: _dated_value(number, digest, cycle)}
        if guard is not None:
            values[guard.id] = _dated_value(guard_numbers.get(day), measure_digest(guard.measure), cycle)
        then = replace(snapshot, moment=end, values=values, checkins={}, times={cycle: end})
        points[day] = _point(day, line_of(then, key_result), "backfilled", None, digest)
    return _Backfill(points)


def _dated_value(number: float | None, measure: str, cycle: int) -> KeptValue:
    """The value that a cycle on a past day would have stored for a number. It has no standing: the standing is computed
    when it is read.
    """
    reason = marked("nothing gives a number of that day") if number is None else None
    return KeptValue(number, None, None, "unknown", "complete", reason, None, 0, 0, None, measure, cycle, cycle)


def _undated(ledger: Ledger, measure: Measure, period: Period, now: datetime, cycle: int) -> str:
    undated = [
        f"{part.connection}: {place(part.part).partition('; ')[0]}"  # without how its text is read
        for part in leaves(measure)
        if isinstance(part, ReadingMeasure)
        and not ledger.answers.readings(part, Span(part.window.earliest(period), period.span.end), now, cycle)[0]
    ]
    return ngettext(
        "%(places)s has no dates of its own",
        "%(places)s have no dates of their own",
        len(undated),
        places=gettext(" and ").join(undated),
    )


def _events(ledger: Ledger, end: Snapshot, key_result: KeyResult) -> Sequence[SeriesEvent]:
    okrs, until = end.okrs, end.cycle
    events: list[SeriesEvent] = [*edits(ledger, okrs.period.id, key_result.id, until)]
    events += _checked_in(end.checkins.get(key_result.id, ()))
    for request in open_requests(ledger, end, key_result.id):
        events.append(Asked(request.ended_at or request.at, request))
    events += approvals(ledger, okrs.period.id, key_result.id, until)
    restated = restatements(ledger, okrs, key_result, until=until)
    for at, group in groupby(restated, key=lambda restatement: restatement.at):
        same_cycle = list(group)
        events.append(Restated(at, len(same_cycle), same_cycle[0].before, same_cycle[0].after))
    return sorted(events, key=lambda event: event.at)


def _checked_in(checkins: Sequence[CheckIn]) -> Iterator[CheckedIn]:
    def newest(made: Sequence[CheckIn], at: datetime) -> float | None:
        checkin = newest_value(as_seen_at(made, at))
        return checkin.value if checkin else None

    for index, checkin in enumerate(checkins):
        before, after = (newest(checkins[:end], checkin.at) for end in (index, index + 1))
        yield CheckedIn(checkin.at, checkin, before, after)
        if (withdrawn := checkin.withdrawn) is not None:
            before, after = (newest(checkins, at) for at in (withdrawn.at - _INSTANT, withdrawn.at))
            yield CheckedIn(withdrawn.at, checkin, before, after, withdrawn)


def _days(period: Period, now: datetime, last_kept: datetime) -> Iterator[tuple[date, Span]]:
    day = period.first
    last = max(period.last, last_kept.astimezone(period.zone).date())
    while day <= last and (start := midnight(day, period.zone)) <= now:
        day += timedelta(days=1)
        yield day - timedelta(days=1), Span(start, midnight(day, period.zone))
