"""The facts from which measures are computed: the ledger's rows, or the facts in a mapping file's tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from syncd.okr.answer import Answer, rate
from syncd.okr.asked_days import days_of
from syncd.okr.formula import evaluate
from syncd.okr.measures import FormulaMeasure, Leaf, Measure, ReadingMeasure, RecordMeasure
from syncd.okr.spans import Period, Span
from syncd.sdk.facts import Reading, Record


class Facts(Protocol):
    """Provides the records, readings and answers of measures, as of the end of `cycle`. If `cycle` is None, the facts
    are the present facts.
    """

    def answer(self, measure: Leaf, span: Span, now: datetime, cycle: int | None = None) -> Answer:
        """The number of a measure over a window, before it is turned into a rate."""

    def records(self, measure: RecordMeasure, cycle: int | None = None) -> Iterable[Record]:
        """Every record of a measure's streams and kind, including records that are not counted."""

    def contributions(
        self, measure: RecordMeasure, span: Span, cycle: int | None = None
    ) -> Sequence[tuple[datetime, Sequence[float | str]]]:
        """The time at which each counted record was done, and the elements that it contributes, in order of time."""

    def readings(
        self, measure: ReadingMeasure, span: Span, now: datetime, cycle: int | None = None
    ) -> tuple[bool, list[Reading]]:
        """A pair: whether the source dates the measure's readings, and the readings, each with its time."""


def answered(facts: Facts, measure: Measure, period: Period, now: datetime, cycle: int | None = None) -> Answer:
    """The answer of a measure as of a moment, from the present facts, or from the facts at the end of `cycle`."""
    if isinstance(measure, FormulaMeasure):
        parts = {name: answered(facts, part, period, now, cycle) for name, part in measure.parts}
        return evaluate(measure.expression, parts)
    window = measure.window.span(period, now)
    if (reason := days_of(window, period, now).none_yet) is not None:
        return Answer(None, reason)
    return rate(facts.answer(measure, window, now, cycle), measure.per, window, now, period.zone)
