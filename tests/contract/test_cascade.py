"""A key result that a workspace exports is a reading in another: its value, its day, its quality and its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from postgres_server import new_database
from sqlalchemy import make_url, text
from two_workspaces import Deployment
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.config.ledger_address import shard_of
from syncd.service.metrics import Metrics, prometheus_text

pytestmark = pytest.mark.nightly_with("postgresql")


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """The deployment on each database."""
    if request.param == "postgresql":
        return Deployment(tmp_path, request.getfixturevalue("new_postgres")())
    return deployment_in(tmp_path)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return deployment_in(tmp_path)


def deployment_in(folder: Path) -> Deployment:
    return Deployment(folder, "sqlite:///ledgers/{workspace}.db")


def reason(deployment: Deployment) -> str:
    """Why the company's number is unknown; it must be, and no source failed."""
    assert not deployment.sync("company").failures
    return unknown(deployment)


def unknown(deployment: Deployment) -> str:
    """Why the company's number is unknown; it must be."""
    line = deployment.line()
    assert (line.value, line.standing.health) == (None, "unknown")
    assert line.reason is not None
    return line.reason


def test_value_crosses_with_its_day_and_its_place(both: Deployment) -> None:
    assert both.sync("search", "company").good
    line = both.line()
    assert (line.value, line.quality) == (800, "complete")
    assert line.as_of is not None
    assert line.as_of.astimezone(both.config("company").zone).date() == date(2026, 11, 16)
    evidence = both.evidence()
    assert [part.words for part in evidence.parts] == ["latest of search/calls"]
    assert [(item.label, item.title) for item in evidence.counted] == [
        ("search/calls 2026-11-16", "holds 800 calls/week in 2026-Q4")
    ]
    assert [(stream.connection, stream.key) for stream in evidence.streams] == [("workspace", "search")]


def test_value_crosses_from_the_database_of_a_shard_to_that_of_another(tmp_path: Path, postgres_server: Any) -> None:
    shards = {name: shard_of(name) for name in ("search", "company")}
    assert len(set(shards.values())) == 2
    database = "okrs_in_shards_"
    urls = [new_database(postgres_server, f"{database}{shard}") for shard in shards.values()]
    ledger = make_url(urls[0]).set(database=f"{database}SHARD").render_as_string(hide_password=False)
    deployment = Deployment(tmp_path, ledger.replace("SHARD", "{shard}"))
    assert deployment.sync("search", "company").good
    assert deployment.line().value == 800


@pytest.mark.sampled(1)
def test_values_of_many_days_cross_each_on_its_day(both: Deployment) -> None:
    rows = "Day,Calls\n2026-11-02,900\n2026-11-16,800\n"
    for day, calls in ((21, 790), (22, 780), (23, 760)):
        both.at(f"2026-11-{day}T10:15+01:00")
        both.write("search/calls.csv", rows := f"{rows}2026-11-{day},{calls}\n")
        both.sync("search", "company")
    days = {2: 900, 16: 800, 21: 790, 22: 780, 23: 760}
    assert both.days() == {date(2026, 11, day): calls for day, calls in days.items()}
    assert not both.evidence().restatements
    assert both.value_on(date(2026, 11, 10)) == 900
    assert both.value_on(date(2026, 11, 20)) == 800


def test_value_without_dates_is_of_the_day_on_which_it_was_measured(deployment: Deployment) -> None:
    deployment.edit("search/syncd.yaml", "[calls]", "[secret-plan]")
    deployment.edit("company/mappings/okrs.yaml", "key_result: calls", "key_result: secret-plan")
    for day, number in (("21", 3), ("22", 4), ("24", 5)):
        deployment.at(f"2026-11-{day}T10:15+01:00")
        deployment.write("search/cell.csv", f"What,Number\nplan,{number}\n")
        deployment.sync("search", "company")
    assert deployment.days() == {date(2026, 11, 21): 3, date(2026, 11, 22): 4, date(2026, 11, 24): 5}
    assert not deployment.evidence().restatements


def test_number_that_changes_within_its_day_is_no_restatement(deployment: Deployment) -> None:
    deployment.edit("search/syncd.yaml", "[calls]", "[secret-plan]")
    deployment.edit("company/mappings/okrs.yaml", "key_result: calls", "key_result: secret-plan")
    for hour, number in ((10, 3), (11, 4)):
        deployment.at(f"2026-11-21T{hour}:15+01:00")
        deployment.write("search/cell.csv", f"What,Number\nplan,{number}\n")
        deployment.sync("search", "company")
    assert deployment.line().value == 4
    assert not deployment.evidence().restatements


@pytest.mark.sampled(1)
def test_past_that_is_restated_there_is_restated_here(both: Deployment) -> None:
    both.sync("search", "company")
    both.at("2026-11-23T10:15+01:00")
    both.write("search/calls.csv", "Day,Calls\n2026-11-02,950\n2026-11-16,820\n")
    both.sync("search", "company")
    assert both.line().value == 820
    assert both.days() == {date(2026, 11, 2): 950, date(2026, 11, 16): 820}
    assert [each.why for each in both.evidence().restatements] == [
        "held 900 calls/week in 2026-Q4, and holds 950 calls/week in 2026-Q4 now",
        "held 800 calls/week in 2026-Q4, and holds 820 calls/week in 2026-Q4 now",
    ]


def test_unknown_there_is_unknown_here_and_never_none(deployment: Deployment) -> None:
    deployment.write("search/calls.csv", "Day,Calls\n2026-11-16,#REF!\n")
    deployment.sync("search")
    assert "#REF!" in reason(deployment)
    assert reason(deployment).startswith("search/calls 2026-11-16 holds no number: ")


@pytest.mark.sampled(1)
def test_failure_there_keeps_the_last_number_with_its_reason(both: Deployment) -> None:
    both.sync("search", "company")
    (both.folder / "teams/search/calls.csv").unlink()
    both.sync("search")
    result = both.sync("company")
    line = both.line()
    assert (line.value, line.quality) == (800, "failed")
    assert line.reason == (
        "workspace: search/calls is failed there: local: calls.csv cannot be read: no such file or directory; it was "
        "800 calls/week as of 2026-11-16"
    )
    assert not result.failures  # the source of another failed, and its own sync says so
    both.write("search/calls.csv", "Day,Calls\n2026-11-16,700\n")
    both.sync("search", "company")
    assert (both.line().value, both.line().quality) == (700, "complete")


def test_stale_there_is_stale_here(deployment: Deployment) -> None:
    deployment.edit("search/mappings/okrs.yaml", "    baseline: 1200", "    baseline: 1200\n        stale_after: 10d")
    deployment.sync("search", "company")
    deployment.at("2026-11-28T10:15+01:00")
    deployment.sync("search", "company")
    line = deployment.line()
    assert (line.value, line.quality, line.standing.health) == (800, "stale", "unknown")
    assert line.reason == (
        "workspace: search/calls is stale there: the last reading is 12 days old; it was 800 calls/week as of "
        "2026-11-16"
    )


def test_held_there_waits_here_for_the_approval_there(deployment: Deployment) -> None:
    deployment.edit(
        "search/mappings/okrs.yaml", "    unit: calls/week", "    plausible: {jump: 20%}\n        unit: calls/week"
    )
    deployment.sync("search", "company")
    deployment.write("search/calls.csv", "Day,Calls\n2026-11-16,800\n2026-11-20,90\n")
    deployment.sync("search", "company")
    line = deployment.line()
    assert (line.value, line.quality) == (800, "partial")
    assert line.reason is not None
    assert line.reason.startswith("workspace: search/calls is held there: 90 ")
    assert date(2026, 11, 20) not in deployment.days()


def test_what_people_check_in_there_crosses_by_its_day(deployment: Deployment) -> None:
    deployment.edit("search/syncd.yaml", "[calls]", "[trust]")
    deployment.edit("company/mappings/okrs.yaml", "key_result: calls", "key_result: trust")
    deployment.sync("search")
    assert "no measure: it waits for a check-in" in reason(deployment)
    deployment.check_in("search", "trust", 7)
    deployment.sync("company")
    assert (deployment.line().value, deployment.line().quality) == (7, "complete")


@pytest.mark.sampled(1)
def test_what_is_not_there_is_unknown_and_names_the_place(both: Deployment) -> None:
    holds = "search/calls holds no number: "
    both.sync("search", "company")
    assert both.line().value == 800

    both.edit("search/syncd.yaml", "export: [calls]", "export: []")
    assert reason(both) == (
        f"{holds}the workspace 'search' exports no key result 'calls'; `export: [calls]` in its syncd.yaml lets others "
        "read it"
    )
    both.edit("search/syncd.yaml", "export: []", "export: [calls]")
    both.edit("search/mappings/okrs.yaml", "unit: calls/week", "unit: calls/day")
    assert reason(both) == (
        f"{holds}the workspace 'search' counts calls in 'calls/day', and 'calls/week' is expected; write the same "
        "unit, or convert it by a formula"
    )
    both.edit("search/mappings/okrs.yaml", "unit: calls/day", "unit: calls/week")
    both.sync("company")
    assert both.line().value == 800

    both.edit("search/mappings/okrs.yaml", "period: 2026-Q4", "period: 2026-Q3")
    assert reason(both) == f"{holds}the workspace 'search' has no calls on 2026-11-21: none of its periods has both"
    both.edit("search/mappings/okrs.yaml", "period: 2026-Q3", "period: 2026-Q4")
    (both.folder / "teams/search").rename(both.folder / "teams/seek")
    assert reason(both) == f"{holds}there is no workspace 'search' in this deployment"
    assert both.days()[date(2026, 11, 16)] == 800  # the past stays as it was read


NO_LEDGER = "the workspace 'search' has no ledger yet; `syncd sync --workspace search` makes it"
NO_FILES = "the files of the workspace 'search' are not valid; `syncd validate --workspace search` says why"
NO_ANSWER = "the ledger of the workspace 'search' cannot be read; `syncd status --workspace search` says why"


def broken_files(both: Deployment) -> None:
    both.edit("search/mappings/okrs.yaml", "unit: calls/week", "unti: calls/week")


def older_ledger(both: Deployment) -> None:
    with closing(both.ledger("search")) as ledger, ledger.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0010'"))


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("mistake", "why"), [(broken_files, NO_FILES), (older_ledger, NO_ANSWER)])
def test_mistake_there_keeps_the_number_here(both: Deployment, mistake: Callable[[Deployment], None], why: str) -> None:
    """A team that mistypes a line, or is migrated after the company, does not make the company's number unknown."""
    both.sync("search", "company")
    mistake(both)
    result = both.sync("company")
    line = both.line()
    assert (line.value, line.quality) == (800, "failed")
    assert line.reason == f"workspace: search/calls cannot be read: {why}"
    assert [(pull.stream.key, why) for pull, why in result.failures] == [("search", line.reason.partition(": ")[2])]
    assert both.days() == {date(2026, 11, 2): 900, date(2026, 11, 16): 800}


@pytest.mark.parametrize(("mistake", "why"), [(broken_files, NO_FILES), (older_ledger, NO_ANSWER)])
def test_a_workspace_that_cannot_be_read_shows_everywhere(
    deployment: Deployment, mistake: Callable[[Deployment], None], why: str
) -> None:
    """In the exit code of sync and doctor, in the metrics, and among the sources: until it can be read again."""
    sentence = f"search/calls cannot be read: {why}"
    at, metrics = str(deployment.folder / "syncd.yaml"), Metrics()
    metrics.keep(["workspace", "local"])
    deployment.sync("search", "company")
    mistake(deployment)

    synced = CliRunner().invoke(app, ["sync", "-c", at, "--workspace", "company"])
    assert synced.exit_code == 1
    assert f"failed: workspace: search: {sentence}" in synced.stderr.splitlines()
    checked = CliRunner().invoke(app, ["doctor", "-c", at, "--workspace", "company", "--json"])
    assert checked.exit_code == 1
    checks = {each["name"]: each["checks"] for each in json.loads(checked.stdout)["connections"]}
    assert [(check["name"], check["detail"]) for check in checks["workspace"] if not check["ok"]] == [
        ("reads", f"search: {sentence}")
    ]
    result = deployment.sync("company")
    metrics.cycle(result, 0, 0, good=result.good)
    text = prometheus_text(metrics.counted()).decode()
    assert 'syncd_connection_failing{connection="workspace"} 1.0' in text
    assert 'syncd_cycles_total{outcome="failed"} 1.0' in text
    (stream,) = deployment.evidence().streams
    assert (stream.quality, stream.reason) == ("failed", sentence)


def test_mend_there_is_a_complete_number_here(deployment: Deployment) -> None:
    deployment.sync("search", "company")
    broken_files(deployment)
    deployment.sync("company")
    deployment.edit("search/mappings/okrs.yaml", "unti: calls/week", "unit: calls/week")
    deployment.sync("company")
    assert (deployment.line().value, deployment.line().quality) == (800, "complete")
    assert not deployment.evidence().restatements


def test_ledger_that_is_not_there_yet_is_named(deployment: Deployment) -> None:
    assert not deployment.sync("company").good
    assert unknown(deployment) == f"workspace: search/calls cannot be read: {NO_LEDGER}"


def test_ledger_that_cannot_be_read_is_named_without_its_address(deployment: Deployment) -> None:
    deployment.sync("search")
    (deployment.folder / "ledgers/search.db").write_bytes(b"no database" * 500)
    assert not deployment.sync("company").good
    assert unknown(deployment) == f"workspace: search/calls cannot be read: {NO_ANSWER}"


def test_each_day_is_of_the_period_there_that_holds_it(deployment: Deployment) -> None:
    deployment.at("2026-09-20T10:15+02:00")
    deployment.write("search/calls.csv", "Day,Calls\n2026-08-03,1100\n2026-09-14,1000\n")
    deployment.edit("search/mappings/okrs.yaml", "period: 2026-Q4", "period: 2026-Q3")
    deployment.sync("search", "company")
    assert deployment.line().value == 1000
    third = (deployment.folder / "teams/search/mappings/okrs.yaml").read_text()
    deployment.write("search/mappings/q4.yaml", third.replace("2026-Q3", "2026-Q4").replace("calls.csv", "fourth.csv"))
    deployment.write("search/fourth.csv", "Day,Calls\n2026-10-05,900\n")
    deployment.at("2026-10-10T10:15+02:00")
    deployment.sync("search", "company")
    assert deployment.line().value == 900
    assert deployment.days() == {date(2026, 8, 3): 1100, date(2026, 9, 14): 1000, date(2026, 10, 5): 900}


def test_value_of_a_period_that_settles_is_of_its_last_day(deployment: Deployment) -> None:
    deployment.edit("company/mappings/okrs.yaml", "period: 2026\n", "period: 2026-Q4\n")
    deployment.edit("search/syncd.yaml", "[calls]", "[secret-plan]")
    deployment.edit("company/mappings/okrs.yaml", "key_result: calls", "key_result: secret-plan")
    deployment.at("2026-12-31T10:15+01:00")
    deployment.sync("search", "company")
    deployment.at("2027-01-03T10:15+01:00")
    deployment.write("search/cell.csv", "What,Number\nplan,9\n")
    deployment.sync("search", "company")
    assert deployment.line().value == 9
    assert deployment.days() == {date(2026, 12, 31): 9}
