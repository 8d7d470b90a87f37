"""Given facts of a mapping file's tests and the ledger give the same answers and the same past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.ledger import Ledger, open_ledger
from syncd.okr.answer import Per
from syncd.okr.facts import answered
from syncd.okr.measures import FormulaMeasure, Leaf, ReadingMeasure, ReadingTake, RecordMeasure, RecordTake
from syncd.okr.past import past_values
from syncd.okr.spans import Period, Window
from syncd.okr.trial import Given, GivenFacts
from syncd.sdk import Page, Reading, Record, Snapshot

PERIOD = Period("p", date(2026, 10, 20), date(2026, 10, 31), ZoneInfo("Europe/Berlin"))
START = datetime(2026, 10, 18, tzinfo=UTC)
NOW = datetime(2026, 10, 30, 12, tzinfo=UTC)
AMOUNTS = {"count", "sum", "distinct", "change"}

moments = st.integers(0, 24 * 12).map(lambda hours: START + timedelta(hours=hours))
windows = st.sampled_from([Window(), Window(days=3), Window(since=date(2026, 10, 22)), Window(settled=2)])
rates = st.sampled_from([None, *get_args(Per)])


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Some are done before they were created, as imported records are."""
    drawn = draw(st.lists(st.tuples(st.none() | moments, st.none() | moments, st.integers(0, 3)), max_size=6))
    return [
        Record(str(n), str(n), "", "", START, created, done, None if done else "open", {"size": [float(size)] * size})
        for n, (created, done, size) in enumerate(drawn)
    ]


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    drawn = draw(st.lists(st.tuples(moments, st.none() | st.integers(0, 9)), min_size=1, max_size=6))
    return [
        Reading(
            None if number is None else float(number), f"C{row}", str(number), at, "text" if number is None else None
        )
        for row, (at, number) in enumerate(drawn)
    ]


@st.composite
def of_records(draw: st.DrawFn) -> RecordMeasure:
    take: RecordTake = draw(st.sampled_from(get_args(RecordTake)))
    of = None if take in ("count", "share") else "size"
    per = draw(rates) if take in AMOUNTS else None
    window = Window() if take == "share" else draw(windows)
    return RecordMeasure("code", ("pulls",), take, of, (), window, per=per)


@st.composite
def of_readings(draw: st.DrawFn) -> ReadingMeasure:
    take: ReadingTake = draw(st.sampled_from(get_args(ReadingTake)))
    per = draw(rates) if take in AMOUNTS else None
    return ReadingMeasure("numbers", "sheet", "calls", take, draw(windows), per=per)


def ledger_of(folder: Path, pulls: list[Record], cells: list[Reading]) -> Ledger:
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
    assert ledger is not None
    ledger.cycles.begin(START)
    ledger.streams.store(ledger.streams.add("code", "pulls", START), 1, START, Page(pulls))
    page = Page(readings={"calls": Snapshot(cells)})
    ledger.streams.store(ledger.streams.add("numbers", "sheet", START), 1, START, page)
    return ledger


@settings(max_examples=examples(12, nightly=500))
@given(pulls=records(), cells=readings(), first=of_records(), second=of_readings(), divided=st.booleans())
def test_given_facts_give_the_answers_of_the_ledger(
    tmp_path_factory: pytest.TempPathFactory,
    pulls: list[Record],
    cells: list[Reading],
    first: RecordMeasure,
    second: ReadingMeasure,
    divided: bool,
) -> None:
    parts: tuple[tuple[str, Leaf], ...] = (("a", first), ("b", second))
    formula = FormulaMeasure("a / b" if divided else "a - b * 2", parts)
    facts = GivenFacts(Given({first: pulls}, {second: cells}))
    ledger = ledger_of(tmp_path_factory.mktemp("given"), pulls, cells)
    try:
        for measure in (first, second, formula):
            from_given = answered(facts, measure, PERIOD, NOW)
            from_ledger = answered(ledger.answers, measure, PERIOD, NOW)
            assert (from_given.number, from_given.reason) == (from_ledger.number, from_ledger.reason)
            past = past_values(facts, measure, PERIOD, NOW)
            assert past == past_values(ledger.answers, measure, PERIOD, NOW)
            if past is not None:
                some = {day for day, _ in past[::7]}
                assert past_values(facts, measure, PERIOD, NOW, only=some) == [row for row in past if row[0] in some]
    finally:
        ledger.close()


@settings(max_examples=examples(12, nightly=500))
@given(pulls=records(), measure=of_records())
def test_the_past_value_of_a_day_equals_the_answer_of_that_day(pulls: list[Record], measure: RecordMeasure) -> None:
    """A record that did not exist yet, or was not done, at the end of a day does not count on that day.

    An imported record, done before it was created, counts on the day that it was done; in a share once it exists.
    """
    measure = replace(measure, per=None)  # at the last instant of a day, that whole day has not quite passed
    past = past_values(GivenFacts(Given({measure: pulls})), measure, PERIOD, NOW)
    assert past is not None
    for day, number in past:
        end = datetime(day.year, day.month, day.day, tzinfo=PERIOD.zone) + timedelta(days=1)
        then = [
            Record(pull.id, pull.label, "", "", START, pull.created_at, pull.done_at, None, pull.fields)
            if pull.done_at is not None and pull.done_at < end
            else Record(pull.id, pull.label, "", "", START, pull.created_at, None, "open", pull.fields)
            for pull in pulls
            if pull.created_at is None
            or pull.created_at < end
            or (measure.take != "share" and pull.done_at is not None and pull.done_at < end)
        ]
        answer = answered(GivenFacts(Given({measure: then})), measure, PERIOD, end - timedelta(microseconds=1))
        assert (number is None) == (answer.number is None)
        assert measure.take != "share" or number is None or number <= 100
        if number is not None and answer.number is not None:
            assert abs(number - answer.number) < 1e-6 * max(1, abs(number))
