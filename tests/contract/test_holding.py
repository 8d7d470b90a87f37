"""Whole cycles over a cell that takes any number: what is held, what stays, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from csv_project import CsvProject
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from standing_still import browser

from syncd.cycle.approve import AnotherCandidate, NotHeld, approve
from syncd.ledger import KeptValue
from syncd.okr.plausible import Plausible, implausible
from syncd.review import review
from syncd.review.document import document as review_document
from syncd.review.markdown import markdown
from syncd.review.page import page
from syncd.service.gauges import key_result_gauges
from syncd.service.metrics import prometheus_text
from syncd.status.document import document

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


class Project(CsvProject):
    """Two CSV files: a cell, and a series."""

    def __init__(self, folder: Path, held_until: str) -> None:
        super().__init__(folder, MAPPING, START, settings=f"held_until: {held_until}\n")
        self.weeks(0)

    def weeks(self, number: int, month: int = 11) -> None:
        self.write("weeks.csv", "Week,Calls", *(f"2026-{month:02}-{day + 1:02},100" for day in range(number)))

    def sync(self, cell: object) -> KeptValue:
        """Writes the cell and runs a cycle an hour later."""
        self.write("calls.csv", "Week,Calls", f"this,{cell}")
        self.now += timedelta(hours=1)
        self.cycle()
        return self.value()

    def value(self, name: str = "calls") -> KeptValue:
        return self.ledger.values.last("2026-Q4")[name]

    def approve(self, number: float | None = None, name: str = "calls") -> KeptValue:
        config = self.config
        self.now += timedelta(hours=1)
        candidate = self.value(name).candidate if number is None else number
        approved = approve(
            config,
            config.periods[0],
            self.key_result(name),
            self.ledger,
            author="Dana",
            entered_by="ops@build-3",
            now=self.now,
            candidate=candidate,
        )
        return approved.new


@contextmanager
def a_project(held_until: str = "approved") -> Iterator[Project]:
    with TemporaryDirectory() as folder:
        made = Project(Path(folder), held_until)
        yield made
        made.ledger.close()


cells = st.lists(st.sampled_from([0, 5, 700, 900, 1092, 1490, 1950, 3000]), min_size=2, max_size=8)


@settings(max_examples=examples(6))
@given(cells)
def test_a_held_number_never_becomes_the_value_and_a_plausible_number_always_does(numbers: list[int]) -> None:
    with a_project() as project:
        last: float | None = None
        for number in numbers:
            value = project.sync(number)
            if implausible(BOUNDS, number, last):
                assert (value.quality, value.number, value.candidate) == ("held", last, number)
            else:
                assert (value.quality, value.number, value.candidate) == ("complete", number, None)
                last = number


@settings(max_examples=examples(5))
@given(cells)
def test_held_until_repeated_takes_only_the_same_number_in_the_next_cycle(numbers: list[int]) -> None:
    with a_project("repeated") as project:
        last: float | None = None
        waiting: float | None = None
        for number in numbers:
            value = project.sync(number)
            if implausible(BOUNDS, number, last) and waiting != number:
                assert (value.quality, value.number, value.candidate) == ("held", last, number)
                waiting = number
            else:
                assert (value.quality, value.number) == ("complete", number)
                last, waiting = number, None


def test_an_approved_value_is_of_the_cycle_that_measured_it_and_judged_as_of_now() -> None:
    with a_project() as project:
        first = project.sync(1092)
        held = project.sync(5)
        assert (held.progress, held.health, held.confirmed) == (first.progress, first.health, first.confirmed)
        project.sync(5)
        measured = project.ledger.cycles.last()
        taken = project.approve()
        assert measured is not None
        assert (taken.number, taken.quality, taken.health, taken.confirmed) == (5, "complete", "done", measured.id)
        assert project.value().says_what(taken)
        assert project.value().cycle > measured.id
        last_pull = project.ledger.cycles.last(pulled=True)
        assert last_pull is not None
        assert last_pull.id == measured.id
        (approval,) = project.ledger.approvals.of("2026-Q4", "calls", project.value().cycle)
        assert (approval.number, approval.author, approval.at) == (5, "Dana", project.now)
        assert approval.reason.startswith("5 is outside plausible")


def test_who_entered_an_approval_stands_beside_its_author() -> None:
    with a_project() as project:
        project.sync(1092)
        project.sync(5)
        project.approve()
        config, okrs = project.config, project.config.periods[0]
        week = review(config, okrs, project.ledger, project.now)
        assert "20 Nov, Dana (entered by ops@build-3) on calls: 1,092 → 5" in " ".join(markdown(week).split())
        (approval,) = review_document(week)["approvals"]
        assert (approval["key_result"], approval["author"], approval["entered_by"]) == ("calls", "Dana", "ops@build-3")
        assert (approval["old"], approval["new"]) == (1092, 5)
        assert "20 Nov, Dana (entered by ops@build-3) on calls: 1,092 → 5" in page(week)


def test_an_approved_number_stays_and_another_implausible_number_waits() -> None:
    with a_project() as project:
        project.sync(1092)
        project.sync(1950)
        project.approve(1950)
        assert project.sync(1950).quality == "complete"
        other = project.sync(1951)
        assert (other.number, other.candidate) == (1950, 1951)


def test_the_candidate_is_in_the_dashboard_the_document_and_the_metrics() -> None:
    with a_project() as project:
        project.sync(1092)
        project.sync(1950)
        project.weeks(1)
        report = project.report()
        calls, week_sum = document(report)["objectives"][0]["key_results"]
        assert (calls["value"], calls["quality"], calls["candidate"]) == (1092, "held", 1950)
        assert "candidate" not in week_sum
        page = browser(project.config, project.ledger, project.now).get("/").text
        assert '>1,950?<span class="hidden"> waits for approval</span></div>' in page
        assert "held: 1,950 is outside plausible" in page
        lines = prometheus_text(key_result_gauges([report])).decode().splitlines()
        assert 'syncd_key_result_held{key_result="calls",objective="service",period="2026-Q4"} 1.0' in lines
        assert 'syncd_key_result_held{key_result="week-sum",objective="service",period="2026-Q4"} 0.0' in lines
        assert 'syncd_key_result_value{key_result="calls",objective="service",period="2026-Q4"} 1092.0' in lines


def test_a_held_value_that_is_stale_stays_held_with_unknown_health() -> None:
    with a_project() as project:
        project.sync(1092)
        project.sync(1950)
        line = project.report(project.now + timedelta(days=3)).line("calls")
        assert line is not None
        assert (line.value, line.candidate, line.quality) == (1092, 1950, "held")
        assert line.standing.health == "unknown"
        assert line.reason is not None
        assert line.reason.startswith("the last good pull is 3 days old; 1,950 is outside plausible")


def test_an_approval_of_another_number_changes_nothing() -> None:
    with a_project() as project:
        project.sync(1092)
        project.sync(1950)
        with pytest.raises(AnotherCandidate):
            project.approve(2000)
        assert project.value().quality == "held"
        project.approve(1950)
        with pytest.raises(NotHeld):
            project.approve(1950)


def test_a_cell_without_a_number_is_unknown_and_not_held() -> None:
    with a_project() as project:
        project.sync(1092)
        value = project.sync("soon")
        assert (value.number, value.quality) == (None, "complete")
        assert project.sync(1950).candidate == 1950


def test_an_edited_measure_has_no_last_number_to_jump_from() -> None:
    with a_project() as project:
        project.sync(1092)
        project.edit("cell: B2}", "cell: B2, as: {decimal: ','}}")
        assert project.sync(400).quality == "complete"


def test_an_emptied_series_is_held_if_it_had_three_rows() -> None:
    with a_project() as project:
        project.weeks(2)
        project.sync(1092)
        project.weeks(0)
        project.sync(1092)
        assert (project.value("week-sum").number, project.value("week-sum").quality) == (0, "complete")
        project.weeks(3)
        project.sync(1092)
        project.weeks(0)
        project.sync(1092)
        value = project.value("week-sum")
        assert (value.number, value.quality, value.candidate) == (300, "held", 0)
        assert value.reason == (
            "0 waits: local: series dates Week, values Calls went from 3 readings to none; "
            "`syncd approve week-sum` accepts it"
        )
        project.weeks(4)
        project.sync(1092)
        assert (project.value("week-sum").number, project.value("week-sum").quality) == (400, "complete")


def test_rows_that_vanish_outside_the_window_hold_no_number() -> None:
    with a_project() as project:
        project.weeks(5, month=9)
        project.sync(1092)
        project.weeks(0)
        project.sync(1092)
        assert (project.value("week-sum").number, project.value("week-sum").quality) == (0, "complete")
