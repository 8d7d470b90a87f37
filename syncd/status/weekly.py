"""The weekly series of key results, from what the ledger holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from syncd.ledger import Cycle, KeptValue, Ledger
from syncd.ledger.batches import batches
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import KeyResult, Plan, Target
from syncd.okr.measures import ReadingMeasure, leaves
from syncd.okr.past import past_values
from syncd.okr.spans import midnight
from syncd.okr.weeks import Week, weekly, weeks_of

_AT_ONCE = 50  # a history has a row for each change of a number


class WeeklySeries:
    """The weekly series of a period's key results as of a moment, each made once; `values` may be about to be kept.

    By what the ledger holds now, or held after a `cycle` that ended at that moment. What was kept of those `ahead`,
    which will be asked for in that order, is read of many at a time.
    """

    def __init__(
        self,
        ledger: Ledger,
        plan: Plan,
        values: Mapping[str, KeptValue],
        now: datetime,
        cycle: int | None = None,
        ahead: Iterable[KeyResult] = (),
    ) -> None:
        self._ledger = ledger
        self._values = values
        self._plan = plan
        self._now = now
        self._cycle = cycle
        self._past: dict[str, Mapping[date, float | None] | None] = {}
        self._weeks: dict[str, Sequence[Week]] = {}
        self._ahead = list(dict.fromkeys(kr.id for kr in ahead if _may_be_undated(kr, values.get(kr.id))))
        self._histories: Mapping[str, Sequence[tuple[Cycle, KeptValue]]] = {}
        self._times: Mapping[int, datetime] = {}

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
        value, period = self._values.get(output.id), self._plan.period
        if output.measure is None or value is None or value.number is None or not isinstance(output.goal, Target):
            return None
        day = max(since - timedelta(days=1), period.first)
        past = past_values(self._ledger.answers, output.measure, period, self._now, self._cycle, only=day)
        if past is None:
            return None
        before = output.goal.baseline if since <= period.first else dict(past).get(day)
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
        new = self._values.get(key_result.id)
        found = [
            (cycle.ended_at, new if new is not None and new.cycle == value.cycle else value)
            for cycle, value in self._history(key_result.id)
            if self._cycle is None or cycle.id <= self._cycle
        ]
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
        seen_at = {value.confirmed: self._times.get(value.confirmed) for _, value in history if value.confirmed}
        if new is not None and seen_at.get(new.confirmed or 0, self._now) is None:
            seen_at[new.confirmed or 0] = self._now
        for first, last in weeks_of(period, self._now):
            begin, end = midnight(first, period.zone), midnight(last + timedelta(days=1), period.zone)
            value = next((value for at, value in reversed(history) if at < end), None)
            seen = seen_at.get(value.confirmed) if value is not None and value.confirmed is not None else None
            yield Week(first, last, value.number if value is not None and seen is not None and seen >= begin else None)

    def _history(self, name: str) -> Sequence[tuple[Cycle, KeptValue]]:
        if name not in self._histories:
            some = next((some for some in batches(self._ahead, _AT_ONCE) if name in some), [name])
            found = self._ledger.values.histories(self._plan.period.id, some)
            values = [value for one in found.values() for _, value in one]
            values += [self._values[one] for one in some if one in self._values]
            self._times = self._ledger.cycles.times({one.confirmed for one in values if one.confirmed is not None})
            self._histories = {one: found.get(one, ()) for one in some}
        return self._histories[name]


def _may_be_undated(key_result: KeyResult, value: KeptValue | None) -> bool:
    parts = leaves(key_result.measure)
    dated = (value is not None and value.at is not None) or not any(isinstance(one, ReadingMeasure) for one in parts)
    return key_result.measure is None or not dated


def is_evidence(plan: Plan, key_result: str, value: KeptValue | None) -> bool:
    """Whether the rows that a key result rests on are whole and of its measure as it is now."""
    measure = next(kr.measure for kr in plan.key_results if kr.id == key_result)
    return value is not None and value.quality == "complete" and value.measure == measure_digest(measure)
