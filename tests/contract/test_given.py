"""What a mapping file's tests are answered by is what the ledger answers by: the same facts give the same past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.ledger import Ledger, open_ledger
from syncd.okr.facts import answered
from syncd.okr.measures import FormulaMeasure, Leaf, Per, ReadingMeasure, ReadingTake, RecordMeasure, RecordTake
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
    found = draw(st.lists(st.tuples(st.none() | moments, st.none() | moments, st.integers(0, 3)), max_size=6))
    return [
        Record(str(n), str(n), "", "", START, created, done, None if done else "open", {"size": [float(size)] * size})
        for n, (created, done, size) in enumerate(found)
        if created is None or done is None or created <= done
    ]


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    found = draw(st.lists(st.tuples(moments, st.none() | st.integers(0, 9)), min_size=1, max_size=6))
    return [
        Reading(
            None if number is None else float(number), f"C{row}", str(number), at, "text" if number is None else None
        )
        for row, (at, number) in enumerate(found)
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


def kept(folder: Path, found: list[Record], read: list[Reading]) -> Ledger:
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
    assert ledger is not None
    ledger.cycles.begin(START)
    ledger.streams.store(ledger.streams.add("code", "pulls", START), 1, START, Page(found))
    page = Page(readings={"calls": Snapshot(read)})
    ledger.streams.store(ledger.streams.add("numbers", "sheet", START), 1, START, page)
    return ledger


@settings(max_examples=60, deadline=None)
@given(found=records(), read=readings(), first=of_records(), second=of_readings(), divided=st.booleans())
def test_given_facts_answer_as_the_ledger_does(
    tmp_path_factory: pytest.TempPathFactory,
    found: list[Record],
    read: list[Reading],
    first: RecordMeasure,
    second: ReadingMeasure,
    divided: bool,
) -> None:
    parts: tuple[tuple[str, Leaf], ...] = (("a", first), ("b", second))
    formula = FormulaMeasure("a / b" if divided else "a - b * 2", parts)
    facts = GivenFacts(Given({first: found}, {second: read}))
    ledger = kept(tmp_path_factory.mktemp("given"), found, read)
    try:
        for measure in (first, second, formula):
            ours, theirs = (answered(one, measure, PERIOD, NOW) for one in (facts, ledger.answers))
            assert (ours.number, ours.reason) == (theirs.number, theirs.reason)
            assert past_values(facts, measure, PERIOD, NOW) == past_values(ledger.answers, measure, PERIOD, NOW)
    finally:
        ledger.close()


@settings(max_examples=60, deadline=None)
@given(found=records(), first=of_records())
def test_the_end_of_a_past_day_is_what_was_answered_then(found: list[Record], first: RecordMeasure) -> None:
    """What was not there yet, or not done, at the end of a day does not count on it."""
    first = replace(first, per=None)  # at the last instant of a day, that whole day has not quite passed
    past = past_values(GivenFacts(Given({first: found})), first, PERIOD, NOW)
    assert past is not None
    for day, number in past:
        end = datetime(day.year, day.month, day.day, tzinfo=PERIOD.zone) + timedelta(days=1)
        then = [
            Record(one.id, one.label, "", "", START, one.created_at, one.done_at, None, one.fields)
            if one.done_at is not None and one.done_at < end
            else Record(one.id, one.label, "", "", START, one.created_at, None, "open", one.fields)
            for one in found
            if one.created_at is None or one.created_at < end
        ]
        answer = answered(GivenFacts(Given({first: then})), first, PERIOD, end - timedelta(microseconds=1))
        assert (number is None) == (answer.number is None)
        if number is not None and answer.number is not None:
            assert abs(number - answer.number) < 1e-6 * max(1, abs(number))
