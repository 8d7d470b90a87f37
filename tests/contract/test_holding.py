"""Whole cycles over a cell that takes any number: what is held, what it leaves alone, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from standing_still import Standings
from starlette.testclient import TestClient

from syncd.config import load_config
from syncd.cycle.approve import AnotherCandidate, NotHeld, approve
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import KeptValue, open_ledger
from syncd.okr.plausible import Plausible, implausible
from syncd.sdk import RetryPolicy
from syncd.service.metrics import Metrics
from syncd.status.document import document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of
from syncd.web import make_app

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {at_least: 10, at_most: 1500, jump: 300}
        measure: {from: local, file: calls.csv, cell: B2}
      - id: week-sum
        title: Few calls in all
        kind: outcome
        keep: {at_most: 9000}
        measure: {from: local, file: weeks.csv, series: {dates: Week, values: Calls}, take: sum}
"""
BOUNDS = Plausible(10, 1500, 300)


class Project:
    """A folder with two CSV files, and its ledger."""

    def __init__(self, folder: Path, held_until: str) -> None:
        self.folder = folder
        (folder / "syncd.yaml").write_text(
            f"mappings: okrs.yaml\nheld_until: {held_until}\nconnections:\n  local: {{type: files, root: .}}\n"
        )
        (folder / "okrs.yaml").write_text(MAPPING)
        self.weeks(0)
        ledger = open_ledger(f"sqlite:///{folder / 'syncd.db'}")
        assert ledger is not None
        self.ledger = ledger
        self.now = START

    def weeks(self, number: int, month: int = 11) -> None:
        rows = [f"2026-{month:02}-{day + 1:02},100" for day in range(number)]
        (self.folder / "weeks.csv").write_text("\n".join(["Week,Calls", *rows]) + "\n")

    def sync(self, cell: object) -> KeptValue:
        """Writes the cell and runs a cycle an hour later."""
        (self.folder / "calls.csv").write_text(f"Week,Calls\nthis,{cell}\n")
        self.now += timedelta(hours=1)
        config = load_config(self.folder / "syncd.yaml")
        run_cycle(CycleRequest(config, self.ledger, lambda: self.now, RetryPolicy()))
        return self.value()

    def value(self, name: str = "calls") -> KeptValue:
        return self.ledger.values.last("2026-Q4")[name]

    def approve(self, number: float | None = None, name: str = "calls") -> KeptValue:
        config = load_config(self.folder / "syncd.yaml")
        (plan,) = config.plans
        key_result = next(kr for kr in plan.key_results if kr.id == name)
        self.now += timedelta(hours=1)
        return approve(config, plan, key_result, self.ledger, author="Dana", now=self.now, number=number).new


@contextmanager
def project(held_until: str = "approved") -> Iterator[Project]:
    with TemporaryDirectory() as folder:
        made = Project(Path(folder), held_until)
        yield made
        made.ledger.close()


cells = st.lists(st.sampled_from([0, 5, 700, 900, 1092, 1490, 1950, 3000]), min_size=2, max_size=8)


@settings(max_examples=examples(6))
@given(cells)
def test_a_held_value_never_changes_the_number_and_a_plausible_one_always_does(numbers: list[int]) -> None:
    with project() as one:
        last: float | None = None
        for number in numbers:
            value = one.sync(number)
            if implausible(BOUNDS, number, last):
                assert (value.quality, value.number, value.candidate) == ("held", last, number)
            else:
                assert (value.quality, value.number, value.candidate) == ("complete", number, None)
                last = number


@settings(max_examples=examples(5))
@given(cells)
def test_where_a_second_cycle_releases_only_the_same_number_right_after_it_does(numbers: list[int]) -> None:
    with project("repeated") as one:
        last: float | None = None
        waiting: float | None = None
        for number in numbers:
            value = one.sync(number)
            if implausible(BOUNDS, number, last) and waiting != number:
                assert (value.quality, value.number, value.candidate) == ("held", last, number)
                waiting = number
            else:
                assert (value.quality, value.number) == ("complete", number)
                last, waiting = number, None


def test_an_approval_is_as_of_the_cycle_that_measured_and_stands_as_it_does_now() -> None:
    with project() as one:
        first = one.sync(1092)
        held = one.sync(5)
        assert (held.progress, held.health, held.confirmed) == (first.progress, first.health, first.confirmed)
        one.sync(5)
        measured = one.ledger.cycles.last()
        taken = one.approve()
        assert measured is not None
        assert (taken.number, taken.quality, taken.health, taken.confirmed) == (5, "complete", "done", measured.id)
        assert one.value().says_what(taken)
        assert one.value().cycle > measured.id
        last_pull = one.ledger.cycles.last(pulled=True)
        assert last_pull is not None
        assert last_pull.id == measured.id
        (approval,) = one.ledger.approvals.of("2026-Q4", "calls", one.value().cycle)
        assert (approval.number, approval.author, approval.at) == (5, "Dana", one.now)
        assert approval.reason.startswith("5 is outside plausible")


def test_an_approved_number_stays_and_any_other_outside_waits_again() -> None:
    with project() as one:
        one.sync(1092)
        one.sync(1950)
        one.approve(1950)
        assert one.sync(1950).quality == "complete"
        other = one.sync(1951)
        assert (other.number, other.candidate) == (1950, 1951)


def test_the_dashboard_the_document_and_the_metrics_show_what_waits() -> None:
    with project() as one:
        one.sync(1092)
        one.sync(1950)
        one.weeks(1)
        config = load_config(one.folder / "syncd.yaml")
        found = report_of(Snapshots(config, config.plans[0], one.ledger).now(one.now))
        calls, week_sum = document(found)["objectives"][0]["key_results"]
        assert (calls["value"], calls["quality"], calls["candidate"]) == (1092, "held", 1950)
        assert "candidate" not in week_sum
        page = TestClient(make_app(Standings(found))).get("/").text
        assert ">1,950?</span>" in page
        assert "held: 1,950 is outside plausible" in page
        lines = Metrics().text(found).decode().splitlines()
        assert 'syncd_key_result_held{key_result="calls"} 1.0' in lines
        assert 'syncd_key_result_held{key_result="week-sum"} 0.0' in lines
        assert 'syncd_key_result_value{key_result="calls"} 1092.0' in lines


def test_what_waits_for_longer_than_a_number_may_age_stays_held_and_its_health_is_unknown() -> None:
    with project() as one:
        one.sync(1092)
        one.sync(1950)
        config = load_config(one.folder / "syncd.yaml")
        found = report_of(Snapshots(config, config.plans[0], one.ledger).now(one.now + timedelta(days=3)))
        line = found.line("calls")
        assert line is not None
        assert (line.value, line.candidate, line.quality) == (1092, 1950, "held")
        assert line.standing.health == "unknown"
        assert line.reason is not None
        assert line.reason.startswith("the last good pull is 3 days old; 1,950 is outside plausible")


def test_an_approval_of_another_number_changes_nothing() -> None:
    with project() as one:
        one.sync(1092)
        one.sync(1950)
        with pytest.raises(AnotherCandidate):
            one.approve(2000)
        assert one.value().quality == "held"
        one.approve(1950)
        with pytest.raises(NotHeld):
            one.approve(1950)


def test_a_cell_without_a_number_is_unknown_and_not_held() -> None:
    with project() as one:
        one.sync(1092)
        value = one.sync("soon")
        assert (value.number, value.quality) == (None, "complete")
        assert one.sync(1950).candidate == 1950


def test_an_edited_measure_has_no_last_number_to_jump_from() -> None:
    with project() as one:
        one.sync(1092)
        path = one.folder / "okrs.yaml"
        path.write_text(path.read_text().replace("cell: B2}", "cell: B2, as: {decimal: ','}}"))
        assert one.sync(400).quality == "complete"


def test_a_series_that_is_emptied_is_held_and_one_of_two_rows_is_not() -> None:
    with project() as one:
        one.weeks(2)
        one.sync(1092)
        one.weeks(0)
        one.sync(1092)
        assert (one.value("week-sum").number, one.value("week-sum").quality) == (0, "complete")
        one.weeks(3)
        one.sync(1092)
        one.weeks(0)
        one.sync(1092)
        value = one.value("week-sum")
        assert (value.number, value.quality, value.candidate) == (300, "held", 0)
        assert value.reason == (
            "0 waits: local: series dates Week, values Calls went from 3 readings to none; "
            "`syncd approve week-sum` accepts it"
        )
        one.weeks(4)
        one.sync(1092)
        assert (one.value("week-sum").number, one.value("week-sum").quality) == (400, "complete")


def test_rows_outside_the_window_that_vanish_change_no_number_and_hold_none() -> None:
    with project() as one:
        one.weeks(5, month=9)
        one.sync(1092)
        one.weeks(0)
        one.sync(1092)
        assert (one.value("week-sum").number, one.value("week-sum").quality) == (0, "complete")
