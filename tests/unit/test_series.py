"""The series of a key result: its value at the end of each day, and which values compare."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.cli.history import table
from syncd.config import Config, load_config
from syncd.explain.history import Point, Series, compared, history
from syncd.ledger import KeptValue, Ledger, open_ledger
from syncd.ledger.definitions import definition
from syncd.okr.goals import Band, KeyResult, Milestone, Milestones, PeriodOkrs, Shares, Steps, Target, standing
from syncd.okr.measures import ReadingMeasure, ReadingTake
from syncd.okr.spans import midnight
from syncd.status.read_snapshots import Snapshots

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 10, 22)  # five days; the fourth has 25 hours
DAYS = [FIRST + timedelta(days=number) for number in range(5)]
MAPPING = """\
period: {start: 2026-10-22, end: 2026-10-26, id: short}
objectives:
  - id: support
    title: Fewer calls
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, cell: B2}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("project")
    (folder / "mappings").mkdir()
    (folder / "mappings/okrs.yaml").write_text(MAPPING, encoding="utf-8")
    project = "timezone: Europe/Berlin\nconnections: {local: {type: files, root: data/}}\n"
    (folder / "syncd.yaml").write_text(project, encoding="utf-8")
    return load_config(folder / "syncd.yaml")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger without a row, to be copied."""
    path = tmp_path_factory.mktemp("model") / "ledger.db"
    opened = open_ledger(f"sqlite:///{path}")
    assert opened is not None
    opened.close()
    return path


def taking(key_result: KeyResult, take: ReadingTake) -> KeyResult:
    assert isinstance(key_result.measure, ReadingMeasure)
    return replace(key_result, measure=replace(key_result.measure, take=take))


def keep(
    ledger: Ledger,
    config: Config,
    okrs: PeriodOkrs,
    key_result: KeyResult,
    number: float | None,
    at: datetime,
    **fields: Any,
) -> None:
    """Runs a cycle that ends at a moment and keeps a value, as it stands then; `fields` of the value are overridden."""
    cycle = ledger.cycles.begin(at)
    defined = definition(key_result, okrs.period, config.shares, "mappings/okrs.yaml")
    stands = standing(key_result, number, okrs.period.span, at, config.shares)
    value = KeptValue(
        number,
        stands.progress,
        stands.score,
        stands.health,
        "complete",
        None,
        None,
        1,
        0,
        None,
        defined.measure,
        cycle,
        cycle,
    )
    ledger.values.commit(cycle, at, {}, {(okrs.period.id, key_result.id): (defined, replace(value, **fields))})


Kept = tuple[timedelta, float | None, ReadingTake]
"""How long after the period's start a value was kept, its number, and how it was measured."""

kept_values = st.lists(
    st.tuples(
        st.integers(0, 5 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        st.none() | st.integers(0, 3).map(float),
        st.sampled_from(["latest", "first"]),
    ),
    min_size=1,
    max_size=8,
).map(lambda kept: sorted(kept, key=lambda value: value[0]))


@settings(max_examples=examples(12, nightly=500))
@given(kept=kept_values)
def test_each_day_has_the_last_value_kept_by_its_end_and_compares_only_under_the_same_measure(
    config: Config, model: Path, kept: Sequence[Kept]
) -> None:
    (okrs,) = config.periods
    (key_result,) = okrs.key_results
    start = okrs.period.span.start
    with TemporaryDirectory() as folder:
        shutil.copy(model, Path(folder) / "ledger.db")
        ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
        assert ledger is not None
        for after, number, take in kept:
            keep(ledger, config, okrs, taking(key_result, take), number, start + after)
        snapshots = Snapshots(config, okrs, ledger)
        end = snapshots.now(okrs.period.span.end + timedelta(days=2))
        series = history(snapshots, end, key_result)
        ledger.close()

    def by_the_end(day: date) -> Kept | None:
        end = midnight(day + timedelta(days=1), BERLIN)
        return next((value for value in reversed(kept) if start + value[0] < end), None)

    points = [point for point in series.points if point.day in DAYS]
    assert [point.day for point in points] == DAYS
    for point, before in zip(points, [None, *points], strict=False):
        wanted = by_the_end(point.day)
        assert point.value == (wanted[1] if wanted else None)
        assert point.source == ("kept" if wanted else None)
        earlier = by_the_end(before.day) if before else None
        compares = wanted and earlier and wanted[2] == earlier[2] and None not in (wanted[1], earlier[1])
        assert (point.change is not None) == bool(compares)
        if wanted and earlier and wanted[1] is not None and earlier[1] is not None and compares:
            assert point.change == wanted[1] - earlier[1]


@pytest.fixture
def ledger(tmp_path: Path, model: Path) -> Ledger:
    shutil.copy(model, tmp_path / "ledger.db")
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    assert opened is not None
    return opened


def noon(day: int) -> datetime:
    return datetime(2026, 10, day, 12, tzinfo=BERLIN)


class TestHistory:
    @pytest.fixture(autouse=True)
    def _given(self, config: Config, ledger: Ledger) -> None:
        self.config, self.ledger = config, ledger
        (self.okrs,) = config.periods
        (self.calls,) = self.okrs.key_results

    def keep(self, number: float | None, at: datetime, key_result: KeyResult | None = None, **fields: Any) -> None:
        keep(self.ledger, self.config, self.okrs, key_result or self.calls, number, at, **fields)

    def series(self, now: datetime) -> Series:
        snapshots = Snapshots(self.config, self.okrs, self.ledger)
        return history(snapshots, snapshots.now(now), self.calls)

    def test_a_day_is_judged_by_the_definition_in_force_then(self) -> None:
        self.keep(900.0, noon(22), replace(self.calls, goal=Target(0.0, 1000.0), pace="end"))
        self.keep(900.0, noon(24))
        points = self.series(noon(25)).points
        assert [point.value for point in points] == [900.0] * 4
        assert [point.progress for point in points] == pytest.approx([0.1, 0.1, 0.5, 0.5])
        assert [point.expected for point in points][:3] == pytest.approx([0, 0, 72 / 121])
        assert [point.goal.target for point in points if isinstance(point.goal, Target)] == [0, 0, 600, 600]
        edits = [str(event) for event in self.series(noon(25)).events]
        assert edits == ["target: 0 → 600", "baseline: 1000 → 1200", "pace: end → none"]

    def test_a_day_without_a_sync_repeats_the_value_with_the_time_of_its_measuring(self) -> None:
        self.keep(900.0, noon(22))
        points = self.series(noon(26)).points
        assert {point.value for point in points} == {900.0}
        assert {point.measured_at for point in points} == {noon(22)}
        assert [point.quality for point in points] == ["complete", "complete", "stale", "stale", "stale"]
        assert [point.health for point in points][2:] == ["unknown"] * 3

    def test_a_point_is_measured_at_the_last_confirmation_by_its_day(self) -> None:
        for day in (22, 23, 25):
            self.keep(900.0, noon(day), progress=0.5, score=0.5, health="on_track")
        points = self.series(noon(26)).points
        assert [point.measured_at for point in points] == [noon(22), noon(23), noon(23), noon(25), noon(25)]

    def test_a_failed_pull_keeps_the_value_with_its_reason(self) -> None:
        self.keep(900.0, noon(22))
        self.keep(900.0, noon(23), quality="failed", reason="no answer", confirmed=1)
        point = self.series(noon(24)).points[1]
        assert (point.value, point.quality, point.reason, point.measured_at) == (900, "failed", "no answer", noon(22))

    def test_days_before_the_first_value_are_unknown_and_not_zero(self) -> None:
        self.keep(0.0, noon(24))
        points = self.series(noon(24)).points
        assert [(point.value, point.source) for point in points] == [(None, None), (None, None), (0.0, "kept")]
        assert [point.change for point in points] == [None, None, None]

    def test_a_value_kept_while_the_period_settles_belongs_to_its_own_day(self) -> None:
        self.keep(900.0, noon(25))
        self.keep(880.0, noon(28))
        points = self.series(datetime(2027, 1, 1, tzinfo=BERLIN)).points
        assert [(point.day.day, point.value) for point in points[3:]] == [
            (25, 900.0),
            (26, 900.0),
            (27, 900.0),
            (28, 880.0),
        ]

    def test_an_approval_is_an_event_with_its_author(self) -> None:
        self.keep(900.0, noon(22))
        self.keep(900.0, noon(23), quality="held", reason="100 waits", candidate=100.0)
        defined = definition(self.calls, self.okrs.period, self.config.shares, "mappings/okrs.yaml")
        taken = replace(self.ledger.values.last("short")["calls"], number=100.0, quality="complete", candidate=None)
        self.ledger.approvals.approve(
            "short",
            "calls",
            defined,
            taken,
            reason="100 waits",
            author="=Dana",
            entered_by="ops@build-3",
            now=noon(24),
        )
        series = self.series(noon(25))
        assert [point.quality for point in series.points[1:3]] == ["held", "complete"]
        assert series.points[2].change == -800
        rows = list(csv.DictReader(io.StringIO(table(series))))
        assert rows[2]["events"] == "approved 24 Oct 12:00 by =Dana (entered by ops@build-3): 900 → 100"
        assert (rows[2]["change"], rows[0]["change"]) == ("-800", "")

    def test_a_series_without_a_value_has_no_points(self) -> None:
        assert self.series(noon(24)).points == ()
        snapshots = Snapshots(self.config, self.okrs, None)
        assert history(snapshots, snapshots.now(noon(24)), self.calls).points == ()


def test_the_later_of_two_cycles_is_newer_whatever_the_clock_read(config: Config, ledger: Ledger) -> None:
    (okrs,) = config.periods
    (calls,) = okrs.key_results
    for number, at in ((1.0, noon(24)), (2.0, noon(22)), (3.0, noon(26))):
        keep(ledger, config, okrs, calls, number, at)
    snapshots = Snapshots(config, okrs, ledger)
    states = snapshots.at_ends([midnight(day, BERLIN) for day in DAYS] + [noon(27)])
    values = [state.values["calls"].number if "calls" in state.values else None for state in states]
    assert values == [None, 2, 2, 2, 2, 3]


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ([], []),
        ([(1, "a")], [None]),
        ([(1, "a"), (3, "a"), (3, "a")], [None, 2, 0]),
        ([(1, "a"), (3, "b"), (4, "b")], [None, None, 1]),
        ([(1, "a"), (None, "a"), (4, "a"), (5, "a")], [None, None, None, 1]),
        ([(None, None), (0, "a"), (0, "a")], [None, None, 0]),
    ],
)
def test_a_change_is_the_step_between_two_days_that_compare(
    values: Sequence[tuple[float | None, str | None]], changes: Sequence[float | None]
) -> None:
    points = [
        Point(day, value, None, None, 0.0, "unknown", None, None, None, None, measure, Band())
        for day, (value, measure) in zip(DAYS, values, strict=False)
    ]
    assert [point.change for point in compared(points)] == changes


AT = datetime(2026, 10, 24, 22, tzinfo=ZoneInfo("UTC"))
PLAIN = KeyResult("calls", "Fewer calls", "outcome", Target(600.0, 1200.0))


@pytest.mark.parametrize(
    "key_result",
    [
        PLAIN,
        replace(PLAIN, goal=Target(600.0, None, 800.0, 500.0), unit="calls"),
        replace(PLAIN, goal=Band(at_least=99.5), stale_after=timedelta(hours=36)),
        replace(PLAIN, goal=Milestones((Milestone("2026-10-01", 1.0, 2.0, AT), Milestone("b", 2.0))), pace="end"),
        replace(PLAIN, pace=Steps(((AT, 900.0),))),
        replace(PLAIN, guard=KeyResult("calls:guard", "Quality", "outcome", Band(at_most=3.0))),
    ],
)
def test_a_definition_is_read_back_as_it_was_written(config: Config, key_result: KeyResult) -> None:
    defined = definition(key_result, config.periods[0].period, Shares(), "a.yaml")
    older = replace(defined, measure="the digest of a form that is not read any more")
    today = replace(PLAIN, title="Another", goal=Target(1.0, 0.0))
    assert defined.key_result(None) == key_result
    assert older.key_result(None) is None
    read = older.key_result(today)
    assert read is not None
    assert replace(read, guard=None) == replace(key_result, guard=None)
    assert (read.guard.goal if read.guard else None) == (key_result.guard.goal if key_result.guard else None)
