"""The weekly series of key results, from what the ledger holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from syncd.definitions import measure_digest
from syncd.ledger import KeptValue, Ledger
from syncd.okr.goals import KeyResult, Plan, Target
from syncd.okr.past import past_values
from syncd.okr.spans import midnight
from syncd.okr.weeks import Week, weekly, weeks_of


class WeeklySeries:
    """The weekly series of a period's key results as of a moment, each made once; `values` may be about to be kept.

    By what the ledger holds now, or held after a `cycle` that ended at that moment.
    """

    def __init__(
        self, ledger: Ledger, plan: Plan, values: Mapping[str, KeptValue], now: datetime, cycle: int | None = None
    ) -> None:
        self._ledger = ledger
        self._values = values
        self._plan = plan
        self._now = now
        self._cycle = cycle
        self._past: dict[str, Mapping[date, float | None] | None] = {}
        self._weeks: dict[str, Sequence[Week]] = {}

    def weeks(self, key_result: KeyResult) -> Sequence[Week]:
        """The weeks of a key result: by its source's own dates, else by the values that cycles kept."""
        if key_result.id not in self._weeks:
            measure, past = key_result.measure, self._past_of(key_result)
            if measure is None or past is None:
                found = list(self._kept_weeks(key_result))
            else:
                found = weekly(self._ledger.answers, measure, self._plan.period, self._now, past, self._cycle)
            self._weeks[key_result.id] = found
        return self._weeks[key_result.id]

    def gained(self, output: KeyResult, since: date) -> float | None:
        """What an output's value has gained from a day on; None where the value before it is not known."""
        past = self._past_of(output)
        value = self._values.get(output.id)
        if past is None or value is None or value.number is None or not isinstance(output.goal, Target):
            return None
        before = past.get(since - timedelta(days=1))
        if since <= self._plan.period.first:
            before = output.goal.baseline
        return None if before is None else value.number - before

    def _past_of(self, key_result: KeyResult) -> Mapping[date, float | None] | None:
        if key_result.id not in self._past:
            measure, past = key_result.measure, None
            if measure is not None:
                past = past_values(self._ledger.answers, measure, self._plan.period, self._now, self._cycle)
            self._past[key_result.id] = None if past is None else dict(past)
        return self._past[key_result.id]

    def _kept_weeks(self, key_result: KeyResult) -> Iterator[Week]:
        """By complete values alone, and for weeks at or after whose beginning a cycle found them."""
        period = self._plan.period
        found = [
            (cycle.ended_at, value)
            for cycle, value in self._ledger.values.history(period.id, key_result.id)
            if self._cycle is None or cycle.id <= self._cycle
        ]
        new = self._values.get(key_result.id)
        if new is not None and all(value.cycle != new.cycle for _, value in found):
            found.append((self._now, new))
        history = [
            (at, value)
            for at, value in found
            if at is not None and value.confirmed is not None and value.quality == "complete"
        ]
        if key_result.measure is not None:
            digest = measure_digest(key_result.measure)
            history = [(at, value) for at, value in history if value.measure == digest]
        confirmed = self._ledger.cycles.times({value.confirmed for _, value in history if value.confirmed is not None})
        if new is not None and new.confirmed is not None:
            confirmed.setdefault(new.confirmed, self._now)
        for first, last in weeks_of(period, self._now):
            begin, end = midnight(first, period.zone), midnight(last + timedelta(days=1), period.zone)
            value = next((value for at, value in reversed(history) if at < end), None)
            seen = confirmed.get(value.confirmed) if value is not None and value.confirmed is not None else None
            yield Week(first, last, value.number if value is not None and seen is not None and seen >= begin else None)
