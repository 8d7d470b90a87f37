"""What measures are answered from: the ledger's rows, or what a mapping file's tests say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from syncd.okr.formula import combined
from syncd.okr.measures import Answer, FormulaMeasure, Leaf, Measure, ReadingMeasure, RecordMeasure, rate
from syncd.okr.spans import Period, Span
from syncd.sdk.facts import Reading, Record


class Facts(Protocol):
    """Answers measures of one kind of fact each; `cycle` asks for what was held after it, None for what is held now."""

    def answer(self, measure: Leaf, span: Span, now: datetime, cycle: int | None = None) -> Answer:
        """What a measure comes to over a window, before any rate is made of it."""

    def records(self, measure: RecordMeasure, cycle: int | None = None) -> Iterable[Record]:
        """Every record of a measure's streams and kind, whether it counts or not."""

    def contributions(
        self, measure: RecordMeasure, span: Span, cycle: int | None = None
    ) -> Sequence[tuple[datetime, Sequence[float | str]]]:
        """When each record that counts was done and what it brings, in order of time."""

    def readings(
        self, measure: ReadingMeasure, span: Span, now: datetime, cycle: int | None = None
    ) -> tuple[bool, list[Reading]]:
        """Whether the source dates the readings of a measure, and they themselves, each with its time."""


def answered(facts: Facts, measure: Measure, period: Period, now: datetime, cycle: int | None = None) -> Answer:
    """What a measure comes to as of a moment, by what is held now or was held after a cycle."""
    if isinstance(measure, FormulaMeasure):
        parts = {name: answered(facts, part, period, now, cycle) for name, part in measure.parts}
        return combined(measure.expression, parts)
    window = measure.window.span(period, now)
    if window.start >= window.end:
        return Answer(None, "no day of its window has settled yet")
    return rate(facts.answer(measure, window, now, cycle), measure.per, window, now)
