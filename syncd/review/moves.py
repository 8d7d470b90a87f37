"""Finds the movement of each key result over the days: the numbers at the start and at the end, and the causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from syncd.explain.edit import Edit
from syncd.explain.history import Point, points_of
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import KeyResult, Target
from syncd.okr.spans import midnight
from syncd.review.causes import causes
from syncd.review.model import Days, Move, Start, StartSource
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of
from syncd.status.snapshot import Snapshot

_DAY = timedelta(days=1)


class Moves:
    """Finds the movement of each key result from the snapshot `before` to the snapshot `now`. `before` is taken at the
    end of the day before the days, `now` at the end of the days.
    """

    def __init__(self, snapshots: Snapshots, days: Days, before: Snapshot, now: Snapshot) -> None:
        self._snapshots = snapshots
        self._days = days
        self._before = before
        self._now = now
        self._period = snapshots.days_of(now)
        self._points_by_id: dict[str, Sequence[Point]] = {}

    def move(self, line: KeyResultLine, edits: Sequence[Edit], times_edited: int) -> Move:
        """The movement of a key result. `line` is its state at the end of the days, and `edits` are its edits during
        the days.
        """
        kr, ledger = line.key_result, self._snapshots.ledger
        start, measured_differently = self._start(kr)
        confidence = self.before(kr).confidence
        move = Move(
            line, start, measured_differently, edits=edits, times_edited=times_edited, confidence_before=confidence
        )
        if move.movement == "still":
            return replace(move, still_since=self._since(kr))
        if move.movement == "moved" and ledger is not None and start is not None:
            end_of_start = midnight(start.day + _DAY, self._period.zone)
            return replace(move, causes=causes(ledger, line, start, end_of_start, self._before, self._now))
        return move

    def before(self, kr: KeyResult) -> KeyResultLine:
        """A key result just before the days, from the ledger."""
        return line_of(self._before, self._before.as_defined(kr))

    def point(self, kr: KeyResult) -> Point | None:
        """The point of the day before the days; None if it is missing. The point may be computed from the dates in the
        sources.
        """
        return next((point for point in self._points(kr) if point.day == self._days.before), None)

    def _start(self, kr: KeyResult) -> tuple[Start | None, bool]:
        """The number with which the present number is compared, and whether the two numbers have different measures."""
        day = self._days.before
        if day < self._period.first:
            if isinstance(kr.goal, Target) and kr.goal.baseline is not None:
                return Start(day, kr.goal.baseline, 0.0, "baseline"), False
            return self._first_of_days(kr), False
        line, value = self.before(kr), self._before.values.get(kr.id)
        if value is not None and line.value is not None:
            now = self._now.values.get(kr.id)
            measured_differently = now is not None and now.measure != value.measure
            return Start(day, line.value, line.standing.progress, "kept", line.standing.bounds), measured_differently
        point = self.point(kr) if value is None else None
        if point is not None and point.value is not None:
            return Start(day, point.value, point.progress, "backfilled", point.bounds), False
        return self._first_of_days(kr), False

    def _first_of_days(self, kr: KeyResult) -> Start | None:
        """The first number within the days that has the present measure; None if there is none before the last day."""
        measure, today = measure_digest(kr.measure), self._now.last_instant.astimezone(self._period.zone).date()
        for point in self._points(kr):
            if self._days.first <= point.day < today and point.value is not None and point.measure == measure:
                source: StartSource = "kept" if point.source == "kept" else "backfilled"
                return Start(point.day, point.value, point.progress, source, point.bounds)
        return None

    def _since(self, kr: KeyResult) -> date | None:
        """The first day of the unbroken run of days that ends now and has the present number."""
        since, last = None, None
        for point in reversed(self._points(kr)):
            if last is not None and (point.value, point.measure) != last:
                break
            last, since = (point.value, point.measure), point.day
        return since

    def _points(self, kr: KeyResult) -> Sequence[Point]:
        if kr.id not in self._points_by_id:
            self._points_by_id[kr.id] = points_of(self._snapshots, self._now, kr)
        return self._points_by_id[kr.id]
