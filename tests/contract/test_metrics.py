"""What Prometheus scrapes: what was counted of each connection, and what stands in the ledger now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject
from sandbox_project import SandboxProject
from service_thread import Series, cycle, labels, series, serving

from syncd.sandbox import Fault, Sandbox
from syncd.sdk.quota import QuotaLeft
from syncd.service import Service
from syncd.service.metrics import Metrics, prometheus_text

PULLS = "from: code, repo: acme/web, what: merged_pull_requests, take: count"
ISSUES = "from: tickets, jql: project = KB, take: count"
QUARTER = """\
period: {}
objectives:
  - id: all
    title: Everything
    key_results:
      - {{id: visits, title: It, kind: output, target: 9, measure: {{from: local, file: a.csv, cell: B2}}}}
"""


def value(found: Series, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxProject:
    """Two merged pull requests and three done tickets, read every day."""
    project = SandboxProject(box, tmp_path, monkeypatch)
    (tmp_path / "syncd.yaml").write_text((tmp_path / "syncd.yaml").read_text() + "schedule: 1d\n")
    for title in ("One", "Two"):
        pull = box.world.github.add_pull("acme/web", title=title)
        box.world.github.merge_pull("acme/web", pull.number)
    for _ in range(3):
        box.world.jira.transition(box.world.jira.create("KB", "Task").key, "Done")
    project.now += timedelta(hours=1)  # the sandbox's clock moves with each change
    project.define(PULLS, ISSUES)
    return project


@pytest.fixture
def service(project: SandboxProject) -> Iterator[Service]:
    with serving(project) as service:
        yield service


def test_requests_rows_and_quota_are_counted_by_connection(service: Service, box: Sandbox) -> None:
    scraped = series(service)
    requests = [request for request in box.requests if request.service == "github"]
    assert value(scraped, "syncd_requests_total", connection="code", outcome="ok") == len(requests)
    assert value(scraped, "syncd_rows_total", connection="code") == 2
    assert value(scraped, "syncd_rows_total", connection="tickets") == 3
    left = value(scraped, "syncd_quota_remaining", connection="code")
    assert left is not None
    assert left == 5000 - len(requests)
    assert value(scraped, "syncd_quota_remaining", connection="tickets") is None  # its server tells none


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault("github", "status", status=502), "failed"),
        (Fault("github", "too_many", seconds=3600), "later"),
        (Fault("github", "unauthorized"), "refused"),
    ],
    ids=["an outage", "a limit", "a wrong token"],
)
def test_a_request_that_fails_is_counted_by_how_it_ended(
    project: SandboxProject, box: Sandbox, fault: Fault, outcome: str
) -> None:
    box.fault(fault)
    with serving(project) as service:
        assert value(series(service), "syncd_requests_total", connection="code", outcome=outcome)
        assert value(series(service), "syncd_requests_total", connection="tickets", outcome=outcome) is None


def test_a_stream_ages_from_its_last_complete_pull(project: SandboxProject, service: Service, box: Sandbox) -> None:
    project.now += timedelta(hours=1)
    box.fault(Fault("github", "unauthorized"))
    cycle(service)
    project.now += timedelta(minutes=1)
    ages = {
        dict(of)["connection"]: age for (name, of), age in series(service).items() if name == "syncd_stream_age_seconds"
    }
    assert ages == {"code": 3660, "tickets": 60}


def test_a_change_of_past_data_is_counted_once_for_all_key_results(
    project: SandboxProject, service: Service, box: Sandbox
) -> None:
    project.define(PULLS, ISSUES, ISSUES)
    cycle(service)
    box.world.jira.delete("KB-1")
    project.now += timedelta(days=2)  # a reconciliation is due
    cycle(service)
    assert value(series(service), "syncd_restatements_total", connection="tickets") == 1
    assert value(series(service), "syncd_restatements_total", connection="code") is None


def test_nothing_of_a_key_result_or_connection_that_went_stays_behind(
    project: SandboxProject, service: Service
) -> None:
    assert {of["key_result"] for of in labels(service, "syncd_key_result_value")} == {"kr0", "kr1"}
    project.define(ISSUES)
    settings = project.folder / "syncd.yaml"
    settings.write_text("".join(line for line in settings.open() if "type: github" not in line))
    cycle(service)
    assert {of["key_result"] for of in labels(service, "syncd_key_result_value")} == {"kr0"}
    assert [of for _, of in series(service) if ("connection", "code") in of] == []


def test_a_thread_of_a_former_configuration_brings_no_connection_back() -> None:
    metrics = Metrics()
    metrics.keep(["code", "tickets"])
    renewed = datetime.now(UTC) + timedelta(hours=1)
    metrics.request("code", "ok", QuotaLeft(10, 100, renewed))
    metrics.keep(["tickets"])
    metrics.request("code", "ok", QuotaLeft(9, 100, renewed))
    assert b"code" not in prometheus_text(metrics.counted())


def test_a_quota_is_forgotten_once_it_is_renewed() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    metrics = Metrics(lambda: now)
    metrics.keep(["code"])
    metrics.request("code", "ok", QuotaLeft(3, 100, now + timedelta(minutes=10)))
    assert metrics.quota_left("code") is not None
    assert b'syncd_quota_remaining{connection="code"} 3.0' in prometheus_text(metrics.counted())
    now += timedelta(minutes=10)
    assert b"syncd_quota_remaining{" not in prometheus_text(metrics.counted())
    assert metrics.quota_left("code") is None
    metrics.request("code", "ok", QuotaLeft(99, 100, now + timedelta(hours=1)))
    assert b'syncd_quota_remaining{connection="code"} 99.0' in prometheus_text(metrics.counted())


def test_a_key_result_of_two_quarters_is_two_lines(tmp_path: Path) -> None:
    """Else the end of a quarter splices two key results into one line."""
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 12, 30, 12, tzinfo=berlin)
    settings = "timezone: Europe/Berlin\nschedule: 1d\n"
    project = CsvProject(tmp_path, QUARTER.format("2026-Q4"), now, settings=settings)
    (tmp_path / "syncd.yaml").write_text((tmp_path / "syncd.yaml").read_text().replace("okrs.yaml", "'*okrs.yaml'"))
    (tmp_path / "next-okrs.yaml").write_text(QUARTER.format("2027-Q1"))
    project.write("a.csv", "", "x,7")
    with serving(project) as service:
        old, new = ({"period": period, "objective": "all", "key_result": "visits"} for period in ("2026-Q4", "2027-Q1"))
        assert labels(service, "syncd_key_result_value") == [old]
        project.now += timedelta(days=3)  # 2 January: the old quarter settles
        cycle(service)
        assert labels(service, "syncd_key_result_value") == [new, old]
        project.now += timedelta(days=30)
        cycle(service)
        assert labels(service, "syncd_key_result_value") == [new]
