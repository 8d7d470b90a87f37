"""Reuses the answers of the previous cycle for measures whose rows have not changed since that cycle.

A cycle of a thousand key results over a million records is fast because answers are reused. If it is not certain that
an answer is the same, the measure is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from syncd.cycle.model import PullResult
from syncd.ledger import Cycle, KeptValue, Ledger
from syncd.okr.answer import Answer
from syncd.okr.measures import Leaf, Measure, ReadingMeasure, leaves, stream_keys
from syncd.okr.spans import Period


class Unchanged:
    """Finds answers in the values that the previous cycle confirmed.

    If the previous cycle was killed, or was a dry run or an approval, there are no answers to reuse.
    """

    def __init__(
        self, ledger: Ledger, results: Mapping[tuple[str, str], PullResult], cycle: int, now: datetime
    ) -> None:
        self._ledger = ledger
        self._results = results
        self._before = cycle - 1
        self._now = now

    def answer(self, measure: Measure, period: Period, last: KeptValue | None) -> Answer | None:
        """The measure's answer in the previous cycle; None if the answer may be different now."""
        if last is None or last.quality != "complete" or last.number is None or last.confirmed != self._before:
            return None
        then = self._ended_at
        if then is None or then > self._now:
            return None
        if not all(self._same(part, period, then) for part in leaves(measure)):
            return None
        return Answer(last.number, None, last.counted, last.lacking, last.at)

    def _same(self, measure: Leaf, period: Period, then: datetime) -> bool:
        if measure.per is not None:  # a rate changes with time
            return False
        if any(self._results[(measure.connection, key)].changed for key in stream_keys(measure)):
            return False
        window = measure.window.span(period, self._now)
        if measure.window.span(period, then) != window or then < window.start:
            return False
        if not isinstance(measure, ReadingMeasure):
            due = self._done_since | (self._created_since if measure.take == "share" else set())
            return not any((measure.connection, key) in due for key in stream_keys(measure))
        if measure.take != "latest" and self._clock_was_ahead:  # a reading dated by that clock becomes due with time
            return False
        return (measure.connection, measure.stream, measure.part) not in self._came_due

    def same_day(self, period: Period) -> bool:
        """Whether the previous cycle ended on the present local day."""
        then = self._ended_at
        return then is not None and then.astimezone(period.zone).date() == self._now.astimezone(period.zone).date()

    @cached_property
    def _previous(self) -> Cycle | None:
        last = self._ledger.cycles.last()
        return last if last is not None and last.id == self._before else None

    @property
    def _ended_at(self) -> datetime | None:
        return self._previous.ended_at if self._previous else None

    @property
    def _began_at(self) -> datetime:
        """The time at which the previous cycle began. Rows with a later date may count now although they did not count
        then.
        """
        assert self._previous is not None  # otherwise no answer is reused
        return self._previous.started_at

    @cached_property
    def _clock_was_ahead(self) -> bool:
        """Whether any earlier cycle began after the time at which the previous cycle ended. This happens when the clock
        was set back.
        """
        assert self._ended_at is not None  # otherwise no answer is reused
        return self._ledger.cycles.began_later(self._ended_at, self._before + 1)

    @cached_property
    def _came_due(self) -> set[tuple[str, str, str]]:
        return self._ledger.members.dated_within(self._began_at, self._now)

    @cached_property
    def _done_since(self) -> set[tuple[str, str]]:
        return self._ledger.members.done_within(self._began_at, self._now)

    @cached_property
    def _created_since(self) -> set[tuple[str, str]]:
        return self._ledger.members.created_within(self._began_at, self._now)
