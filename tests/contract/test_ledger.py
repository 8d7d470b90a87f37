"""The promises of the ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from opened import create_ledger
from sqlalchemy import Connection, Integer, String, column, create_engine, event, func, inspect, select, text
from waiting import wait_for

from syncd.ledger import (
    Definition,
    KeptValue,
    Ledger,
    LedgerBusy,
    LedgerError,
    cycle_lock,
    migrate,
    open_ledger,
)
from syncd.ledger.answers import Answers
from syncd.ledger.approvals import Approval
from syncd.ledger.batches import given
from syncd.ledger.cycles import newest_by
from syncd.ledger.engine import TakingTurns
from syncd.ledger.members import Loss
from syncd.ledger.pulled import LastPull
from syncd.ledger.reading_rows import reading_rows
from syncd.ledger.requests import FormReused, NewRequest
from syncd.ledger.schema import cycles, definitions, metadata, readings, records, remarks, streams, values
from syncd.ledger.streams import Ending
from syncd.okr.answer import Answer
from syncd.okr.checkins import CheckIn
from syncd.okr.measures import Filter, Leaf, ReadingMeasure, ReadingTake, RecordMeasure, RecordTake
from syncd.okr.past import past_values
from syncd.okr.spans import Period, Span, Window, midnight
from syncd.sdk import Json, Page, Reading, Record, Snapshot, Stream

START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = Span(START, START + timedelta(days=92))
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def reach(ledger: Ledger, cycle: int, now: datetime) -> None:
    """Begins cycles up to this number."""
    with ledger.engine.connect() as connection:
        last = connection.execute(select(func.max(cycles.c.id))).scalar() or 0
    for _ in range(last, cycle):
        ledger.cycles.begin(now)


def pull(id: str = "1", updated: int = 0, done: int | None = 10, **fields: list[str | float]) -> Record:
    """A pull request updated and merged on days after the start; none is open."""
    merged = None if done is None else START + done * DAY
    return Record(
        id, f"#{id}", f"Change {id}", f"https://code/{id}", START + updated * DAY, done_at=merged, fields=fields
    )


def store(ledger: Ledger, cycle: int, *page_records: Record, stream: str = "pulls", **page: object) -> int:
    reach(ledger, cycle, NOW)
    number = ledger.streams.add("code", stream, NOW)
    return ledger.streams.store(number, cycle, NOW, Page(page_records, **page))  # type: ignore[arg-type]


def count(ledger: Ledger, cycle: int | None = None, *rules: Filter) -> float | None:
    return ledger.answers.answer(RecordMeasure("code", ("pulls",), filters=rules), SPAN, NOW, cycle).number


def take_of(ledger: Ledger, take: RecordTake, of: str, *keys: str) -> float | None:
    return ledger.answers.answer(RecordMeasure("code", keys or ("pulls",), take=take, of=of), SPAN, NOW).number


def versions(ledger: Ledger) -> list[tuple[str, int, int | None]]:
    """(id, cycle, until) of every version of every record."""
    with ledger.engine.connect() as connection:
        query = select(records.c.id, records.c.cycle, records.c.until).order_by(records.c.id, records.c.cycle)
        return [tuple(row) for row in connection.execute(query)]


class TestRecords:
    def test_a_new_record_counts(self, ledger: Ledger) -> None:
        assert store(ledger, 1, pull("1"), pull("2")) == 2
        assert count(ledger) == 2

    def test_a_record_that_is_not_done_does_not_count(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1", done=None), pull("2"))
        assert count(ledger) == 1

    def test_unchanged_rows_write_nothing(self, ledger: Ledger) -> None:
        store(ledger, 1, pull(label=["bug"]))
        reach(ledger, 2, NOW)
        written: list[str] = []

        @event.listens_for(ledger.engine, "before_cursor_execute")
        def _see(_c: object, _u: object, statement: str, *_rest: object) -> None:
            if statement.startswith(("INSERT", "UPDATE", "DELETE")):
                written.append(statement)

        assert store(ledger, 2, pull(label=["bug"])) == 0
        assert written == []
        assert versions(ledger) == [("1", 1, None)]

    def test_a_change_is_a_new_version_beside_the_old(self, ledger: Ledger) -> None:
        store(ledger, 1, pull(label=["bug"]))
        assert store(ledger, 3, pull(updated=1, label=["chore"])) == 1
        assert versions(ledger) == [("1", 1, 3), ("1", 3, None)]
        bug = Filter("label", any_of=("bug",))
        assert [count(ledger, cycle, bug) for cycle in (1, 2, 3, None)] == [1, 1, 0, 0]

    def test_a_change_without_a_newer_time_is_stored_too(self, ledger: Ledger) -> None:
        store(ledger, 1, pull(label=["bug"]))
        assert store(ledger, 2, pull(label=["chore"])) == 1

    def test_a_late_older_update_undoes_nothing(self, ledger: Ledger) -> None:
        store(ledger, 1, pull(updated=5))
        assert store(ledger, 2, pull(updated=4, done=None)) == 0
        assert count(ledger) == 1

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_the_newest_version_within_a_page_wins(self, ledger: Ledger, newest_first: bool) -> None:
        page = [pull(updated=2, done=None), pull(updated=1)]
        assert store(ledger, 1, *(page if newest_first else reversed(page))) == 1
        assert count(ledger) == 0

    def test_a_reopened_record_leaves_the_count(self, ledger: Ledger) -> None:
        store(ledger, 1, pull())
        store(ledger, 2, pull(updated=1, done=None))
        assert [count(ledger, cycle) for cycle in (1, 2)] == [1, 0]

    def test_a_record_changed_twice_in_a_cycle_has_a_single_version_of_it(self, ledger: Ledger) -> None:
        store(ledger, 1, pull(label=["a"]))
        store(ledger, 2, pull(updated=1, label=["b"]))
        store(ledger, 2, pull(updated=2, label=["c"]))
        assert versions(ledger) == [("1", 1, 2), ("1", 2, None)]
        assert [count(ledger, None, Filter("label", any_of=(label,))) for label in "abc"] == [0, 0, 1]

    def test_a_record_that_comes_and_goes_in_a_cycle_leaves_no_version(self, ledger: Ledger) -> None:
        store(ledger, 1, pull())
        ledger.streams.reconcile(ledger.streams.add("code", "pulls", NOW), 1, [])
        assert versions(ledger) == []

    def test_a_record_gone_and_back_in_a_cycle_still_counts(self, ledger: Ledger) -> None:
        store(ledger, 1, pull())
        ledger.streams.reconcile(ledger.streams.add("code", "pulls", NOW), 2, [])
        store(ledger, 2, pull())
        assert [count(ledger, cycle) for cycle in (1, 2, None)] == [1, 1, 1]

    def test_more_records_than_a_statement_takes_are_stored(self, ledger: Ledger) -> None:
        many = [pull(str(number)) for number in range(1203)]
        assert store(ledger, 1, *many) == 1203
        assert store(ledger, 2, *many) == 0
        assert store(ledger, 3, *(replace(record, title="Renamed") for record in many)) == 1203
        assert count(ledger) == 1203

    def test_streams_do_not_mix(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"))
        store(ledger, 1, pull("2"), stream="issues")
        ledger.streams.store(ledger.streams.add("other", "pulls", NOW), 1, NOW, Page([pull("3")]))
        assert count(ledger) == 1

    def test_a_record_in_two_streams_of_a_measure_counts_once(self, ledger: Ledger) -> None:
        # `repo: [acme/*, acme/web]` lists the pulls of acme/web twice
        store(ledger, 1, pull(size=[3.0]), stream="pulls of acme/*")
        store(ledger, 1, pull(size=[3.0]), stream="pulls of acme/web")
        both = ("pulls of acme/*", "pulls of acme/web")
        assert ledger.answers.answer(RecordMeasure("code", both), SPAN, NOW).number == 1
        assert take_of(ledger, "sum", "size", *both) == 3
        assert take_of(ledger, "median", "size", *both) == 3

    def test_a_record_is_read_back_as_it_was_stored(self, ledger: Ledger) -> None:
        record = replace(
            pull(label=["größe", "日本"], size=[1.5, -3.0], empty=[]),
            created_at=START - DAY,
            not_done="closed as not planned",
            updated_at=datetime(2026, 10, 25, 3, 30, 0, 123456, tzinfo=ZoneInfo("Europe/Berlin")),
        )
        store(ledger, 1, record)
        assert list(ledger.answers.records(RecordMeasure("code", ("pulls",)))) == [record]

    @pytest.mark.parametrize("bad", ["a\0b", "a\ud83d"], ids=["a NUL", "half a surrogate pair"])
    def test_a_text_that_no_database_accepts_does_not_stop_the_page(self, ledger: Ledger, bad: str) -> None:
        store(ledger, 1, replace(pull("1", label=[bad]), title=bad), pull("2"))
        assert count(ledger) == 2


class TestPresence:
    def test_a_record_that_is_not_present_is_gone(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), pull("2"))
        assert store(ledger, 2, pull("2"), pull("3"), present=frozenset({"2", "3"})) == 2
        assert versions(ledger) == [("1", 1, 2), ("2", 1, None), ("3", 2, None)]
        assert [count(ledger, cycle) for cycle in (1, 2)] == [2, 2]

    def test_a_page_without_a_list_of_those_present_ends_no_record(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), pull("2"))
        assert store(ledger, 2, pull("2")) == 0
        assert count(ledger) == 2

    def test_reconciling_ends_missing_records_and_counts_them(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), pull("2"), pull("3"))
        number = ledger.streams.add("code", "pulls", NOW)
        assert ledger.streams.reconcile(number, 2, ["2", "unknown"]) == 2
        assert count(ledger) == 1
        ledger.streams.pulled(2, [Ending(number, NOW + DAY, "partial", "it broke off")])
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert state.census_at == NOW  # what it listed was not brought: it is due again
        for day, quality in enumerate(("complete", "partial"), start=2):
            ledger.streams.pulled(day, [Ending(number, NOW + day * DAY, quality, census=True)])
            state = ledger.streams.state("code", "pulls")
            assert state is not None
            assert state.census_at == NOW + day * DAY

    def test_reconciling_leaves_other_streams_alone(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"))
        ledger.streams.reconcile(ledger.streams.add("code", "issues", NOW), 2, [])
        assert count(ledger) == 1


class TestCursor:
    def test_a_cursor_moves_with_its_rows(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), cursor={"page": 2, "since": None})
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert state.cursor == {"page": 2, "since": None}

    def test_a_page_without_a_cursor_leaves_it(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), cursor={"page": 2})
        store(ledger, 1, pull("2"))
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert state.cursor == {"page": 2}

    @pytest.mark.parametrize("victim", ["INSERT INTO records", "UPDATE streams"])
    def test_rows_and_cursor_are_stored_together_or_not_at_all(self, ledger: Ledger, victim: str) -> None:
        store(ledger, 1, pull("1"), cursor={"page": 1})

        @event.listens_for(ledger.engine, "before_cursor_execute")
        def _fail(_c: object, _u: object, statement: str, *_rest: object) -> None:
            if statement.startswith(victim):
                raise OSError("the disk is full")

        with pytest.raises(OSError, match="disk is full"):
            store(ledger, 2, pull("1", updated=1, label=["new"]), pull("2"), cursor={"page": 2})
        event.remove(ledger.engine, "before_cursor_execute", _fail)
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert state.cursor == {"page": 1}
        assert versions(ledger) == [("1", 1, None)]

    def test_a_stream_that_must_cover_more_forgets_its_cursor_and_keeps_its_rows(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), cursor={"page": 2})
        asked = Stream("pulls", "records", frozenset({"label"}), START)
        ledger.streams.restart(ledger.streams.add("code", "pulls", NOW), asked)
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert (state.cursor, state.needs, state.since) == (None, frozenset({"label"}), START)
        assert count(ledger) == 1


class TestStreamState:
    def test_a_stream_that_was_never_asked_for_has_no_state(self, ledger: Ledger) -> None:
        assert ledger.streams.state("code", "pulls") is None

    def test_a_stream_is_added_once(self, ledger: Ledger) -> None:
        assert ledger.streams.add("code", "pulls", NOW) == ledger.streams.add("code", "pulls", NOW + DAY)
        assert ledger.streams.add("code", "pulls", NOW) != ledger.streams.add("code", "issues", NOW)
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert state.census_at == NOW

    def test_only_a_complete_pull_moves_its_completion(self, ledger: Ledger) -> None:
        number = ledger.streams.add("code", "pulls", NOW)
        ledger.streams.pulled(1, [Ending(number, NOW, "complete")])
        ledger.streams.pulled(2, [Ending(number, NOW + DAY, "partial", "it broke off")])
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert (state.quality, state.reason, state.tried_at) == ("partial", "it broke off", NOW + DAY)
        assert (state.completed_cycle, state.completed_at) == (1, NOW)

    @pytest.mark.parametrize(
        ("needs", "since", "covered"),
        [
            (["label"], START, True),
            ([], START + DAY, True),
            (["label", "size"], START, False),
            (["label"], START - DAY, False),
            (["label"], None, False),
        ],
    )
    def test_a_stream_covers_fields_and_time(
        self, ledger: Ledger, needs: list[str], since: datetime | None, covered: bool
    ) -> None:
        number = ledger.streams.add("code", "pulls", NOW)
        ledger.streams.restart(number, Stream("pulls", "records", frozenset({"label"}), START))
        state = ledger.streams.state("code", "pulls")
        assert state is not None
        assert state.covers(Stream("pulls", "records", frozenset(needs), since)) is covered


def cell(number: float | None, raw: str | None = None, *, row: int = 2, at: int | None = None) -> Reading:
    """A cell in column C, its row dated `at` days after the start; not a number if only `raw` is given."""
    dated = None if at is None else START + at * DAY
    problem = None if number is not None else f"the text {raw!r}, which is not a number"
    return Reading(number, f"Support!C{row}", raw if raw is not None else str(number), dated, problem)


def series(*numbers: float | None) -> list[Reading]:
    """One reading per week, the first a week after the start."""
    return [cell(number, f"v{number}", row=row + 2, at=7 * (row + 1)) for row, number in enumerate(numbers)]


def store_readings(ledger: Ledger, cycle: int, cells: list[Reading], now: datetime = NOW, **more: object) -> int:
    reach(ledger, cycle, now)
    number = ledger.streams.add("numbers", "sheet", NOW)
    page = Page(readings={"calls": Snapshot(cells, **more)})  # type: ignore[arg-type]
    return ledger.streams.store(number, cycle, now, page)


def read(
    ledger: Ledger,
    take: ReadingTake = "latest",
    cycle: int | None = None,
    now: datetime = NOW,
    span: Span = SPAN,
    *,
    dated: bool = True,
) -> float | None:
    measure = ReadingMeasure("numbers", "sheet", "calls", take, many=dated)
    return ledger.answers.answer(measure, span, now, cycle).number


class TestSnapshots:
    def test_an_edited_cell_is_a_new_version_beside_the_old(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1200, 1100))
        assert store_readings(ledger, 2, series(1200, 1090)) >= 1
        assert [read(ledger, "latest", cycle) for cycle in (1, 2, None)] == [1100, 1090, 1090]
        with ledger.engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(readings)).scalar() == 3

    def test_unchanged_rows_write_nothing(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1200, 1100))
        assert store_readings(ledger, 2, series(1200, 1100), NOW + DAY) == 0

    def test_unchanged_rows_wait_for_no_other_writer(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        """A cycle in which nothing changed begins no transaction that writes, for any of its hundred files."""
        reach(ledger, 1, NOW)
        stream = ledger.streams.add("numbers", "sheet", NOW)
        page = Page(readings={"calls": Snapshot(series(1200, 1100), notes=["a row without a date"])})
        assert ledger.streams.store(stream, 1, NOW, page) == 2
        monkeypatch.setattr(TakingTurns, "begin", None)
        assert ledger.streams.store(stream, 2, NOW, page) == 0

    def test_rows_that_were_removed_are_gone(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1200, 1100, 1000))
        store_readings(ledger, 2, series(1200))
        assert [read(ledger, "sum", cycle) for cycle in (1, 2)] == [3300, 1200]

    def test_a_row_inserted_above_moves_the_others(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1200, 1100))
        store_readings(ledger, 2, [cell(9, row=1, at=1), *series(1200, 1100)])
        assert [read(ledger, "sum", cycle) for cycle in (1, 2)] == [2300, 2309]

    @pytest.mark.parametrize(("take", "expected"), [("latest", None), ("sum", 0), ("average", None), ("first", None)])
    def test_an_emptied_series_is_empty(self, ledger: Ledger, take: ReadingTake, expected: float | None) -> None:
        store_readings(ledger, 1, series(1200, 1100))
        store_readings(ledger, 2, series(1200, 1000))
        store_readings(ledger, 3, [])
        assert read(ledger, take) == expected

    @pytest.mark.parametrize("take", ["latest", "first", "sum", "min"])
    def test_a_series_whose_dates_are_no_longer_understood_is_unknown(self, ledger: Ledger, take: ReadingTake) -> None:
        store_readings(ledger, 1, series(1200, 1100))
        store_readings(ledger, 2, [Reading(None, "C2:C", "", problem="no date that can be read beside it")])
        assert read(ledger, take) is None

    def test_an_emptied_cell_is_no_number(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, [cell(85)])
        store_readings(ledger, 2, [])
        assert [read(ledger, "latest", cycle) for cycle in (1, 2, None)] == [85, None, None]

    @pytest.mark.parametrize("raw", ["#REF!", "n/a", ""])
    def test_a_cell_that_is_no_number_stays_none(self, ledger: Ledger, raw: str) -> None:
        store_readings(ledger, 1, [cell(85)])
        store_readings(ledger, 2, [cell(None, raw)])
        answer = ledger.answers.answer(ReadingMeasure("numbers", "sheet", "calls"), SPAN, NOW)
        assert answer.number is None
        assert answer.reason is not None
        assert "Support!C2" in answer.reason

    def test_zero_is_a_number(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, [cell(0)])
        assert read(ledger) == 0

    def test_a_part_with_a_problem_keeps_its_readings(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1200, 1100))
        assert store_readings(ledger, 2, [], problem="there is no sheet 'Support'") == 0
        assert read(ledger) == 1100
        state = ledger.streams.state("numbers", "sheet")
        assert state is not None
        assert state.problems == {"calls": "there is no sheet 'Support'"}

    def test_rows_outside_of_the_time_that_a_snapshot_lists_stay_as_they_are(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1200, 1100, 1000, 900))
        later = (START + 15 * DAY, START + 90 * DAY)
        assert store_readings(ledger, 2, series(1200, 1100, 1000, 900)[2:], between=later) > 0  # they only moved
        assert [read(ledger, "sum", cycle) for cycle in (1, 2, None)] == [4200, 4200, 4200]
        store_readings(ledger, 3, [cell(800, at=28)], between=later)
        assert [read(ledger, "sum", cycle) for cycle in (2, 3, None)] == [4200, 3100, 3100]
        assert store_readings(ledger, 4, [cell(800, at=28)], between=later) == 0
        measure = ReadingMeasure("numbers", "sheet", "calls")
        changes = [(reread.cycle, reread.old.number) for _, reread in ledger.revisions.of_readings([measure], 1, 4)]
        assert changes == [(3, 1000.0), (3, 900.0)]
        store_readings(ledger, 5, [cell(5, at=7)])
        assert read(ledger, "sum") == 5

    def test_a_part_that_recovers_has_no_problem(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, [], problem="there is no sheet 'Support'")
        store_readings(ledger, 2, series(1200), notes=["C9 is blank"])
        state = ledger.streams.state("numbers", "sheet")
        assert state is not None
        assert (state.problems, state.notes) == ({}, {"calls": ["C9 is blank"]})

    def test_a_page_of_a_single_part_leaves_the_other_parts(self, ledger: Ledger) -> None:
        number = ledger.streams.add("numbers", "sheet", NOW)
        ledger.streams.store(number, 1, NOW, Page(readings={"other": Snapshot([cell(7)], notes=["a note"])}))
        store_readings(ledger, 1, series(1200))
        other = ReadingMeasure("numbers", "sheet", "other")
        assert ledger.answers.answer(other, SPAN, NOW).number == 7
        state = ledger.streams.state("numbers", "sheet")
        assert state is not None
        assert state.notes["other"] == ["a note"]

    def test_cells_changed_twice_in_a_cycle_keep_the_last_change(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(1, 2))
        store_readings(ledger, 2, series(3, 4))
        store_readings(ledger, 2, series(5, 6))
        assert [read(ledger, "sum", cycle) for cycle in (1, 2)] == [3, 11]

    def test_rows_dated_after_now_are_ignored(self, ledger: Ledger) -> None:
        store_readings(ledger, 1, series(10, 20, 30))
        assert read(ledger, "latest", now=START + 14 * DAY) == 20

    def test_an_undated_cell_is_as_of_the_pull_that_saw_it(self, ledger: Ledger) -> None:
        measure = ReadingMeasure("numbers", "sheet", "calls", many=False)
        store_readings(ledger, 1, [cell(85)])
        dated, cells = ledger.answers.readings(measure, SPAN, NOW + DAY)
        assert not dated
        assert [reading.at for reading in cells] == [NOW]
        assert ledger.answers.answer(measure, SPAN, NOW).at is None

    def test_the_change_of_an_undated_cell_is_from_pull_to_pull(self, ledger: Ledger) -> None:
        for cycle, number in enumerate((85, 88, 91), start=1):
            store_readings(ledger, cycle, [cell(number)], NOW + cycle * DAY)
        assert read(ledger, "change", now=NOW + 4 * DAY, dated=False) == 6
        assert read(ledger, "first", now=NOW + 4 * DAY, dated=False) == 85
        assert read(ledger, "average", now=NOW + 4 * DAY, dated=False) == 88

    def test_an_undated_reading_replaced_before_the_window_is_outside_it(self, ledger: Ledger) -> None:
        for cycle, number in enumerate((10, 20, 30), start=1):
            store_readings(ledger, cycle, [cell(number)], START + 10 * cycle * DAY)
        now = START + 32 * DAY
        window = Span(now - 7 * DAY, now)  # 10 went on day 20, 20 held until day 30
        assert read(ledger, "first", now=now, span=window, dated=False) == 20
        assert read(ledger, "change", now=now, span=window, dated=False) == 10
        assert read(ledger, "min", now=now, span=window, dated=False) == 20


DEFINED = Definition("mappings/okrs.yaml", {"target": 600, "unit": "calls"}, "digest of measure", "digest of all")
FIRST = KeptValue(1092.0, 0.18, 0.18, "off_track", "complete", None, NOW, 8, 1, None, "digest of measure", 1, 1)


def keep(ledger: Ledger, cycle: int, value: KeptValue, definition: Definition = DEFINED) -> None:
    value = replace(value, cycle=cycle, confirmed=cycle if value.confirmed is not None else None)
    ledger.values.commit(cycle, NOW + cycle * DAY, {}, {("2026-Q4", "calls"): (definition, value)})


def rows(ledger: Ledger) -> list[tuple[int, int | None, float | None]]:
    """(cycle, confirmed, number) of every value."""
    with ledger.engine.connect() as connection:
        query = select(values.c.cycle, values.c.confirmed, values.c.number).order_by(values.c.cycle)
        return [tuple(row) for row in connection.execute(query)]


class TestValues:
    @pytest.fixture(autouse=True)
    def _cycles(self, ledger: Ledger) -> None:
        for day in range(5):
            ledger.cycles.begin(NOW + day * DAY)

    def test_a_value_is_read_back_as_it_was_kept(self, ledger: Ledger) -> None:
        value = replace(FIRST, since=date(2026, 10, 12), reason="why")
        keep(ledger, 1, value)
        assert ledger.values.last("2026-Q4") == {"calls": value}

    def test_an_equal_value_is_confirmed_and_not_written_again(self, ledger: Ledger) -> None:
        keep(ledger, 1, FIRST)
        keep(ledger, 2, FIRST)
        keep(ledger, 4, FIRST)
        assert rows(ledger) == [(1, 4, 1092)]

    def test_a_different_number_is_a_new_row(self, ledger: Ledger) -> None:
        keep(ledger, 1, FIRST)
        keep(ledger, 2, replace(FIRST, number=1080.0))
        keep(ledger, 3, FIRST)
        assert rows(ledger) == [(1, 1, 1092), (2, 2, 1080), (3, 3, 1092)]
        assert [value.number for _, value in ledger.values.history("2026-Q4", "calls")] == [1092, 1080, 1092]

    def test_a_failed_pull_is_a_row_and_confirms_nothing(self, ledger: Ledger) -> None:
        keep(ledger, 1, FIRST)
        failed = replace(FIRST, quality="failed", reason="it did not answer")
        for cycle in (2, 3):
            ledger.values.commit(
                cycle, NOW, {}, {("2026-Q4", "calls"): (DEFINED, replace(failed, cycle=cycle, confirmed=1))}
            )
        assert rows(ledger) == [(1, 1, 1092), (2, 1, 1092)]

    def test_none_is_not_zero(self, ledger: Ledger) -> None:
        keep(ledger, 1, replace(FIRST, number=0.0))
        keep(ledger, 2, replace(FIRST, number=None, progress=None, score=None, health="unknown"))
        assert rows(ledger) == [(1, 1, 0), (2, 2, None)]

    def test_values_are_read_as_of_a_past_cycle(self, ledger: Ledger) -> None:
        keep(ledger, 1, FIRST)
        keep(ledger, 3, replace(FIRST, number=1080.0))
        past = [ledger.values.last("2026-Q4", cycle) for cycle in (0, 1, 2, 3)]
        assert [last["calls"].number if last else None for last in past] == [None, 1092, 1092, 1080]

    def test_periods_do_not_mix(self, ledger: Ledger) -> None:
        keep(ledger, 1, FIRST)
        assert ledger.values.last("2027-Q1") == {}
        assert ledger.values.history("2027-Q1", "calls") == []

    def test_an_edited_definition_is_a_dated_change(self, ledger: Ledger) -> None:
        edited = replace(DEFINED, body={"target": 900, "unit": "calls"}, digest="another")
        keep(ledger, 1, FIRST)
        keep(ledger, 2, FIRST, edited)
        keep(ledger, 3, FIRST, edited)
        keep(ledger, 4, FIRST)
        versions = ledger.definitions.of("2026-Q4", "calls")
        targets = [(version.cycle, version.definition.body["target"]) for version in versions]
        assert targets == [(1, 600), (2, 900), (4, 600)]
        assert [version.ended_at for version in versions] == [NOW + DAY, NOW + 2 * DAY, NOW + 4 * DAY]
        assert len(ledger.definitions.of("2026-Q4", "calls", 1)) == 1

    def test_a_value_measured_in_another_way_is_a_new_row(self, ledger: Ledger) -> None:
        keep(ledger, 1, FIRST)
        other = replace(DEFINED, measure="another digest", digest="another")
        keep(ledger, 2, replace(FIRST, measure="another digest"), other)
        assert [row[0] for row in rows(ledger)] == [1, 2]
        assert ledger.values.last("2026-Q4")["calls"].measure == "another digest"

    def test_a_cycles_values_are_kept_together_or_not_at_all(self, ledger: Ledger) -> None:
        broken = replace(FIRST, health=None)  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"(?i)null"):
            ledger.values.commit(
                1, NOW, {}, {("2026-Q4", "calls"): (DEFINED, FIRST), ("2026-Q4", "articles"): (DEFINED, broken)}
            )
        assert rows(ledger) == []
        with ledger.engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(definitions)).scalar() == 0
        assert ledger.cycles.last() is None


class TestCycles:
    def test_cycles_count_up(self, ledger: Ledger) -> None:
        first = ledger.cycles.begin(NOW)
        assert ledger.cycles.begin(NOW - DAY) > first  # whatever the clock does

    def test_a_killed_cycle_never_ended(self, ledger: Ledger) -> None:
        done = ledger.cycles.begin(NOW)
        ledger.values.commit(done, NOW + timedelta(minutes=1), {}, {})
        ledger.cycles.begin(NOW + DAY)
        last = ledger.cycles.last()
        assert last is not None
        assert (last.id, last.started_at, last.ended_at) == (done, NOW, NOW + timedelta(minutes=1))
        assert ledger.cycles.times([done]) == {done: NOW + timedelta(minutes=1)}

    def test_the_newest_version_by_a_moment_is_the_last_met_whatever_the_clock_showed(self) -> None:
        times = [NOW, NOW + 5 * DAY, NOW + DAY, NOW + 2 * DAY]  # a clock that was set back
        moments = [NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY, NOW + 9 * DAY]
        assert list(newest_by(moments, times)) == [None, 0, 2, 3, 3]


class TestPast:
    def test_a_count_has_a_value_at_the_end_of_each_past_day(self, ledger: Ledger) -> None:
        zone = ZoneInfo("Europe/Berlin")
        period = Period("autumn", date(2026, 10, 24), date(2026, 10, 28), zone)
        done = [midnight(date(2026, 10, day), zone) for day in (24, 25, 26)]
        just_before = midnight(date(2026, 10, 26), zone) - timedelta(microseconds=1)
        pulls = [replace(pull(str(n)), done_at=at) for n, at in enumerate([*done, just_before])]
        store(ledger, 1, *pulls)
        past = past_values(
            ledger.answers, RecordMeasure("code", ("pulls",)), period, midnight(date(2026, 10, 27), zone)
        )
        assert past == [(date(2026, 10, 24), 1), (date(2026, 10, 25), 3), (date(2026, 10, 26), 4)]

    def test_a_rolling_count_drops_old_records(self, ledger: Ledger) -> None:
        period = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("UTC"))
        store(ledger, 1, pull("1", done=-1), pull("2", done=0))
        measure = RecordMeasure("code", ("pulls",), window=Window(2))
        past = past_values(ledger.answers, measure, period, START + 3 * DAY)
        assert past is not None
        assert [number for _, number in past] == [2, 1, 0]

    @pytest.mark.parametrize("take", ["sum", "average", "median", "min", "max", "distinct"])
    def test_the_past_value_of_yesterday_equals_its_answer(self, ledger: Ledger, take: RecordTake) -> None:
        period = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("UTC"))
        store(ledger, 1, pull("1", size=[1.0, 2.0]), pull("2", size=[7.0]), pull("3", size=["text"]), pull("4"))
        measure = RecordMeasure("code", ("pulls",), take=take, of="size")
        past = past_values(ledger.answers, measure, period, START + 12 * DAY)
        assert past is not None
        assert past[-1][1] == ledger.answers.answer(measure, SPAN, NOW).number

    def test_an_undated_reading_has_no_past(self, ledger: Ledger) -> None:
        period = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("UTC"))
        store_readings(ledger, 1, [cell(85)])
        measure = ReadingMeasure("numbers", "sheet", "calls", many=False)
        assert past_values(ledger.answers, measure, period, NOW) is None

    @pytest.mark.parametrize(("take", "number"), [("latest", None), ("sum", 0)])
    def test_series_without_a_row_has_a_past(self, ledger: Ledger, take: ReadingTake, number: float | None) -> None:
        period = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("UTC"))
        store_readings(ledger, 1, [])
        past = past_values(ledger.answers, ReadingMeasure("numbers", "sheet", "calls", take), period, START + 2 * DAY)
        assert past == [(date(2026, 10, 1), number), (date(2026, 10, 2), number)]

    def test_a_series_has_a_past(self, ledger: Ledger) -> None:
        period = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("UTC"))
        store_readings(ledger, 1, series(1200, 1100))
        past = past_values(ledger.answers, ReadingMeasure("numbers", "sheet", "calls"), period, START + 15 * DAY)
        assert past is not None
        assert [number for _, number in past] == [None] * 7 + [1200] * 7 + [1100]


class TestReadingWhileWriting:
    def test_a_reader_sees_what_was_committed_and_does_not_wait(self, ledger: Ledger, url: str) -> None:
        store(ledger, 1, pull("1"))
        with ledger.engine.begin() as writer:
            writer.execute(streams.update().values(reason="half way"))
            reader = open_ledger(url, create=False)
            assert reader is not None
            state = reader.streams.state("code", "pulls")
            assert state is not None
            assert state.reason is None
            assert count(reader) == 1
            reader.close()


class TestLock:
    def test_a_second_holder_learns_who_holds_the_lock(self, ledger: Ledger) -> None:
        with cycle_lock(ledger.engine):
            with pytest.raises(LedgerBusy, match="another syncd is syncing") as caught, cycle_lock(ledger.engine):
                pytest.fail("two hold the lock")
            if ledger.engine.dialect.name == "sqlite":
                assert f"process {os.getpid()}" in str(caught.value)

    def test_a_lock_can_be_taken_again(self, ledger: Ledger) -> None:
        for _ in range(2):
            with cycle_lock(ledger.engine):
                pass

    def test_a_lock_is_released_on_an_error(self, ledger: Ledger) -> None:
        with pytest.raises(OSError, match="within"), cycle_lock(ledger.engine):
            raise OSError("within")
        with cycle_lock(ledger.engine):
            pass

    def test_a_lock_is_released_on_a_failed_transaction(self, ledger: Ledger) -> None:
        with pytest.raises(Exception, match="nowhere"), cycle_lock(ledger.engine), ledger.engine.begin() as connection:
            connection.execute(text("SELECT * FROM nowhere"))
        with cycle_lock(ledger.engine):
            pass

    def test_a_lock_ends_with_a_killed_process(self, ledger: Ledger, url: str) -> None:
        holder = (
            "import sys, time; from syncd.ledger import cycle_lock, open_ledger\n"
            "with cycle_lock(open_ledger(sys.argv[1]).engine): print('held', flush=True); time.sleep(3600)"
        )
        with subprocess.Popen([sys.executable, "-c", holder, url], stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"held\n"
                with pytest.raises(LedgerBusy), cycle_lock(ledger.engine):
                    pass
            finally:
                process.kill()

        def is_free() -> bool:
            try:
                with cycle_lock(ledger.engine):
                    return True
            except LedgerBusy:
                return False

        wait_for(is_free)  # a server needs a moment to see that its client is gone


def structure(connection: Connection) -> dict[str, Any]:
    """Each table with its columns, keys, indexes and their conditions; and the rows that a new ledger has."""
    inspector = inspect(connection)
    tables: dict[str, Any] = {}
    for name in inspector.get_table_names():
        columns = [
            {**column, "type": column["type"].compile(connection.dialect)} for column in inspector.get_columns(name)
        ]
        tables[name] = (
            sorted(columns, key=lambda column: column["name"]),
            inspector.get_pk_constraint(name),
            sorted(inspector.get_foreign_keys(name), key=str),
            sorted(inspector.get_unique_constraints(name), key=str),
            sorted(inspector.get_check_constraints(name), key=str),
            sorted((index["name"], index["column_names"], index["unique"]) for index in inspector.get_indexes(name)),
        )
    conditions = (
        "SELECT tbl_name, name, sql LIKE '%WHERE until IS NULL' FROM sqlite_master WHERE type = 'index' "
        "ORDER BY tbl_name, rowid"  # of two that serve a query alike, SQLite takes the newer
        if connection.dialect.name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    )
    rows = connection.execute(text("SELECT id, length(ledger), writes_from, restored_in FROM control")).all()
    version = connection.execute(text("SELECT * FROM alembic_version")).all()
    return {"tables": tables, "indexes": connection.execute(text(conditions)).all(), "rows": [rows, version]}


def ask(ledger: Ledger, number: int) -> None:
    """Asks for values and for readings of so many parts."""
    ledger.values.last("2026-Q4")
    ledger.values.at_cycles("2026-Q4", [1, 2])
    with ledger.engine.connect() as connection:
        reading_rows(connection, [(1, f"part {part}") for part in range(number)], None, {})


class TestOpening:
    def test_the_migrations_make_the_tables_of_the_schema(self, ledger: Ledger) -> None:
        with ledger.engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, metadata) == []
            inspector = inspect(connection)
            for table in metadata.sorted_tables:
                keys = inspector.get_pk_constraint(table.name)["constrained_columns"]
                assert keys == [column.name for column in table.primary_key]
                nullable = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
                assert nullable == {column.name: column.nullable for column in table.columns}

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
    def test_a_new_ledger_is_as_all_migrations_make_it(
        self, tmp_path: Path, request: pytest.FixtureRequest, kind: str
    ) -> None:
        made = []
        for how in (migrate.upgrade, migrate.run_migrations):
            place = f"sqlite:///{tmp_path / how.__name__}.db"
            engine = create_engine(place if kind == "sqlite" else request.getfixturevalue("new_postgres")())
            with engine.begin() as connection:
                how(connection)
                made.append(structure(connection))
            engine.dispose()
        assert made[0] == made[1]

    def test_a_ledger_opened_again_compiles_no_statement_anew(self, ledger: Ledger, url: str) -> None:
        """A worker opens one for each job, and rows that a statement is given are no part of it."""
        ask(ledger, number=1)
        again = create_ledger(url)
        compiled: list[str] = []

        @event.listens_for(again.engine, "before_cursor_execute")
        def note(_: object, __: object, statement: str, ___: object, context: Any, ____: object) -> None:
            if context.compiled is not None and context.cache_hit is not context.dialect.CACHE_HIT:
                compiled.append(statement)

        ask(again, number=7)
        again.close()
        assert compiled == []

    def test_rows_that_a_statement_is_given_lead_to_those_of_the_table(self, tmp_path: Path) -> None:
        """Else SQLite reads the whole table, and looks through the given rows for each of its rows."""
        ledger = create_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
        pair = given([(1, "a"), (1, "b")], column("cycle", Integer), column("key_result", String))
        of_pair = (pair.c.cycle == values.c.cycle) & (pair.c.key_result == values.c.key_result)
        query = select(values).join(pair, of_pair).where(values.c.period == "2026-Q4")
        asked: list[tuple[str, Any]] = []

        @event.listens_for(ledger.engine, "before_cursor_execute")
        def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
            asked.append((statement, parameters))

        with ledger.engine.connect() as connection:
            connection.execute(query).all()
            statement, parameters = asked[-1]
            how = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [str(step[3]) for step in how]
        ledger.close()
        assert steps.index("SCAN given") < next(at for at, step in enumerate(steps) if "key_result_values" in step)
        assert not any(step.startswith("SCAN key_result_values") for step in steps)

    def test_a_ledger_opened_again_has_its_rows(self, ledger: Ledger, url: str) -> None:
        store(ledger, 1, pull("1"))
        again = open_ledger(url)
        assert again is not None
        assert count(again) == 1
        again.close()

    def test_opening_without_create_makes_nothing(self, empty_url: str) -> None:
        assert open_ledger(empty_url, create=False) is None
        engine = create_engine(empty_url)
        assert inspect(engine).get_table_names() == []
        engine.dispose()

    def test_a_ledger_of_a_newer_version_is_refused(self, ledger: Ledger, url: str) -> None:
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            connection.execute(text("UPDATE control SET writes_from = '9998'"))
        for create in (True, False):
            with pytest.raises(LedgerError, match=r"was written by a newer syncd \(9999\); run that version"):
                open_ledger(url, create=create)

    def test_a_ledger_of_an_older_version_is_not_read_before_its_migration(self, ledger: Ledger, url: str) -> None:
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        with pytest.raises(LedgerError, match="is of an older syncd; `syncd sync` brings it up to date"):
            open_ledger(url, create=False)

    @pytest.mark.sampled(1)
    def test_an_interrupted_migration_leaves_nothing_behind(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = migrate.upgrade

        def killed(connection: object) -> None:
            whole(connection)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        monkeypatch.setattr(migrate, "upgrade", killed)
        with pytest.raises(KeyboardInterrupt):
            open_ledger(empty_url)
        engine = create_engine(empty_url)
        assert inspect(engine).get_table_names() == []
        engine.dispose()

    def test_a_ledger_of_the_first_version_keeps_its_records_and_their_kinds(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = create_engine(empty_url)
        with engine.begin() as connection:
            migrate.upgrade(connection, to="0001")
            for number, key in enumerate(["pulls of acme/web", "issues of acme/web", "project = KB"], start=1):
                connection.execute(
                    text(
                        "INSERT INTO streams (id, connection, key, cursor, completed_cycle)"
                        " VALUES (:id, 'c', :key, '{}', 3)"
                    ),
                    {"id": number, "key": key},
                )
                connection.execute(
                    text(
                        "INSERT INTO records (stream, id, cycle, digest, label, title, url, updated_at, fields)"
                        " VALUES (:stream, 'x', 1, 'd', 'l', 't', 'u', '2026-11-01 00:00:00', '{}')"
                    ),
                    {"stream": number},
                )
        ledger = open_ledger(empty_url)
        assert ledger is not None
        with ledger.engine.connect() as connection:
            kinds = connection.execute(text("SELECT kind FROM records ORDER BY stream")).scalars().all()
        assert kinds == ["pull request", "issue", None]
        pulls, issues = ledger.streams.state("c", "pulls of acme/web"), ledger.streams.state("c", "issues of acme/web")
        assert pulls is not None
        assert issues is not None
        assert (pulls.cursor, issues.cursor) == ({}, None)
        ledger.close()
        engine.dispose()

    def test_notes_of_an_older_version_hold_since_the_last_complete_pull(self, empty_url: str) -> None:
        engine = create_engine(empty_url)
        with engine.begin() as connection:
            migrate.upgrade(connection, to="0007")
            parts = orjson.dumps({"calls": {"notes": ["C9 is blank"]}, "b": {"notes": []}}).decode()
            connection.execute(
                text("INSERT INTO streams (id, connection, key, parts, completed_cycle) VALUES (1, 'c', 'k', :p, 3)"),
                {"p": parts},
            )
        ledger = open_ledger(empty_url)
        assert ledger is not None
        name = ("c", "k")
        notes = [ledger.pulls.after(cycle, [name])[name].notes for cycle in (2, 3)]
        assert notes == [{}, {"calls": ["C9 is blank"]}]
        ledger.close()
        engine.dispose()

    def test_place_of_an_older_version_holds_the_period_of_its_last_delivery(self, empty_url: str) -> None:
        """Else an unknown number of a new quarter would leave the old quarter's number beside its target."""
        engine = create_engine(empty_url)
        with engine.begin() as connection:
            migrate.upgrade(connection, to="0008")
            for number, (target, period, state) in enumerate(
                [
                    ("a", "2026-Q3", "delivered"),
                    ("a", "2026-Q4", "delivered"),
                    ("a", "2027-Q1", "waiting"),
                    ("b", "2027-Q1", "waiting"),
                ]
            ):
                connection.execute(
                    text(
                        "INSERT INTO deliveries (id, connection, target, period, key_result, cycle, made_at, digest,"
                        " statement, state, tries) VALUES (:id, 'c', :target, :period, 'k', 1, '2026-11-01 00:00:00',"
                        " 'd', '{}', :state, 1)"
                    ),
                    {"id": number, "target": target, "period": period, "state": state},
                )
            for target in "ab":
                marks = orjson.dumps({"value in D": [9.0], "header of value in D": ["Value"]}).decode()
                connection.execute(
                    text("INSERT INTO written (connection, target, marks) VALUES ('c', :target, :marks)"),
                    {"target": target, "marks": marks},
                )
        ledger = open_ledger(empty_url)
        assert ledger is not None
        marks_by_place = ledger.outbox.marks([("c", "a"), ("c", "b")])
        assert marks_by_place["c", "a"]["period of value in D"] == ["2026-Q4"]
        assert set(marks_by_place["c", "a"]) == {"value in D", "header of value in D", "period of value in D"}
        assert set(marks_by_place["c", "b"]) == {"value in D", "header of value in D"}
        ledger.close()
        engine.dispose()

    def test_a_missing_database_is_an_error(self, empty_url: str, tmp_path: Path) -> None:
        missing = (
            f"sqlite:///{tmp_path}" if empty_url.startswith("sqlite") else f"{empty_url.replace('/test_', '/none_')}"
        )
        with pytest.raises(LedgerError, match=r"the ledger .* cannot be used: .*(unable to open|does not exist)"):
            open_ledger(missing)


class TestSqliteFiles:
    def test_a_missing_folder_is_made(self, tmp_path: Path) -> None:
        ledger = open_ledger(f"sqlite:///{tmp_path}/deep/down/ledger.db")
        assert ledger is not None
        ledger.close()

    def test_a_file_that_is_no_database_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("not a database, but a text that is long enough to be taken for one " * 20)
        with pytest.raises(LedgerError, match="cannot be used: file is not a database"):
            open_ledger(f"sqlite:///{path}")
        assert path.read_text().startswith("not a database")

    def test_a_folder_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LedgerError, match="cannot be used"):
            open_ledger(f"sqlite:///{tmp_path}/file/ledger.db")

    def test_a_place_that_cannot_be_written_is_an_error(self) -> None:
        with pytest.raises(LedgerError, match="cannot be used"):
            open_ledger("sqlite:////proc/syncd/ledger.db")


class TestComingDue:
    """Records that their source dates ahead: time alone makes them count."""

    def test_stream_with_a_record_done_meanwhile_is_named(self, ledger: Ledger) -> None:
        store(ledger, 1, replace(pull("1"), done_at=NOW + DAY))
        assert ledger.members.done_within(NOW, NOW + DAY) == {("code", "pulls")}
        assert ledger.members.done_within(NOW + DAY, NOW + 2 * DAY) == set()
        assert ledger.members.done_within(NOW, NOW + DAY / 2) == set()

    @pytest.mark.parametrize("done_at", [None, NOW + 9 * DAY])
    def test_stream_with_a_record_created_meanwhile_is_named(self, ledger: Ledger, done_at: datetime | None) -> None:
        store(ledger, 1, replace(pull("1"), done_at=done_at, created_at=NOW + DAY))
        assert ledger.members.created_within(NOW, NOW + DAY) == {("code", "pulls")}
        assert ledger.members.created_within(NOW + DAY, NOW + 2 * DAY) == set()


class TestMembers:
    MEASURE = RecordMeasure("code", ("issues", "pulls"))

    def fallen(self, ledger: Ledger, cycle: int, measure: RecordMeasure | ReadingMeasure = MEASURE) -> Loss | None:
        return ledger.members.losses([(measure, cycle)], {"code": 0.5}).get((measure, cycle))

    def emptied(self, ledger: Ledger, held: int) -> None:
        """`pulls` holds some records in cycle 1 and none from cycle 2 on; `issues` always holds one record."""
        store(ledger, 1, pull("9"), stream="issues")
        store(ledger, 1, *(pull(str(number)) for number in range(held)))
        store(ledger, 2, present=frozenset())

    def test_a_stream_that_held_many_and_holds_none_has_fallen(self, ledger: Ledger) -> None:
        self.emptied(ledger, 3)
        assert self.fallen(ledger, 1) == Loss("pulls", 3)

    def test_a_stream_that_held_two_has_not_fallen(self, ledger: Ledger) -> None:
        self.emptied(ledger, 2)
        assert self.fallen(ledger, 1) is None

    def test_a_stream_that_was_empty_before_has_not_fallen(self, ledger: Ledger) -> None:
        self.emptied(ledger, 3)
        assert self.fallen(ledger, 2) is None

    def test_a_stream_that_lost_most_of_its_records_at_once_has_shrunk(self, ledger: Ledger) -> None:
        number = ledger.streams.add("code", "pulls", NOW)
        store(ledger, 1, *(pull(str(number)) for number in range(40)), pull("other", updated=1))
        store(ledger, 2, present=frozenset(map(str, range(12))))
        assert self.fallen(ledger, 1) == Loss("pulls", 41, 12)
        assert ledger.members.losses([(self.MEASURE, 1)], {"code": 0.75}) == {}
        ledger.streams.pulled(2, [Ending(number, NOW, "complete", census=True)])
        assert self.fallen(ledger, 1) == Loss("pulls", 41, 12)
        ledger.streams.pulled(3, [Ending(number, NOW, "complete", census=True)])
        assert self.fallen(ledger, 1) is None
        store(ledger, 4, present=frozenset(map(str, range(9))))
        ledger.streams.pulled(4, [Ending(number, NOW, "complete", census=True)])
        assert self.fallen(ledger, 1) == Loss("pulls", 41, 9)

    def test_records_outside_any_window_or_reopened_are_members(self, ledger: Ledger) -> None:
        store(ledger, 1, *(pull(str(number)) for number in range(3)))
        store(ledger, 2, *(pull(str(number), updated=1, done=None) for number in range(3)))
        assert self.fallen(ledger, 1) is None

    def test_versions_of_a_record_are_a_single_member(self, ledger: Ledger) -> None:
        for cycle in (1, 2, 3):
            store(ledger, cycle, pull("1", updated=cycle))
        store(ledger, 4, present=frozenset())
        assert self.fallen(ledger, 3) is None

    def test_a_part_falls_independently_of_other_parts(self, ledger: Ledger) -> None:
        reach(ledger, 2, NOW)
        number = ledger.streams.add("numbers", "book", NOW)
        cells = [Reading(1.0, f"A{row}", "1", START) for row in range(3)]
        ledger.streams.store(number, 1, NOW, Page(readings={"a": Snapshot(cells), "b": Snapshot(cells)}))
        ledger.streams.store(number, 2, NOW, Page(readings={"a": Snapshot([]), "b": Snapshot(cells)}))
        assert self.fallen(ledger, 1, ReadingMeasure("numbers", "book", "a")) == Loss("book", 3)
        assert self.fallen(ledger, 1, ReadingMeasure("numbers", "book", "b")) is None

    def test_each_measure_has_a_cycle_of_its_own(self, ledger: Ledger) -> None:
        self.emptied(ledger, 3)
        pulls, of_kind = RecordMeasure("code", ("pulls",)), RecordMeasure("code", ("pulls",), kind="release")
        asked = [(self.MEASURE, 1), (self.MEASURE, 2), (pulls, 1), (pulls, 2), (of_kind, 1)]
        assert set(ledger.members.losses(asked, {"code": 0.5})) == {(self.MEASURE, 1), (pulls, 1)}


class TestApprovals:
    HELD = replace(FIRST, quality="held", candidate=1950.0, reason="1,950 is outside", confirmed=1)

    def test_a_held_value_keeps_its_candidate(self, ledger: Ledger) -> None:
        keep(ledger, self.begin(ledger), self.HELD)
        assert ledger.values.last("2026-Q4")["calls"] == self.HELD

    def test_an_approval_keeps_a_value_a_cycle_and_a_name(self, ledger: Ledger) -> None:
        keep(ledger, self.begin(ledger), self.HELD)
        approved = replace(FIRST, number=1950.0)
        cycle = self.approve(ledger, approved)
        assert cycle == 2
        assert ledger.values.last("2026-Q4")["calls"] == replace(approved, cycle=2)
        assert ledger.values.last("2026-Q4", 1)["calls"] == self.HELD
        (approval,) = ledger.approvals.of("2026-Q4", "calls", 2)
        assert approval == Approval(2, 1950.0, "1,950 is outside", "Dana", NOW + 3 * DAY, "ops@build-3")
        assert ledger.approvals.of("2026-Q4", "calls", 1) == []
        last, pulled = ledger.cycles.last(), ledger.cycles.last(pulled=True)
        assert last is not None
        assert last.id == 2
        assert pulled is not None
        assert pulled.id == 1

    def test_an_approval_is_kept_whole_or_not_at_all(self, ledger: Ledger) -> None:
        keep(ledger, self.begin(ledger), self.HELD)
        with pytest.raises(Exception, match=r"(?i)null"):
            self.approve(ledger, replace(FIRST, number=1950.0), author=None)
        assert ledger.values.last("2026-Q4")["calls"] == self.HELD
        last = ledger.cycles.last()
        assert last is not None
        assert last.id == 1

    @staticmethod
    def begin(ledger: Ledger) -> int:
        return ledger.cycles.begin(NOW)

    @staticmethod
    def approve(ledger: Ledger, value: KeptValue, author: str | None = "Dana") -> int:
        return ledger.approvals.approve(
            "2026-Q4",
            "calls",
            DEFINED,
            value,
            reason="1,950 is outside",
            author=author,  # type: ignore[arg-type]
            entered_by="ops@build-3",
            now=NOW + 3 * DAY,
        )


class TestPastPulls:
    """The state of a stream after each cycle, from what cycles keep about streams that changed or failed."""

    PULLS, SHEET = ("code", "pulls"), ("numbers", "sheet")

    @staticmethod
    def cycle(ledger: Ledger, *endings: Ending, dry_run: bool = False, only: str | None = None) -> datetime:
        """A cycle that ends its pulls in these ways, each a day after the one before; no rows come."""
        number = ledger.cycles.begin(NOW)
        at = NOW + number * DAY
        ledger.streams.pulled(number, [replace(ending, at=at) for ending in endings])
        failed: dict[str, Json] = {
            str(ending.stream_id): {"quality": ending.quality, "reason": ending.reason, "got": 3, "expected": 9}
            for ending in endings
            if ending.quality != "complete"
        }
        narrowed: dict[str, Json] = {"key_result": only, "streams": [ending.stream_id for ending in endings]}
        ledger.values.commit(number, at, failed, {}, only=narrowed if only else None, dry_run=dry_run)
        return at

    def test_a_streams_state_can_be_read_after_any_cycle(self, ledger: Ledger) -> None:
        streams = [ledger.streams.add(*name, NOW) for name in (self.PULLS, self.SHEET)]
        pulls, sheet = (Ending(number, NOW, "complete") for number in streams)
        broken = replace(pulls, quality="partial", reason="HTTP 500")
        first = self.cycle(ledger, pulls, sheet)
        self.cycle(ledger, broken, sheet)
        self.cycle(ledger, sheet, only="calls")
        planned = self.cycle(ledger, pulls, sheet, dry_run=True)
        self.cycle(ledger, sheet)  # no mapping names the pulls any more
        ledger.cycles.begin(NOW)  # killed

        states = [ledger.pulls.after(cycle, [self.PULLS])[self.PULLS] for cycle in range(7)]
        never, whole, half = LastPull(), LastPull("complete", None, first), LastPull("partial", "HTTP 500", first, 3, 9)
        at_last = LastPull("complete", None, planned)
        assert states == [never, whole, half, half, at_last, at_last, at_last]
        assert [ledger.pulls.after(cycle, [self.SHEET])[self.SHEET].completed_at for cycle in range(6)] == [
            None,
            *(NOW + cycle * DAY for cycle in range(1, 6)),
        ]
        assert ledger.pulls.after(5, [("code", "issues")]) == {}
        assert [(cycle.id, cycle.synced, cycle.only) for cycle in ledger.cycles.ended()] == [
            (1, True, None),
            (2, True, None),
            (3, True, "calls"),
            (4, False, None),
            (5, True, None),
        ]

    def test_notes_are_those_of_the_past_cycle(self, ledger: Ledger) -> None:
        store_readings(ledger, 2, series(1200), notes=["C9 is blank"])
        store_readings(ledger, 3, series(1200), notes=["C9 is blank"])
        store_readings(ledger, 4, series(1200))
        notes = [ledger.pulls.after(cycle, [self.SHEET])[self.SHEET].notes for cycle in range(1, 5)]
        assert notes == [{}, {"calls": ["C9 is blank"]}, {"calls": ["C9 is blank"]}, {"calls": []}]
        with ledger.engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(remarks)).scalar() == 2


class TestCheckIns:
    """Check-ins, each with an author, a time and an end."""

    CHECKIN = CheckIn("ada", NOW, NOW + 14 * DAY, 1050.0, "the sheet lags ☕", 0.6)

    def test_a_check_in_is_read_back_as_it_was_kept(self, ledger: Ledger) -> None:
        note = CheckIn("bo", NOW, NOW + DAY, note="nothing new")
        ledger.checkins.check_in("2026-Q4", "calls", self.CHECKIN)
        ledger.checkins.check_in("2026-Q4", "calls", note)
        assert ledger.checkins.of("2026-Q4", "calls", NOW) == [self.CHECKIN, note]

    def test_a_check_in_beside_a_measure_makes_no_value_and_no_cycle(self, ledger: Ledger) -> None:
        keep(ledger, ledger.cycles.begin(NOW), FIRST)
        ledger.checkins.check_in("2026-Q4", "calls", self.CHECKIN)
        assert ledger.values.last("2026-Q4") == {"calls": FIRST}
        assert ledger.cycles.begin(NOW) == 2

    def test_a_check_ins_value_is_kept_with_its_definition_in_a_cycle_of_its_own(self, ledger: Ledger) -> None:
        ledger.checkins.check_in("2026-Q4", "calls", self.CHECKIN, (DEFINED, replace(FIRST, number=1050.0)))
        made = ledger.values.last("2026-Q4")["calls"]
        assert (made.number, made.cycle, made.confirmed) == (1050.0, 1, 1)
        assert [version.definition.body for version in ledger.definitions.of("2026-Q4", "calls")] == [DEFINED.body]
        last = ledger.cycles.last()
        assert last is not None
        assert (last.started_at, last.ended_at) == (NOW, NOW)
        assert ledger.cycles.last(pulled=True) is None

    def test_a_check_in_is_kept_whole_or_not_at_all(self, ledger: Ledger) -> None:
        nobody = replace(self.CHECKIN, author=None)  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"(?i)null"):
            ledger.checkins.check_in("2026-Q4", "calls", nobody, (DEFINED, FIRST))
        assert ledger.values.last("2026-Q4") == {}
        assert ledger.cycles.last() is None

    def test_check_ins_are_read_as_of_a_moment_by_period_and_key_result(self, ledger: Ledger) -> None:
        later = replace(self.CHECKIN, at=NOW + DAY, value=1040.0)
        for period, key_result, checkin in (
            ("2026-Q4", "calls", self.CHECKIN),
            ("2026-Q4", "calls", later),
            ("2026-Q4", "trust", self.CHECKIN),
            ("2027-Q1", "calls", self.CHECKIN),
        ):
            ledger.checkins.check_in(period, key_result, checkin)
        assert ledger.checkins.of_period("2026-Q4", NOW) == {"calls": [self.CHECKIN], "trust": [self.CHECKIN]}
        assert ledger.checkins.of("2026-Q4", "calls", NOW + DAY) == [self.CHECKIN, later]
        assert ledger.checkins.of("2026-Q4", "articles", NOW) == ()


class TestRequests:
    """What people ask for: stored once, ended once."""

    ASKED = NewRequest(
        "form-1", "check_in", "2026-Q4", "calls", {"value": 1050.5, "note": "☕"}, "ada", "ops@build", NOW
    )

    def test_a_request_is_read_back_as_it_was_stored(self, ledger: Ledger) -> None:
        kept = ledger.requests.store(self.ASKED)
        assert ledger.requests.waiting() == ledger.requests.of_key_result("2026-Q4", "calls") == [kept]
        assert (kept.id, kept.state, kept.before) == (ledger.requests.newest_waiting(), "waiting", None)
        assert {field.name: getattr(kept, field.name) for field in fields(NewRequest)} == asdict(self.ASKED)
        ledger.requests.applied(kept.id, NOW + DAY, {"value": None}, {"value": 1050.5})
        done = ledger.requests.get(kept.id)
        assert done == replace(
            kept, state="applied", ended_at=NOW + DAY, before={"value": None}, after={"value": 1050.5}
        )
        ledger.requests.refused(kept.id, NOW, "too late")  # it is over
        assert ledger.requests.get(kept.id) == done
        assert ledger.requests.newest_waiting() is None

    def test_the_same_form_of_the_same_person_is_stored_once(self, ledger: Ledger) -> None:
        kept = ledger.requests.store(self.ASKED)
        assert ledger.requests.store(replace(self.ASKED, at=NOW + DAY)) == kept
        assert ledger.requests.store(replace(self.ASKED, entered_by="bo")).id != kept.id
        with pytest.raises(FormReused):
            ledger.requests.store(replace(self.ASKED, body={"value": 1.0}))

    def test_forms_that_arrive_at_once_are_stored_once(self, ledger: Ledger) -> None:
        start = threading.Barrier(4)

        def store(number: int) -> int:
            start.wait()
            return ledger.requests.store(replace(self.ASKED, form=f"form-{number % 2}")).id

        with ThreadPoolExecutor(4) as threads:
            ids = list(threads.map(store, range(4)))
        assert (ids[0], ids[1]) == (ids[2], ids[3])
        assert len(ledger.requests.waiting()) == 2

    def test_a_change_and_the_end_of_its_request_are_kept_together_or_not_at_all(self, ledger: Ledger) -> None:
        kept = ledger.requests.store(self.ASKED)
        checkin = CheckIn("ada", NOW, NOW + DAY, 1050.5)
        for fails in (True, False):
            with suppress(LookupError), ledger.transaction() as inner:
                made = inner.checkins.check_in("2026-Q4", "calls", checkin)
                inner.requests.applied(kept.id, NOW, {}, {"checkin": made})
                if fails:
                    raise LookupError
            assert len(ledger.checkins.of("2026-Q4", "calls", NOW)) == (0 if fails else 1)
            assert (ledger.requests.newest_waiting() is None) == (not fails)

    def test_requests_of_a_span_were_made_or_ended_in_it(self, ledger: Ledger) -> None:
        early, late = (ledger.requests.store(replace(self.ASKED, form=form, at=at)) for form, at in (
            ("early", NOW - 3 * DAY), ("late", NOW)
        ))  # fmt: skip
        ledger.requests.refused(early.id, NOW + DAY, "no")

        def within(first: datetime, last: datetime) -> list[int]:
            return [request.id for request in ledger.requests.of_period("2026-Q4", Span(first, last))]

        assert within(NOW - 4 * DAY, NOW - 2 * DAY) == [early.id]
        assert within(NOW, NOW + 2 * DAY) == [early.id, late.id]
        assert within(NOW + 2 * DAY, NOW + 3 * DAY) == []


class TestRevisions:
    """Changes of records and dated readings: before a cycle and after it."""

    BOTH = RecordMeasure("code", ("all", "web"))

    def revised(self, ledger: Ledger, after: int, until: int) -> list[tuple[int, str | None, str | None]]:
        return [
            (revised.cycle, revised.old and revised.old.title, revised.new and revised.new.title)
            for _, revised in ledger.revisions.of_records([self.BOTH], after, until)
        ]

    def test_a_record_that_changed_and_a_record_that_went_are_revised(self, ledger: Ledger) -> None:
        store(ledger, 1, pull("1"), pull("2"), stream="web")
        store(ledger, 2, replace(pull("1", updated=1), title="Renamed"), stream="web")
        ledger.streams.reconcile(ledger.streams.add("code", "web", NOW), 3, ["1"])
        assert self.revised(ledger, 1, 3) == [(2, "Change 1", "Renamed"), (3, "Change 2", None)]
        assert self.revised(ledger, 2, 3) == [(3, "Change 2", None)]

    def test_a_record_of_two_streams_leaves_with_the_last_of_them(self, ledger: Ledger) -> None:
        for stream in ("all", "web"):
            store(ledger, 1, pull("1"), stream=stream)
        ledger.streams.reconcile(ledger.streams.add("code", "web", NOW), 2, [])
        ledger.streams.reconcile(ledger.streams.add("code", "all", NOW), 3, [])
        assert self.revised(ledger, 1, 3) == [(2, "Change 1", "Change 1"), (3, "Change 1", None)]

    def test_several_measures_are_revised_each_in_its_own_streams(self, ledger: Ledger) -> None:
        for stream in ("all", "web", "other"):
            store(ledger, 1, pull("1"), stream=stream)
        store(ledger, 2, replace(pull("1", updated=1), title="Renamed"), stream="other")
        ledger.streams.reconcile(ledger.streams.add("code", "web", NOW), 3, [])
        web, other = RecordMeasure("code", ("web",)), RecordMeasure("code", ("other",))
        changes = [
            (measure.streams, revised.cycle, revised.old and revised.old.title, revised.new and revised.new.title)
            for measure, revised in ledger.revisions.of_records([self.BOTH, web, other], 1, 3)
        ]
        assert sorted(changes) == [
            (("all", "web"), 3, "Change 1", "Change 1"),
            (("other",), 2, "Change 1", "Renamed"),
            (("web",), 3, "Change 1", None),
        ]

    def test_a_reading_whose_row_only_moved_is_the_same(self, ledger: Ledger) -> None:
        measure = ReadingMeasure("numbers", "sheet", "calls")
        store_readings(ledger, 1, series(1200, 1100))
        store_readings(ledger, 2, series(1200, 1150))
        store_readings(ledger, 3, series(1200, 1150)[1:])
        changes = [
            (reread.cycle, reread.old.number, reread.new and reread.new.number)
            for _, reread in ledger.revisions.of_readings([measure], 1, 3)
        ]
        assert changes == [(2, 1100.0, 1150.0), (3, 1200.0, None)]


class TestTogether:
    """Parts that are read many at a time give the same answers."""

    def test_answers_equal_those_of_single_questions_in_any_order(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("syncd.ledger.answers._PARTS_READ_AHEAD", 2)
        number = ledger.streams.add("numbers", "book", NOW)
        for cycle in (1, 2):
            reach(ledger, cycle, NOW)
            dated = [Reading(float(cycle + row), f"A{row}", "1", START + row * DAY) for row in range(3)]
            cells = [Reading(10.0 * cycle, "B1", "10")]
            page = Page(
                readings={"a": Snapshot(dated), "b": Snapshot(cells), "c": Snapshot(dated[1:]), "d": Snapshot([])}
            )
            ledger.streams.store(number, cycle, NOW, page)
        measures = [ReadingMeasure("numbers", "book", part, take) for part in "abcdz" for take in ("latest", "sum")]
        pulls = RecordMeasure("code", ("pulls",))
        store(ledger, 2, pull("1"))

        def answers(facts: Answers, asked: Sequence[Leaf], cycle: int | None = None) -> list[Answer]:
            return [facts.answer(measure, SPAN, NOW, cycle) for measure in asked]

        for order in (measures, measures[::-1], [*measures[::3], pulls, *measures]):
            with ledger.answers.together([*measures, None]) as facts:
                assert answers(facts, order) == answers(ledger.answers, order)
                assert answers(facts, order, 1) == answers(ledger.answers, order, 1)


class TestUrls:
    def test_a_server_that_does_not_answer_is_named_without_its_password(self, tmp_path: Path) -> None:
        with pytest.raises(LedgerError, match="cannot be used") as caught:
            open_ledger(f"postgresql+psycopg://syncd:s3cret-word@/okrs?host={tmp_path}")
        assert "s3cret-word" not in str(caught.value)

    @pytest.mark.parametrize("url", ["okrs.db", "", "mysql://somewhere/okrs", "postgresql://:x:y/okrs"])
    def test_an_invalid_url_is_an_error(self, url: str) -> None:
        with pytest.raises(LedgerError):
            open_ledger(url)
