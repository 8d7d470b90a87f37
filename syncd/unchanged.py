"""Which measures come to what they came to in the cycle before: nothing that they rest on has changed since.

A thousand key results over a million records are measured in a moment that way. Whatever is in doubt is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from syncd.ledger import KeptValue, Ledger
from syncd.okr.measures import Answer, Measure, ReadingMeasure, stream_keys
from syncd.okr.spans import Period
from syncd.pulls import Outcome


class Unchanged:
    """Answers from the values that the cycle before this one confirmed.

    A cycle that was killed, a dry run, an approval: where one of them lies in between, everything is measured.
    """

    def __init__(self, ledger: Ledger, outcomes: Mapping[tuple[str, str], Outcome], cycle: int, now: datetime) -> None:
        self._ledger = ledger
        self._outcomes = outcomes
        self._before = cycle - 1
        self._now = now

    def answer(self, measure: Measure, period: Period, last: KeptValue | None) -> Answer | None:
        """What the measure came to in the cycle before, if it comes to the same now; None where that is in doubt."""
        if last is None or last.quality != "complete" or last.number is None or last.confirmed != self._before:
            return None
        if any(self._outcomes[(measure.connection, key)].changed for key in stream_keys(measure)):
            return None
        then = self._ended_at
        if (
            then is None
            or then > self._now
            or measure.window.span(period, then) != measure.window.span(period, self._now)
        ):
            return None
        if isinstance(measure, ReadingMeasure):
            undated = last.at is None and measure.take != "latest"  # from when to when each held, the ledger says
            if undated or (measure.connection, measure.stream, measure.part) in self._came_due:
                return None
        return Answer(last.number, None, last.counted, last.lacking, last.at)

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
