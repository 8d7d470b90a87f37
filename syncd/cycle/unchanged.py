"""Which measures come to what they came to in the cycle before: nothing that they rest on has changed since.

A thousand key results over a million records are measured in a moment that way. Whatever is in doubt is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from syncd.cycle.model import PullResult
from syncd.ledger import KeptValue, Ledger
from syncd.okr.measures import Answer, Leaf, Measure, ReadingMeasure, leaves, stream_keys
from syncd.okr.spans import Period


class Unchanged:
    """Answers from the values that the cycle before this one confirmed.

    A cycle that was killed, a dry run, an approval: where one of them lies in between, everything is measured.
    """

    def __init__(
        self, ledger: Ledger, results: Mapping[tuple[str, str], PullResult], cycle: int, now: datetime
    ) -> None:
        self._ledger = ledger
        self._results = results
        self._before = cycle - 1
        self._now = now

    def answer(self, measure: Measure, period: Period, last: KeptValue | None) -> Answer | None:
        """What the measure came to in the cycle before, if it comes to the same now; None where that is in doubt."""
        if last is None or last.quality != "complete" or last.number is None or last.confirmed != self._before:
            return None
        then = self._ended_at
        if then is None or then > self._now:
            return None
        parts = leaves(measure)
        dated = last.at is not None and len(parts) == 1  # of several, one part may be dated and another not
        if not all(self._same(part, period, then, dated) for part in parts):
            return None
        return Answer(last.number, None, last.counted, last.lacking, last.at)

    def _same(self, measure: Leaf, period: Period, then: datetime, dated: bool) -> bool:
        if measure.per is not None:  # time alone changes a rate
            return False
        if any(self._results[(measure.connection, key)].changed for key in stream_keys(measure)):
            return False
        if measure.window.span(period, then) != measure.window.span(period, self._now):
            return False
        if not isinstance(measure, ReadingMeasure):
            return True
        # Of what is undated, from when to when each held is for the ledger to say.
        if not dated and measure.take != "latest":
            return False
        return (measure.connection, measure.stream, measure.part) not in self._came_due

    def same_day(self, period: Period) -> bool:
        """Whether the cycle before ended on the local day that it is now."""
        then = self._ended_at
        return then is not None and then.astimezone(period.zone).date() == self._now.astimezone(period.zone).date()

    @cached_property
    def _ended_at(self) -> datetime | None:
        return self._ledger.cycles.times([self._before]).get(self._before)

    @cached_property
    def _came_due(self) -> set[tuple[str, str, str]]:
        """The parts that have a row dated after the cycle before and not after now: (connection, stream, part)."""
        return self._ledger.members.dated_within(self._ended_at, self._now) if self._ended_at else set()
