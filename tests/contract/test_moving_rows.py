"""Rows of a dated series that move are not written again, and are still shown where they stood at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from csv_project import CsvProject
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from syncd.ledger import Ledger
from syncd.ledger.schema import layouts, readings
from syncd.okr.measures import ReadingMeasure
from syncd.okr.spans import Span
from syncd.sdk import Page, Reading, Snapshot

pytestmark = pytest.mark.nightly_with("postgresql")

START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = Span(START, START + timedelta(days=92))
NOW = START + timedelta(days=91)
streams = count(1)

Row = tuple[int, int]
"""(day, number)."""


def snapshot(rows: Sequence[Row | None], first: int) -> list[Reading]:
    """The readings of a column whose first row is `first`; None is a blank row."""
    return [
        Reading(float(row[1]), f"Sheet!B{number}", str(row[1]), START + timedelta(days=row[0]))
        for number, row in enumerate(rows, start=first)
        if row is not None
    ]


def written(ledger: Ledger, stream: int) -> int:
    with ledger.engine.connect() as connection:
        query = select(func.count()).select_from(readings).where(readings.c.stream == stream)
        return connection.execute(query).scalar_one()


rows_of_a_sheet = st.tuples(
    st.lists(st.none() | st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=7), st.integers(1, 3)
)


@pytest.mark.sampled(1)
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows_of_a_sheet, min_size=2, max_size=6))
def test_readings_of_every_cycle_are_read_where_they_stood(
    ledger: Ledger, sheets: list[tuple[list[Row | None], int]]
) -> None:
    key = f"stream {next(streams)}"
    stream = ledger.streams.add("numbers", key, NOW)
    measure = ReadingMeasure("numbers", key, "calls", many=True)
    cycles: dict[int, list[Reading]] = {}
    expected = 0
    before: list[Reading] = []
    for number, (rows, first) in enumerate(sheets):
        pages = [snapshot(rows, first)]
        if number % 3 == 2:  # pulled twice in a cycle, and moved in between
            pages.insert(0, snapshot(rows[1:], first + 1))
        cycle = ledger.cycles.begin(NOW)
        for page in pages:
            ledger.streams.store(stream, cycle, NOW, Page(readings={"calls": Snapshot(page)}))
        cycles[cycle] = pages[-1]
        expected += (Counter(map(content, pages[-1])) - Counter(map(content, before))).total()
        before = pages[-1]
    for at in (*cycles, None):
        _, seen = ledger.answers.readings(measure, SPAN, NOW, at)
        assert seen == (cycles[at] if at is not None else before)
    if len(sheets) < 3:
        assert written(ledger, stream) == expected


def content(reading: Reading) -> tuple[object, ...]:
    return reading.at, reading.number


def test_row_added_on_top_every_day_writes_one_row_a_day(ledger: Ledger) -> None:
    stream = ledger.streams.add("numbers", "sheet", NOW)
    days: list[Row | None] = [(day, day * day) for day in range(30, 0, -1)]
    for day in range(31, 61):
        days.insert(0, (day, day * day))
        cycle = ledger.cycles.begin(NOW)
        ledger.streams.store(stream, cycle, NOW, Page(readings={"calls": Snapshot(snapshot(days, 2))}))
    assert written(ledger, stream) == 60
    with ledger.engine.connect() as connection:
        places = connection.execute(select(layouts.c.places)).scalars().all()
    assert len(places) == 29
    assert max(len(str(of)) for of in places) < 40  # however many rows it is of


def test_rows_outside_of_the_listed_time_keep_their_places(ledger: Ledger) -> None:
    stream = ledger.streams.add("numbers", "sheet", NOW)
    measure = ReadingMeasure("numbers", "sheet", "calls", many=True)
    every = snapshot([(day, day) for day in range(10)], 2)
    moved = snapshot([None, *((day, day) for day in range(10))], 2)
    later = Snapshot(moved[5:], between=(START + timedelta(days=5), SPAN.end))
    for number, of in enumerate((Snapshot(every), later, later), start=1):
        ledger.streams.store(stream, number, NOW, Page(readings={"calls": of}))
    _, seen = ledger.answers.readings(measure, SPAN, NOW)
    assert sorted(seen, key=lambda reading: reading.at or NOW) == every[:5] + moved[5:]
    assert written(ledger, stream) == 10


MAPPING = """
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls, kind: outcome, baseline: 0, target: 6000, measure: {use: days, take: sum}}
measures:
  days: {from: local, file: days.csv, series: {dates: Day, values: Calls}}
"""


def test_row_that_is_gone_is_shown_where_it_stood_last(tmp_path: Path, url: str) -> None:
    project = CsvProject(tmp_path, MAPPING, datetime(2026, 11, 20, 10, tzinfo=UTC), ledger=url)
    rows = [f"{date(2026, 11, day)},{day}" for day in (3, 2, 1)]
    for lines in (rows, ["2026-11-04,4", *rows], ["2026-11-04,4", *rows[:-1]]):
        project.write("days.csv", "Day,Calls", *lines)
        result = project.cycle()
        project.now += timedelta(hours=1)
    ((restated,),) = (change.restated for change in result.changes)
    assert (restated.label, restated.why) == ("B5", "held 1, and its row is gone")
    project.ledger.close()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "cells", [["A1"], ["B0", "B1"], ["total", "total"], ["a7b", "a8b", "a9b"], ["x[3].y", "x[2].y"]]
)
def test_layout_is_read_back_as_it_was_written(ledger: Ledger, cells: list[str]) -> None:
    stream = ledger.streams.add("numbers", "sheet", NOW)
    measure = ReadingMeasure("numbers", "sheet", "calls", many=True)
    page = [Reading(1.0, cell, "1", START + timedelta(days=day)) for day, cell in enumerate(cells)]
    first = [Reading(1.0, f"{cell}?", "1", START + timedelta(days=day)) for day, cell in enumerate(cells)]
    for number, of in enumerate((first, page), start=1):
        ledger.streams.store(stream, number, NOW, Page(readings={"calls": Snapshot(of)}))
    assert [ledger.answers.readings(measure, SPAN, NOW, cycle)[1] for cycle in (1, 2)] == [first, page]
