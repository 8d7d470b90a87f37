"""Many teams in one deployment, at the terminal: nothing of a workspace shows through another."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from projects import Project

from syncd.cli.app import app
from syncd.sandbox import DEMO_NOW

pytestmark = pytest.mark.unmeasured

MAPPING = """\
period: 2026-Q4
objectives:
  - id: NAME-service
    title: Customers of NAME find answers
    owner: NAME-team
    key_results:
      - id: calls
        title: Calls to NAME fall
        kind: outcome
        unit: NAME-calls
        baseline: 1200
        target: 600
        plausible: {at_least: 0, jump: 60%}
        measure: {from: NAME-files, file: NAME.csv, series: {dates: Day, values: Calls}, take: latest}
      - id: articles
        title: Articles of NAME
        kind: output
        target: 40
        drives: calls
        lag: 2w
        measure: {from: NAME-files, file: NAME-articles.csv, series: {dates: Day, values: Articles}, take: sum}
      - {id: trust, title: NAME is trusted, kind: outcome, baseline: 5, target: 9}
tests:
  - name: NAME counts
    at: 2026-11-21
    given: {calls: [{date: 2026-11-16, value: 900}]}
    expect: {calls: {value: 900}}
"""
OWN = """\
connections: {NAME-files: {type: files, root: data/}}
publish: [{to: NAME-files, file: NAME-okrs.json}]
"""
NAMES = ("alpha", "bravo")
OF_A_WORKSPACE: dict[str, list[list[str]]] = {
    "sync": [["--dry-run"], ["--reconcile"]],
    "plan": [[], ["--json"]],
    "try": [["teams/alpha/mappings/okrs.yaml:calls"], ["teams/alpha/mappings/okrs.yaml:articles", "--json"]],
    "status": [[], ["--json"]],
    "explain": [["calls"], ["articles", "--json"], ["trust"]],
    "history": [["calls"], ["articles", "--json"], ["calls", "--csv"]],
    "review": [[], ["--json"], ["--html"], ["--period", "2026-Q4"]],
    "checkin": [["trust", "--value", "6", "--note", "better", "--json"]],
    "publish": [["--retry"]],
    "validate": [[], ["--json"]],
    "test": [[], ["--json"]],
    "doctor": [[], ["--json"]],
    "token": [["--json"]],
    "prune": [["--dry-run"]],
    "backup": [["alpha.backup"]],
    "export": [["alpha-export"]],
    "copy-ledger": [["sqlite:///copy-of-{workspace}.db"]],
    "restore": [["alpha.backup"]],
}
"""The commands, with arguments with which they work, in an order in which they may follow each other."""

ELSEWHERE = {
    "approve": "refuses below, for nothing is held",
    "import": "refuses below, for the ledger is not empty",
    "run": "goes on until it is stopped: tests/system/test_one_workspace_served.py",
    "serve": "goes on until it is stopped: tests/system/test_one_workspace_served.py",
    "mcp": "goes on until it is stopped: tests/system/test_one_workspace_served.py",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """Two workspaces with the same ids, after a sync of each."""
    ledger = "sqlite:///ledgers/{workspace}.db"
    if request.param == "postgresql":
        ledger = request.getfixturevalue("new_postgres")()
    project = write_deployment(tmp_path, ledger)
    for name in NAMES:
        project.run("sync", "--workspace", name, check=0)
    return project


def write_deployment(folder: Path, ledger: str) -> Project:
    (folder / "syncd.yaml").write_text(
        'workspaces: teams/*/syncd.yaml\nledger: "${LEDGER}"\ntimezone: Europe/Berlin\n'
        f"clock: {DEMO_NOW.isoformat()}\n"
    )
    for name, calls in zip(NAMES, (900, 700), strict=True):
        team = folder / "teams" / name
        (team / "mappings").mkdir(parents=True)
        (team / "data").mkdir()
        (team / "syncd.yaml").write_text(OWN.replace("NAME", name))
        (team / "mappings" / "okrs.yaml").write_text(MAPPING.replace("NAME", name))
        (team / "data" / f"{name}.csv").write_text(f"Day,Calls\n2026-11-02,{calls}\n")
        (team / "data" / f"{name}-articles.csv").write_text(f"Day,Articles\n2026-11-02,{calls // 30}\n")
    return Project(folder, {"LEDGER": ledger})


def commands_with(option: str) -> Iterator[str]:
    for command in typer.main.get_command(app).commands.values():  # type: ignore[attr-defined]
        if any(option in parameter.opts for parameter in command.params):
            yield command.name


def test_every_command_that_takes_a_configuration_takes_a_workspace() -> None:
    assert set(commands_with("--workspace")) == set(commands_with("--config")) - {"worker"}  # it is of all workspaces
    assert set(commands_with("--workspace")) == {*OF_A_WORKSPACE, *ELSEWHERE}


@pytest.mark.sampled(1)
def test_no_command_about_a_workspace_shows_anything_of_another(deployment: Project) -> None:
    before = deployment.status("--workspace", "bravo")
    for command, every in OF_A_WORKSPACE.items():
        for arguments in every:
            done = deployment.run(command, *arguments, "--workspace", "alpha", check=0)
            assert "bravo" not in (done.stdout + done.stderr).lower(), (command, done.stdout, done.stderr)
    for arguments in (["approve", "calls"], ["import", "alpha-export"]):
        done = deployment.run(*arguments, "--workspace", "alpha", check=2)
        assert "bravo" not in done.stdout + done.stderr
    assert deployment.status("--workspace", "bravo") == before
    written = [
        path
        for path in deployment.folder.rglob("*")
        if path.is_file() and "alpha" in str(path.relative_to(deployment.folder))
    ]
    assert len(written) > 20
    for path in written:
        if "bravo" in path.name:
            continue
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            with tarfile.open(path) as archive:
                content = b"".join(archive.extractfile(each).read() for each in archive)  # type: ignore[union-attr]
        assert b"bravo" not in content, path


@pytest.mark.sampled(1)
def test_figures_are_those_of_the_workspace(deployment: Project) -> None:
    for name, calls in zip(NAMES, (900, 700), strict=True):
        (objective,) = deployment.status("--workspace", name)["objectives"]
        assert objective["title"] == f"Customers of {name} find answers"
        assert objective["key_results"][0]["value"] == calls
        written = json.loads((deployment.folder / "teams" / name / "data" / f"{name}-okrs.json").read_text())
        assert written["objectives"][0]["id"] == f"{name}-service"


@pytest.mark.sampled(1)
def test_all_workspaces_are_a_table_and_a_broken_one_is_a_row(deployment: Project) -> None:
    done = deployment.run("status", "--all", check=0)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == ["workspace", *NAMES]
    assert " ".join(lines[0].split()) == "workspace off track at risk unknown on track done watermelons synced"
    assert lines[1].endswith("now")

    deployment.edit("teams/alpha/syncd.yaml", "type: files", "type: fils")
    (deployment.folder / "teams/bravo/data/bravo.csv").unlink()
    deployment.run("sync", "--workspace", "bravo", check=1)
    (deployment.folder / "teams/No Name").mkdir()
    (deployment.folder / "teams/No Name/syncd.yaml").write_text(OWN)
    shown = deployment.run("status", "--all", check=0).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "alpha\n  ✗ teams/alpha/syncd.yaml:1: " in shown
    assert "  ✗ the last pull failed: bravo-files\n" in shown
    rows = json.loads(deployment.run("status", "--all", "--json", check=0).stdout)["workspaces"]
    assert [row["name"] for row in rows] == ["No Name", *NAMES]
    assert rows[0]["problem"].startswith("teams/No Name/syncd.yaml: is in the folder 'No Name'")
    assert "did you mean 'files'?" in rows[1]["problem"]
    assert rows[2]["problem"] is None
    assert rows[2]["failing"] == ["bravo-files"]
    assert sum(rows[2]["objectives"].values()) == 1
    assert rows[2]["watermelons"] in (0, 1)
    assert rows[2]["synced_at"].endswith("+01:00")
    assert rows[2]["period"] == "2026-Q4"


def test_advised_commands_name_the_workspace(tmp_path: Path) -> None:
    """In what a command prints of a workspace, in its JSON and errors, and in the row of one that is broken."""
    project = write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    named = ("--workspace", "alpha")
    assert "run `syncd sync --workspace alpha`." in project.run("status", *named, check=0).stdout
    assert "`syncd sync --workspace alpha`" in project.run("review", *named, check=0).stdout
    assert "`syncd sync --workspace alpha` makes it" in project.run("prune", *named, check=2).stderr
    project.run("sync", *named, check=0)
    (tmp_path / "teams/alpha/data/alpha.csv").write_text("Day,Calls\n2026-11-02,900\n2026-11-09,90000\n")
    planned = project.run("plan", *named, "--json", check=0).stdout
    assert '"approve": "syncd approve calls --workspace alpha"' in planned
    assert "syncd approve calls --workspace alpha" in project.run("plan", *named, check=0).stdout
    (tmp_path / "ledgers" / "alpha.db").write_bytes(b"no ledger" * 1000)
    (row, _) = json.loads(project.run("status", "--all", "--json", check=0).stdout)["workspaces"]
    assert "`syncd restore FILE --workspace alpha`" in row["problem"]
    rows = " ".join(project.run("status", "--all", check=0).stdout.split())
    assert "`syncd restore FILE --workspace alpha`" in rows


def test_all_workspaces_are_validated_and_a_broken_one_keeps_no_other_from_it(tmp_path: Path) -> None:
    deployment = write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    assert "valid: 2 workspaces, 2 connections, 2 objectives, 6 key results" in deployment.run("validate").stdout
    deployment.edit("teams/alpha/mappings/okrs.yaml", "target: 600", "tarket: 600")
    deployment.edit("teams/bravo/syncd.yaml", "data/}", "data/, rot: 1}")
    done = deployment.run("validate", check=2)
    assert "teams/alpha/mappings/okrs.yaml:12: unknown key 'tarket'; did you mean 'target'?" in done.stderr
    assert "teams/bravo/syncd.yaml:1: " in done.stderr
    assert done.stderr.splitlines()[-1] == "2 problems; nothing was touched"
    document = json.loads(deployment.run("validate", "--json", check=2).stdout)
    assert [each["file"] for each in document["problems"]] == [
        "teams/alpha/mappings/okrs.yaml",
        "teams/bravo/syncd.yaml",
    ]
    deployment.run("validate", "--workspace", "bravo", check=2)
    deployment.edit("teams/bravo/syncd.yaml", "data/, rot: 1}", "data/}")
    assert deployment.run("validate", "--workspace", "bravo", check=0).stdout.startswith("valid: 1 connection, ")
    again = deployment.run("validate", check=2)
    assert "teams/bravo/mappings/okrs.yaml" in again.stderr  # the warnings of the one that is valid
    assert not (tmp_path / "ledgers").exists()


def test_a_command_without_a_name_says_which_there_are_and_touches_nothing(tmp_path: Path) -> None:
    deployment = write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    choose = "syncd.yaml:1: this is a deployment of many workspaces; choose one with --workspace: alpha, bravo\n"
    for command in (["sync"], ["status"], ["explain", "calls"], ["backup", "a"], ["prune"]):
        assert deployment.run(*command, check=2).stderr == choose
    unknown = deployment.run("sync", "--workspace", "brave", check=2)
    assert unknown.stderr == "syncd.yaml:1: there is no workspace 'brave'; did you mean 'bravo'?\n"
    alone = deployment.run("status", "--config", "teams/alpha/syncd.yaml", "--workspace", "alpha", check=2)
    assert alone.stderr.startswith("teams/alpha/syncd.yaml: has no `workspaces:`, so there is no 'alpha'; leave out")
    every = deployment.run("status", "--config", "teams/alpha/syncd.yaml", "--all", check=2)
    assert every.stderr.endswith("has no `workspaces:`, of which --all would show each; leave out --all\n")
    both = deployment.run("status", "--all", "--workspace", "alpha", check=2)
    assert both.stderr == "syncd: --all shows every workspace; leave it out, or leave out --workspace alpha\n"
    assert not (tmp_path / "ledgers").exists()


def test_a_workspace_gets_no_second_ledger_in_its_own_folder(tmp_path: Path) -> None:
    write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    team = Project(tmp_path / "teams" / "alpha")
    above = tmp_path / "syncd.yaml"
    for command in (["sync"], ["run"], ["checkin", "trust", "--value", "6"]):
        assert team.run(*command, check=2).stderr.endswith(
            f"syncd.yaml: is the workspace 'alpha' of {above}, which names its ledger; write --config {above} "
            "--workspace alpha\n"
        )
    assert team.run("validate", check=0).stdout.startswith("valid: ")
    assert not (team.folder / "syncd.db").exists()


def test_whoever_runs_the_cycles_is_told_who_does(tmp_path: Path) -> None:
    """With workers no process runs a workspace alone; without them there is no work for a worker."""
    deployment = write_deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    none = deployment.run("worker", check=2)
    assert none.stderr.startswith("syncd.yaml:1: this deployment has no workers; write `runner: procrastinate`")
    deployment.env["LEDGER"] = "postgresql+psycopg://nobody@127.0.0.1/nothing"
    deployment.edit("syncd.yaml", "timezone:", "runner: procrastinate\ntimezone:")
    done = deployment.run("run", "--workspace", "alpha", check=2)
    assert done.stderr.startswith("syncd.yaml:3: workers run the cycles of every workspace; leave out --workspace")
    alone = deployment.run("worker", "--config", "teams/alpha/syncd.yaml", check=2)
    assert alone.stderr.startswith("teams/alpha/syncd.yaml: ")
