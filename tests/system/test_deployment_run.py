"""`syncd run` and `syncd serve` of all workspaces of a deployment, as a real process: none disturbs another."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from projects import NOW, Project
from sqlalchemy import create_engine, text
from test_run import answers, running
from waiting import wait_for

from syncd.sandbox import Fault, Sandbox

MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls, kind: output, target: 90, measure: {from: local, file: calls.csv, cell: A1}}
      - {id: trust, title: Trust, kind: outcome, baseline: 5, target: 9}
"""
OWN = "connections: {local: {type: files, root: .}}\n"
OF_SHEETS = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls
        kind: output
        target: 90
        measure: {from: numbers, spreadsheet: 1AbC-acme-okr-numbers-2026q4, cell: Support!C11}
"""


def deployment_in(folder: Path, ledger: str = "sqlite:///ledgers/{workspace}.db", schedule: str = "1s") -> Project:
    """A deployment of alpha and bravo, with the calls 3 and 5."""
    (folder / "syncd.yaml").write_text(
        f'workspaces: teams/*/syncd.yaml\nledger: "${{LEDGER}}"\nschedule: {schedule}\nclock: {NOW.isoformat()}\n'
    )
    for name, calls in (("alpha", 3), ("bravo", 5)):
        add(folder, name, calls)
    return Project(folder, {"LEDGER": ledger})


def add(folder: Path, name: str, calls: int) -> None:
    """A workspace that comes into being whole, as a folder that is moved there."""
    team = folder / "being-written"
    (team / "mappings").mkdir(parents=True)
    (team / "mappings" / "okrs.yaml").write_text(MAPPING)
    (team / "calls.csv").write_text(f"{calls}\n")
    (team / "syncd.yaml").write_text(OWN)
    (folder / "teams").mkdir(exist_ok=True)
    team.rename(folder / "teams" / name)


def add_of_sandbox(project: Project, box: Sandbox, name: str = "sheets") -> None:
    """A workspace that reads a spreadsheet of the sandbox."""
    add(project.folder, name, 0)
    team = project.folder / "teams" / name
    (team / "mappings" / "okrs.yaml").write_text(OF_SHEETS)
    (team / "syncd.yaml").write_text(
        f'connections: {{numbers: {{type: sheets, url: "{box.sheets_url}", token: "${{GOOGLE_TOKEN}}"}}}}\n'
    )
    project.env["GOOGLE_TOKEN"] = box.credentials["google_token"]


def metric(client: httpx.Client, name: str, **labels: str) -> float | None:
    """The value of a series; None if there is none with these labels."""
    for line in client.get("/metrics").text.splitlines():
        series = re.fullmatch(rf"{name}\{{(.*)\}} (\S+)", line)
        if series and all(f'{label}="{value}"' in series[1] for label, value in labels.items()):
            return float(series[2])
    return None


def calls(client: httpx.Client, workspace: str) -> float | None:
    return metric(client, "syncd_key_result_value", workspace=workspace, key_result="calls")


def shown(client: httpx.Client, workspace: str, key_result: str) -> float | None:
    """The value of a key result in the API, which reads the ledger each time; metrics are up to a minute old."""
    objectives = client.get(f"/w/{workspace}/api/status").json()["objectives"]
    return next(kr["value"] for objective in objectives for kr in objective["key_results"] if kr["id"] == key_result)


def cycles(client: httpx.Client, workspace: str) -> float:
    return metric(client, "syncd_cycles_total", workspace=workspace, outcome="complete") or 0.0


def go_on(client: httpx.Client, *names: str) -> bool:
    """Whether these workspaces still sync: it waits for two more cycles of each."""
    before = {name: cycles(client, name) for name in names}
    wait_for(lambda: all(cycles(client, name) > before[name] + 1 for name in names))
    return True


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_all_are_synced_and_what_becomes_of_each_disturbs_no_other(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, box: Sandbox
) -> None:
    ledger = "sqlite:///ledgers/{workspace}.db"
    if kind == "postgresql":
        new: Callable[[], str] = request.getfixturevalue("new_postgres")
        ledger = new()
    project = deployment_in(tmp_path, ledger)
    add_of_sandbox(project, box)
    add(tmp_path, "broken", 7)
    own = tmp_path / "teams" / "broken" / "syncd.yaml"
    own.write_text("connections: [\n")
    with running(project) as (_, client):
        log = tmp_path / "run.log"
        wait_for(lambda: (calls(client, "alpha"), calls(client, "bravo")) == (3, 5))
        wait_for(lambda: calls(client, "sheets") == 1092)
        # A workspace that is broken is named, and the others are ready.
        assert answers(client, "/readyz")
        assert metric(client, "syncd_workspace_open", workspace="broken") == 0
        assert metric(client, "syncd_workspace_open", workspace="alpha") == 1
        assert re.search(r"workspace cannot be served .*teams/broken/syncd.yaml.* workspace=broken", log.read_text())
        # It is mended, and another is added and edited.
        own.write_text(OWN)
        add(tmp_path, "added", 9)
        wait_for(lambda: (calls(client, "broken"), calls(client, "added")) == (7, 9))
        project.edit("teams/added/mappings/okrs.yaml", "file: calls.csv", "file: more.csv")
        (tmp_path / "teams" / "added" / "more.csv").write_text("11\n")
        wait_for(lambda: calls(client, "added") == 11)
        # A wrong edit leaves the last good configuration of that workspace, a wrong deployment that of all.
        project.edit("teams/alpha/mappings/okrs.yaml", "target: 90", "target: many")
        wait_for(lambda: metric(client, "syncd_config_last_reload_successful", workspace="alpha") == 0)
        assert metric(client, "syncd_config_last_reload_successful", workspace="bravo") == 1
        project.edit("syncd.yaml", "schedule: 1s", "schedule: often")
        wait_for(lambda: "syncd_config_last_reload_successful 0.0" in client.get("/metrics").text)
        assert go_on(client, "alpha", "bravo")
        project.edit("syncd.yaml", "schedule: often", "schedule: 1s")
        wait_for(lambda: "syncd_config_last_reload_successful 1.0" in client.get("/metrics").text)
        # One whose source fails, and one that is removed.
        box.fault(Fault("sheets", "unauthorized"))
        wait_for(lambda: metric(client, "syncd_connection_failing", workspace="sheets", connection="numbers") == 1)
        shutil.move(tmp_path / "teams" / "bravo", tmp_path / "gone")
        wait_for(lambda: 'workspace="bravo"' not in client.get("/metrics").text)
        assert go_on(client, "alpha", "added")
        assert answers(client, "/healthz")
        if kind == "postgresql":
            project.run("backup", "alpha.backup", "--workspace", "alpha", check=0)
            restored = project.run("restore", "alpha.backup", "--workspace", "alpha")
            assert "`syncd run` serves schema ws_alpha of this database (process " in restored.stderr


def test_a_silent_source_holds_up_neither_the_others_nor_the_end(tmp_path: Path, box: Sandbox) -> None:
    project = deployment_in(tmp_path)
    add_of_sandbox(project, box)
    box.fault(Fault("sheets", "hang"))
    with running(project) as (process, client):
        wait_for(lambda: box.requests)
        assert go_on(client, "alpha", "bravo")
        assert not cycles(client, "sheets")
        process.send_signal(signal.SIGTERM)  # its source never answers, and it ends all the same
        wait_for(lambda: process.poll() is not None)
    assert re.search(r"\] stopped", (tmp_path / "run.log").read_text())


def test_what_a_person_asks_for_elsewhere_is_done_soon(tmp_path: Path) -> None:
    project = deployment_in(tmp_path, schedule="1d")
    with running(project) as (_, client):
        wait_for(lambda: (cycles(client, "alpha"), cycles(client, "bravo")) == (1, 1))
        project.run("checkin", "trust", "--value", "6", "--workspace", "alpha", check=0)
        wait_for(lambda: shown(client, "alpha", "trust") == 6)
        assert shown(client, "bravo", "trust") is None


def test_a_second_process_stands_by_until_the_first_has_ended(tmp_path: Path) -> None:
    project = deployment_in(tmp_path)
    with running(project) as (first, client):
        wait_for(lambda: cycles(client, "alpha") and cycles(client, "bravo"))
        with running(project) as (_, other):
            wait_for(lambda: "no workspace can be served: alpha: `syncd run` serves" in other.get("/readyz").text)
            first.send_signal(signal.SIGTERM)
            wait_for(lambda: answers(other, "/readyz"))
            assert go_on(other, "alpha", "bravo")


def test_serve_shows_all_and_syncs_nothing(tmp_path: Path) -> None:
    project = deployment_in(tmp_path)
    project.run("sync", "--workspace", "alpha", check=0)
    with running(project, command="serve") as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        assert shown(client, "alpha", "calls") == 3
        assert shown(client, "bravo", "calls") is None
        project.run("sync", "--workspace", "bravo", check=0)
        wait_for(lambda: shown(client, "bravo", "calls") == 5)


@pytest.mark.nightly
def test_connections_to_postgresql_are_bounded(new_postgres: Callable[[], str], tmp_path: Path) -> None:
    """By the number of turns, and not of workspaces; and few are open while nothing is to be done."""
    database = new_postgres()
    project = deployment_in(tmp_path, database, schedule="1d")
    names = [f"team-{number}" for number in range(30)]
    for name in names:
        add(tmp_path, name, 1)
    engine = create_engine(database)
    counted: list[int] = []

    def opened() -> int:
        with engine.connect() as connection:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            counted.append(
                connection.execute(text(f"SELECT count(*) FROM pg_stat_activity WHERE {others}")).scalar_one()
            )
        return counted[-1]

    with running(project) as (_, client):
        wait_for(lambda: opened() and all(calls(client, name) == 1 for name in names))
        assert max(counted) <= 30
        wait_for(lambda: opened() <= 6)
        locks = "SELECT count(DISTINCT pid), count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        with engine.connect() as connection:
            assert tuple(connection.execute(text(locks)).one()) == (1, 32)
    engine.dispose()


def test_a_new_ledger_is_begun_for_one_workspace_alone(tmp_path: Path) -> None:
    project = deployment_in(tmp_path)
    assert project.run("run", "--new-ledger", check=2).stderr == (
        "syncd: --new-ledger begins the ledger of one workspace; name it with --workspace\n"
    )
