"""The weekly series of key results, from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from syncd.ledger import Cycle, KeptValue, Ledger
from syncd.ledger.batches import batches
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import KeyResult, PeriodOkrs, Target
from syncd.okr.measures import ReadingMeasure, leaves
from syncd.okr.past import past_values
from syncd.okr.spans import midnight
from syncd.okr.weeks import Week, weekly, weeks_of
from syncd.sdk.numbers import difference

_AT_ONCE = 50  # histories: each may have many rows


class WeeklySeries:
    """The weekly series of a period's key results at a moment; `values` may be values that are not stored yet.

    Without `cycle`, the series use the rows that the ledger holds now. With a `cycle` that ended at that moment, the
    series use the rows that the ledger held after the cycle. `ahead` are the key results whose series will be needed,
    in the order of need. Their histories are read many at a time.
    """

    def __init__(
        self,
        ledger: Ledger,
        okrs: PeriodOkrs,
        values: Mapping[str, KeptValue],
        now: datetime,
        cycle: int | None = None,
        ahead: Iterable[KeyResult] = (),
    ) -> None:
        self._ledger = ledger
        self._values = values
        self._okrs = okrs
        self._now = now
        self._cycle = cycle
        self._past: dict[str, Mapping[date, float | None] | None] = {}
        self._weeks: dict[str, Sequence[Week]] = {}
        self._ahead = list(dict.fromkeys(kr.id for kr in ahead if _may_be_undated(kr, values.get(kr.id))))
        self._histories: Mapping[str, Sequence[tuple[Cycle, KeptValue]]] = {}
        self._times: Mapping[int, datetime] = {}

    def weeks(self, key_result: KeyResult) -> Sequence[Week]:
        """The weeks of a key result, from the dates in its sources, else from the stored values."""
        if key_result.id not in self._weeks:
            measure, past = key_result.measure, self._past_of(key_result)
            if measure is None or past is None:
                weeks = list(self._kept_weeks(key_result))
            else:
                weeks = weekly(self._ledger.answers, measure, self._okrs.period, self._now, past, self._cycle)
            self._weeks[key_result.id] = weeks
        return self._weeks[key_result.id]

    def gained(self, output: KeyResult, since: date) -> float | None:
        """The gain of an output's value since a day. None if the present value or the value before that day is unknown,
        or if the output has no measure or no target.
        """
        value, period = self._values.get(output.id), self._okrs.period
        if output.measure is None or value is None or value.number is None or not isinstance(output.goal, Target):
            return None
        day = max(since - timedelta(days=1), period.first)
        past = past_values(self._ledger.answers, output.measure, period, self._now, self._cycle, only={day})
        if past is None:
            return None
        before = output.goal.baseline if since <= period.first else dict(past).get(day)
        return None if before is None else difference(value.number, before)

    def _past_of(self, key_result: KeyResult) -> Mapping[date, float | None] | None:
        if key_result.id not in self._past:
            measure, past = key_result.measure, None
            if measure is not None:
                ends = {last for _, last in weeks_of(self._okrs.period, self._now)}
                past = past_values(self._ledger.answers, measure, self._okrs.period, self._now, self._cycle, only=ends)
            self._past[key_result.id] = None if past is None else dict(past)
        return self._past[key_result.id]

    def _kept_weeks(self, key_result: KeyResult) -> Iterator[Week]:
        """The weeks of a key result from its stored complete values. A week has a value if a cycle confirmed the value
        in that week or later.
        """
        period = self._okrs.period
        new = self._values.get(key_result.id)
        every = [
            (cycle.ended_at, new if new is not None and new.cycle == value.cycle else value)
            for cycle, value in self._history(key_result.id)
            if self._cycle is None or cycle.id <= self._cycle
        ]
        if new is not None and all(value.cycle != new.cycle for _, value in every):
            every.append((self._now, new))
        history = [
            (at, value)
            for at, value in every
            if at is not None and value.confirmed is not None and value.quality == "complete"
        ]
        if key_result.measure is not None:
            digest = measure_digest(key_result.measure)
            history = [(at, value) for at, value in history if value.measure == digest]
        confirmed_at = {value.confirmed: self._times.get(value.confirmed) for _, value in history if value.confirmed}
        if new is not None and confirmed_at.get(new.confirmed or 0, self._now) is None:
            confirmed_at[new.confirmed or 0] = self._now
        for first, last in weeks_of(period, self._now):
            begin, end = midnight(first, period.zone), midnight(last + timedelta(days=1), period.zone)
            value = next((value for at, value in reversed(history) if at < end), None)
            confirmed = confirmed_at.get(value.confirmed) if value and value.confirmed is not None else None
            carried = value.number if value else None
            yield Week(first, last, carried if confirmed and confirmed >= begin else None, carried)

    def _history(self, name: str) -> Sequence[tuple[Cycle, KeptValue]]:
        if name not in self._histories:
            batch = next((batch for batch in batches(self._ahead, _AT_ONCE) if name in batch), [name])
            histories = self._ledger.values.histories(self._okrs.period.id, batch)
            values = [value for history in histories.values() for _, value in history]
            values += [self._values[key_result] for key_result in batch if key_result in self._values]
            confirmed = {value.confirmed for value in values if value.confirmed is not None}
            self._times = self._ledger.cycles.times(confirmed)
            self._histories = {key_result: histories.get(key_result, ()) for key_result in batch}
        return self._histories[name]


def _may_be_undated(key_result: KeyResult, value: KeptValue | None) -> bool:
    parts = leaves(key_result.measure)
    dated = (value is not None and value.at is not None) or not any(isinstance(part, ReadingMeasure) for part in parts)
    return key_result.measure is None or not dated


def is_evidence(okrs: PeriodOkrs, key_result: str, value: KeptValue | None) -> bool:
    """Whether the value of a key result is complete and comes from its present measure. Otherwise the rows of the key
    result are not evidence.
    """
    measure = okrs.by_id[key_result].measure
    return value is not None and value.quality == "complete" and value.measure == measure_digest(measure)
