"""How each key result moved over the days: from where, to where, and what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from syncd.explain.edits import Edit
from syncd.explain.history import Point, history
from syncd.ledger import Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import KeyResult, Target
from syncd.review.causes import causes
from syncd.review.model import Days, Move, Start, StartSource
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of
from syncd.status.snapshot import Snapshot


class Moves:
    """Makes the movement of each key result of a plan between two moments that the ledger knows."""

    def __init__(
        self, snapshots: Snapshots, ledger: Ledger | None, days: Days, before: Snapshot, now: Snapshot
    ) -> None:
        self._snapshots = snapshots
        self._plan = now.plan
        self._ledger = ledger
        self.days = days
        self._before = before
        self._now = now
        self._end = now.last_instant
        self._points: dict[str, Sequence[Point]] = {}

    def move(self, line: KeyResultLine, edits: Sequence[Edit], times_edited: int) -> Move:
        """The movement of a key result that stands as `line` now; `edits` are those of the days."""
        kr, ledger = line.key_result, self._ledger
        start, otherwise = self._start(kr)
        sure = self.before(kr).confidence
        found = Move(line, start, otherwise, edits=edits, times_edited=times_edited, confidence_before=sure)
        if found.movement == "still":
            return replace(found, still_since=self._since(kr))
        if found.movement == "moved" and ledger is not None and start is not None:
            return replace(found, causes=causes(ledger, self._plan, line, start, self._before, self._now))
        return found

    def before(self, kr: KeyResult) -> KeyResultLine:
        """Where a key result stood before the days, by what was kept then."""
        then = next((then for then in self._before.plan.key_results if then.id == kr.id), kr)
        return line_of(self._before, then)

    def point(self, kr: KeyResult) -> Point | None:
        """The point of the day before the days, computed from the sources' dates; None where they date none."""
        return next((point for point in self._series(kr) if point.day == self.days.before), None)

    def _start(self, kr: KeyResult) -> tuple[Start | None, bool]:
        """From where it is compared, and whether that was measured in another way."""
        day, period = self.days.before, self._plan.period
        if day < period.first:
            if isinstance(kr.goal, Target) and kr.goal.baseline is not None:
                return Start(day, kr.goal.baseline, 0.0, "baseline"), False
            return self._first_seen(kr), False
        line, value = self.before(kr), self._before.values.get(kr.id)
        if value is not None and line.value is not None:
            now = self._now.values.get(kr.id)
            otherwise = now is not None and now.measure != value.measure
            return Start(day, line.value, line.standing.progress, "kept"), otherwise
        point = self.point(kr) if value is None else None
        if point is not None and point.value is not None:
            return Start(day, point.value, point.progress, "backfilled"), False
        return self._first_seen(kr), False

    def _first_seen(self, kr: KeyResult) -> Start | None:
        """The first number of the days, before the last of them, that is measured as the present one."""
        digest, today = measure_digest(kr.measure), self._end.astimezone(self._plan.period.zone).date()
        for point in self._series(kr):
            if self.days.first <= point.day < today and point.value is not None and point.measure == digest:
                source: StartSource = "kept" if point.source == "kept" else "backfilled"
                return Start(point.day, point.value, point.progress, source)
        return None

    def _since(self, kr: KeyResult) -> date | None:
        """The first day of the unbroken run in which its number is what it is now."""
        since, last = None, None
        for point in reversed(self._series(kr)):
            if last is not None and (point.value, point.measure) != last:
                break
            last, since = (point.value, point.measure), point.day
        return since

    def _series(self, kr: KeyResult) -> Sequence[Point]:
        if kr.id not in self._points:
            series = history(self._snapshots, self._now, kr, self._ledger, backfill=True)
            self._points[kr.id] = series.points
        return self._points[kr.id]
