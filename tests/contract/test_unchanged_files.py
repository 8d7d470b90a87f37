"""A file whose bytes were read before makes no readings again; anything else that readings are made of does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_files import opened

from connectors.files import Files
from syncd.sdk import Context, Json, Page, Stream

CSV = "Week,Calls,Costs\n2026-10-05,7,x\n2026-10-12,8,y\n"
CALLS = Files.Measure.model_validate({"file": "a.csv", "series": {"dates": "Week", "values": "Calls"}}).part()
MISSING = Files.Measure.model_validate({"file": "a.csv", "series": {"dates": "Week", "values": "Visits"}}).part()
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
STREAM = Stream("a.csv", "readings", frozenset({CALLS}), windows={CALLS: OCTOBER})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settled file."""
    file = tmp_path / "a.csv"
    write(file, CSV)
    return file


def write(file: Path, content: str) -> None:
    """Writes a file as a copy does that keeps times."""
    file.write_text(content, encoding="utf-8")
    os.utime(file, (1_790_000_000, 1_790_000_000))


def pages(file: Path, context: Context, cursor: Mapping[str, Json] | None, stream: Stream = STREAM) -> list[Page]:
    return list(opened(file.parent, context).pull(stream, cursor))


@pytest.fixture
def cursor(file: Path, context: Context) -> Mapping[str, Json]:
    """What a first pull leaves."""
    (page,) = pages(file, context, None)
    assert page.cursor
    return page.cursor


def test_file_with_the_same_bytes_makes_no_page(file: Path, context: Context, cursor: Mapping[str, Json]) -> None:
    assert pages(file, context, cursor) == []
    file.touch()
    assert pages(file, context, cursor) == []


def test_change_that_keeps_size_and_time_is_read(file: Path, context: Context, cursor: Mapping[str, Json]) -> None:
    write(file, CSV.replace("8", "9"))
    (page,) = pages(file, context, cursor)
    assert [reading.number for reading in page.readings[CALLS].readings] == [7, 9]


@pytest.mark.parametrize("what", ["zone", "window", "part", "day", "version"])
def test_what_else_readings_are_made_of_has_the_file_read(
    what: str, file: Path, context: Context, cursor: Mapping[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = STREAM
    match what:
        case "zone":
            context = replace(context, zone=ZoneInfo("Asia/Tokyo"))
        case "window":
            stream = replace(STREAM, windows={CALLS: (OCTOBER[0], OCTOBER[1] + timedelta(days=1))})
        case "part":
            stream = replace(STREAM, needs=frozenset({CALLS, MISSING}))
        case "day":
            tomorrow = context.now() + timedelta(days=1)
            context = replace(context, now=lambda: tomorrow)
        case "version":
            monkeypatch.setattr("connectors.files.source.version", lambda _: "9.9")
    assert len(pages(file, context, cursor, stream)) == 1


def test_file_that_a_part_cannot_read_is_read_each_time(
    file: Path, context: Context, cursor: Mapping[str, Json]
) -> None:
    both = replace(STREAM, needs=frozenset({CALLS, MISSING}))
    for before, left in ((None, None), (cursor, {}), ({}, {})):
        (page,) = pages(file, context, before, both)
        assert page.readings[MISSING].problem
        assert page.cursor == left


MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls
        kind: outcome
        baseline: 0
        target: 100
        measure: {from: local, file: a.csv, series: {dates: Week, values: Calls}, take: sum}
"""
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WEEKS = st.lists(st.integers(0, 3), min_size=1, max_size=4)


@settings(max_examples=examples(15))
@given(st.lists(WEEKS, min_size=2, max_size=8))
def test_cycles_over_a_file_that_changes_give_the_sum_of_what_it_holds(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("project")
    project = CsvProject(folder, MAPPING, NOW)
    for content in contents:
        rows = "".join(f"2026-10-{5 + place:02},{number}\n" for place, number in enumerate(content))
        write(folder / "a.csv", "Week,Calls\n" + rows)
        project.cycle()
        (line,) = project.report().lines
        assert (line.value, line.quality) == (sum(content), "complete")
        project.now += timedelta(minutes=15)
    project.ledger.close()
