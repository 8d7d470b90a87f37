"""A source that neither answers nor fails, and a census that fails, take nobody else along; one that asked for a later
time is asked again then."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from patience import out_of_patience_with
from projects import Project
from sqlalchemy import update
from waiting import HANG, wait_for

from syncd.config import load_config
from syncd.config.project import clock_of
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.ledger import Ledger, open_ledger
from syncd.ledger.schema import streams
from syncd.sandbox import Fault, Sandbox
from syncd.sdk import RetryPolicy
from syncd.service import Service
from syncd.status.periods import choose_period
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of


@pytest.fixture
def ledger(project: Project, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    ledger = open_ledger(f"sqlite:///{project.folder}/syncd.db")
    assert ledger is not None
    return ledger


def cycle(project: Project, ledger: Ledger, **options: Any) -> Result:
    config = load_config(project.folder / "syncd.yaml")
    policy = RetryPolicy(sleep=lambda seconds: None)
    return run_cycle(CycleRequest(config, ledger, clock_of(config.settings), policy, **options))


def test_a_connection_that_hangs_is_given_up(project: Project, ledger: Ledger, box: Sandbox) -> None:
    box.fault(Fault("sheets", "hang"))
    with out_of_patience_with({"numbers"}) as watcher:
        result = cycle(project, ledger, watcher=watcher)
    assert {(pull.connection, why) for pull, why in result.failures} == {("numbers", "nothing came of it for 0.1 s")}
    config = load_config(project.folder / "syncd.yaml")
    now = clock_of(config.settings)()
    okrs = choose_period(config, None, now)
    assert okrs is not None
    found = report_of(Snapshots(config, okrs, ledger).now(now))
    articles, calls = found.line("articles"), found.line("calls")
    assert articles is not None
    assert calls is not None
    assert articles.value == 33
    assert (calls.value, calls.quality) == (None, "failed")


def test_a_census_that_fails_keeps_no_number_back(project: Project, ledger: Ledger, box: Sandbox) -> None:
    cycle(project, ledger, only="search-shipped")
    box.world.github.merge_pull("acme/search", _open_pull(box))
    box.fault(Fault("github", "status", path=r"/acme/search/pulls", times=5, status=500))  # all tries of the census
    result = cycle(project, ledger, only="search-shipped", reconcile=True)
    assert [why for _, why in result.failures if why.startswith("reconciliation: ")]
    assert ledger.values.last("2026-Q4")["search-shipped"].quality == "complete"
    assert ledger.values.last("2026-Q4")["search-shipped"].number == 20


def _open_pull(box: Sandbox) -> int:
    item = box.world.github.add_pull("acme/search", "One more", base="main")
    return item.number


@pytest.mark.nightly
def test_a_running_service_goes_on_where_one_measure_names_a_field_that_is_not_there(
    project: Project, ledger: Ledger
) -> None:
    """Not even a key result that reads the same stream fails with it."""
    jql = "project in (WEB, OPS) AND type = Story"
    project.edit(
        "mappings/engineering.yaml",
        f'measure: {{from: tickets, jql: "{jql}", take: sum, of: Story Points}}',
        f'measure: {{from: tickets, jql: "{jql}", take: sum, of: Story Pionts}}\n'
        "      - {id: stories, title: 40 stories, kind: output, target: 40, drives: lead-time, "
        f'measure: {{from: tickets, jql: "{jql}"}}}}',
    )
    config = load_config(project.folder / "syncd.yaml")
    policy = RetryPolicy(sleep=lambda seconds: None)
    result = run_cycle(CycleRequest(config, ledger, clock_of(config.settings), policy))
    (why,) = [why for _, why in result.failures]
    assert why.startswith("there is no field 'Story Pionts'; did you mean 'Story Points'? (")
    kept = ledger.values.last("2026-Q4")
    assert kept["articles"].number == 33
    assert (kept["story-points"].number, kept["story-points"].quality) == (None, "failed")
    assert (kept["stories"].number or 0) > 0
    assert kept["stories"].quality == "complete"
    result = run_cycle(CycleRequest(config, ledger, clock_of(config.settings), policy))
    assert [why for _, why in result.failures] == [why]
    only = CycleRequest(config, ledger, clock_of(config.settings), policy, only="stories")
    assert run_cycle(only).failures == []
    project.edit("mappings/engineering.yaml", "Story Pionts", "Story Points")
    mended = run_cycle(
        CycleRequest(load_config(project.folder / "syncd.yaml"), ledger, clock_of(config.settings), policy)
    )
    assert mended.failures == []
    assert (ledger.values.last("2026-Q4")["story-points"].number or 0) > 0


def test_the_service_asks_again_once_the_time_is_over_that_a_source_asked_for(
    project: Project,
    ledger: Ledger,
    box: Sandbox,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By its schedule alone the next cycle would be an hour away."""
    project.edit("syncd.yaml", "schedule: 1s", "schedule: 1h")
    box.fault(Fault("github", "too_many", seconds=90))
    assert cycle(project, ledger).retry_at is not None
    box.heal()

    def begin(request: CycleRequest, **options: Any) -> Result:  # nobody waits for those 90 seconds
        if service.cycles == 0:
            soon = datetime.now(UTC) + timedelta(seconds=1)
            with ledger.engine.begin() as connection:
                connection.execute(update(streams).where(streams.c.retry_at.is_not(None)).values(retry_at=soon))
        return run_cycle(request, **options)

    monkeypatch.setattr("syncd.service.job.run_cycle", begin)
    config = load_config(project.folder / "syncd.yaml")
    service = Service(project.folder / "syncd.yaml", config, clock_of(config.settings), ledger)
    loop = threading.Thread(target=service.run, daemon=True)
    with caplog.at_level("INFO", "syncd"):
        loop.start()
        wait_for(lambda: service.cycles > 1)
        service.stop()
        loop.join(HANG)
    ended = [record.__dict__["failed"] for record in caplog.records if record.message == "cycle ended"]
    assert ended[0] > 0  # it was put off, not asked
    assert ended[1:] == [0]
    assert ledger.values.last("2026-Q4")["search-shipped"].number == 19
