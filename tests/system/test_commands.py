"""The other commands, as a person at the terminal meets them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml
from examples import NIGHTLY
from projects import MAPPINGS, Project, differences, write_project
from shared_demo import copy_of_demo
from waiting import HANG, wait_for

from syncd.config.catalogue import connector_types
from syncd.config.document import read_document
from syncd.sandbox import Fault, Sandbox

COOKBOOK = Path(__file__).parents[2] / "docs/cookbook/mappings"


def test_init_writes_a_project_that_works_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path)
    done = project.run("init", check=0)
    assert "next: syncd validate && syncd sync && syncd status" in done.stdout
    assert project.run("validate", "--strict", check=0).stdout.startswith("valid: ")
    project.run("sync", check=0)
    assert {kr["health"] for kr in project.key_results().values()} <= {"on_track", "done"}
    again = project.run("init", check=2)
    assert "syncd.yaml exists already, and init overwrites nothing; name an empty folder" in again.stderr


@pytest.mark.nightly
def test_schema_accepts_the_examples_and_refuses_what_validate_refuses() -> None:
    project = Project(Path.cwd())
    schema = json.loads(project.run("schema", check=0).stdout)
    checker = jsonschema.Draft202012Validator(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in [*MAPPINGS.glob("*.yaml"), *COOKBOOK.glob("*.yaml")]:
        assert list(checker.iter_errors(read_document(path, path.name).data)) == []
    broken = yaml.safe_load((MAPPINGS / "support.yaml").read_text())
    broken["objectives"][0]["key_results"][0]["measure"]["tke"] = "latest"
    assert not checker.is_valid(broken)
    of_project = json.loads(project.run("schema", "project", check=0).stdout)
    good = {"connections": {"local": {"type": "files", "root": "data/"}}, "schedule": "15m"}
    assert jsonschema.Draft202012Validator(of_project).is_valid(good)
    assert not jsonschema.Draft202012Validator(of_project).is_valid({"connections": {"local": {"type": "fils"}}})
    assert "there is no schema of 'x'" in project.run("schema", "x", check=2).stderr


def test_tests_of_the_examples_pass_and_a_failed_test_shows_the_difference(project: Project) -> None:
    done = project.run("test", check=0)
    files = [
        re.findall(r"mappings/(\w+)\.yaml", line)[0] for line in done.stdout.splitlines() if line.startswith("ok ")
    ]
    assert {name: files.count(name) for name in files} == {"engineering": 4, "growth": 3, "support": 4}
    project.edit("mappings/support.yaml", "baseline: 1200", "baseline: 1300")
    broken = project.run("test", check=1)
    assert "calls.progress: expected 18 %, got 29.714286 %" in broken.stdout
    assert "11 tests, 1 failed" in broken.stdout
    document = json.loads(project.run("test", "--json", check=1).stdout)
    assert [test["ok"] for test in document["tests"]].count(False) == 1


def test_connectors_lists_every_connector_with_its_keys(tmp_path: Path) -> None:
    project = Project(tmp_path)
    entries = json.loads(project.run("connectors", "--json", check=0).stdout)["connectors"]
    ours = {"files", "github", "gitlab", "http", "jira", "quantive", "sheets", "sql", "tability"}
    assert {entry["type"] for entry in entries} == set(connector_types()) == ours
    for entry in entries:
        assert all(entry["connection"].values()), entry
        assert all(entry["measure"].values()), entry
        assert all(entry["publish"].values()), entry
        assert entry["measure"] or entry["publish"], entry
    assert "jql" in project.run("connectors", check=0).stdout


def test_doctor_names_the_failed_check_of_each_connection(project: Project, box: Sandbox) -> None:
    box.fault(Fault("jira", "unauthorized"))
    done = project.run("doctor", check=1)
    assert re.search(r"tickets \(jira\)\n(  ✓.*\n)*  ✗ .*credentials were refused", done.stdout)
    assert re.search(r"local \(files\)\n  ✓ reachable", done.stdout)
    document = json.loads(project.run("doctor", "--json", check=1).stdout)
    assert {entry["name"] for entry in document["connections"]} == {
        "code",
        "tickets",
        "helpdesk",
        "apps",
        "numbers",
        "metrics",
        "local",
        "warehouse",
        "ledger",
    }


def test_validate_counts_and_warns_and_strict_makes_warnings_fail(project: Project) -> None:
    assert "20 key results, 0 warnings" in project.run("validate", "--strict", check=0).stdout
    project.edit("mappings/support.yaml", "        baseline: 1200\n", "")
    done = project.run("validate", check=0)
    *findings, last = done.stderr.splitlines()
    message = "calls has no baseline, so its progress stays unknown; say `baseline:`"
    assert findings == [f"mappings/support.yaml:12: {message} [no-baseline]"]
    assert "docs/lint.md" in last
    (warning,) = json.loads(project.run("validate", "--json", check=0).stdout)["warnings"]
    assert warning == {"rule": "no-baseline", "file": "mappings/support.yaml", "line": 12, "message": message}
    project.run("validate", "--strict", check=1)
    project.edit("mappings/support.yaml", "kind: outcome", "kind: outcom")
    document = json.loads(project.run("validate", "--json", check=2).stdout)
    assert document["valid"] is False
    assert document["problems"][0]["line"] == 14


def test_lint_findings_fit_the_width_of_a_terminal(project: Project) -> None:
    project.edit("mappings/support.yaml", "        baseline: 1200\n", "")
    reading, writing = os.openpty()
    command = Project.command("validate")
    subprocess.run(command, cwd=project.folder, env=project.environment, stderr=writing, check=True, timeout=HANG)
    os.close(writing)
    shown = os.read(reading, 10_000).decode().splitlines()
    os.close(reading)
    assert len(shown) == 3
    assert max(map(len, shown)) <= 80
    assert shown[1].startswith("    ")
    assert shown[1].endswith("[no-baseline]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "--period", "2025-Q1"], "there is no period '2025-Q1'; the mappings have: 2026-Q4"),
        (["explain", "cals"], "there is no key result 'cals' in 2026-Q4; did you mean 'calls'?"),
        (
            ["explain", "calls", "--at", "2027-01-01"],
            "--at is 2027-01-01, which is in the future; write today or a past day",
        ),
        (["explain", "calls", "--at", ""], "--at is ''; write a day as 2026-11-02"),
        (["review", "--at", ""], "--at is ''; write a day as 2026-11-02"),
        (["explain", "calls", "--at", "yesterday"], "--at is 'yesterday'; write a day as 2026-11-02"),
        (["status", "--config", "nowhere.yaml"], "there is no nowhere.yaml"),
        (["status", "--config", f"{'n' * 300}/syncd.yaml"], "n/syncd.yaml cannot be read: file name too long"),
        (["restore", f"{'n' * 300}"], "n cannot be read: file name too long"),
        (["status", "--config", "."], ". is a folder; name the file in it, such as syncd.yaml"),
        (["review", "--at", "0001-01-01"], "--at is 0001-01-01; write a day after 1970-01-01"),
        (["explain", "calls", "--at", "0001-01-01T00:00"], "--at is 0001-01-01T00:00; write a day after 1970-01-01"),
        (["init", "syncd.yaml"], "syncd.yaml/syncd.yaml cannot be written: file exists; name another folder"),
        (["demo", "--folder", "syncd.yaml"], "syncd.yaml cannot be written: not a directory; name another with"),
        (["sync", "--log-format", "xml"], "--log-format is 'xml'; write text or json"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_2(project: Project, arguments: list[str], message: str) -> None:
    done = project.run(*arguments, check=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_ledger_that_cannot_be_used_is_a_sentence(project: Project) -> None:
    (project.folder / "syncd.db").write_text("this is no database, whatever its name says: far too short for one")
    for command in ("status", "sync"):
        done = project.run(command, check=2)
        assert "syncd.db cannot be used: file is not a database" in done.stderr


@pytest.mark.synced
def test_status_fits_80_columns(project: Project) -> None:
    lines = project.run("status", check=0).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "2026-Q4   day 52 of 92   as of 21 Nov 10:20 (Europe/Berlin)" in text
    assert text.index("! watermelon") < text.index("✗ calls")
    assert "Survey!B3 holds the error #REF!" in text


@pytest.mark.synced
def test_a_closed_pipe_is_no_failure(project: Project) -> None:
    command = f"set -o pipefail; {sys.executable} -m syncd status | head -1"
    for _ in range(3 if NIGHTLY else 1):
        done = subprocess.run(["bash", "-c", command], cwd=project.folder, env=project.environment, check=False)
        assert done.returncode == 0


def test_help_imports_little() -> None:
    code = "import sys, syncd.cli.app; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    for heavy in ("sqlalchemy", "pydantic", "rich", "github", "jira", "gspread", "httpx", "requests", "starlette"):
        assert heavy not in loaded


def imports(project: Project, *arguments: str) -> set[str]:
    """The modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "syncd", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


CLIENTS = {"github", "jira", "gspread", "google", "httpx", "requests", "tenacity", "python_calamine"}
SERVICE = {"starlette", "uvicorn", "prometheus_client", "jinja2", "structlog", "apprise", "cronsim"}


def test_validate_imports_no_ledger_and_no_client_library(project: Project) -> None:
    loaded = imports(project, "validate")
    assert "syncd.config" in loaded
    assert not loaded & {"sqlalchemy", "rich", *CLIENTS, *SERVICE}


def test_validate_imports_the_keys_of_the_connectors_in_use(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(
        'mappings: okrs.yaml\nconnections: {code: {type: github}, tickets: {type: jira, url: "https://acme.example", '
        'token: "${TOKEN}"}}\n'
    )
    (tmp_path / "okrs.yaml").write_text(
        "period: 2026-Q4\nobjectives: [{id: o, title: O, key_results: "
        "[{id: k, title: K, kind: outcome, baseline: 1, target: 2}]}]\n"
    )
    loaded = {name for name in imports(Project(tmp_path), "validate") if name.startswith("connectors.")}
    modules = {"github.settings", "github.measure_rules", "jira.settings", "jira.jql"}
    assert loaded == {f"connectors.{name}" for name in modules}


@pytest.mark.synced
def test_status_imports_what_it_needs(project: Project) -> None:
    loaded = imports(project, "status")
    assert "syncd.ledger.values" in loaded
    assert not loaded & {"rich", "alembic", "plotext", "statistics", "mcp", "sqlglot", *CLIENTS, *SERVICE}
    rooms = {"syncd.cycle", "syncd.explain", "syncd.publishing", "syncd.notifying", "syncd.review", "syncd.sandbox"}
    parts = {"approvals", "members", "pulled", "revisions", "streams"}
    modules = {"syncd.okr.lint", "syncd.config.mapping_tests", *(f"syncd.ledger.{part}" for part in parts)}
    assert not loaded & (rooms | modules)
    assert not {
        name for name in loaded if re.fullmatch(r"connectors\.(github|jira|sheets)\.(client|publisher|source)", name)
    }


@pytest.mark.sampled(2)
@pytest.mark.synced
@pytest.mark.parametrize("command", [("status",), ("explain", "calls"), ("history", "calls"), ("review",)])
def test_a_command_that_reads_leaves_no_journal_beside_the_ledger(project: Project, command: tuple[str, ...]) -> None:
    project.run(*command, check=0)
    assert not list(project.folder.glob("syncd.db-*"))


@pytest.mark.synced
def test_figures_are_shown_though_a_test_or_a_query_is_refused(project: Project) -> None:
    project.edit("mappings/support.yaml", "    expect:\n", "    expects:\n")
    assert "unknown key 'expects'; did you mean 'expect'?" in project.run("validate", check=2).stderr
    project.edit("mappings/support.yaml", "            SELECT", "            DELETE")
    assert "query begins with DELETE; write a single SELECT" in project.run("validate", check=2).stderr
    assert project.run("sync", check=2).stderr
    assert project.key_results()["calls"]["value"] == 1092


@pytest.mark.nightly
def test_figures_are_the_same_on_postgresql(tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]) -> None:
    project = write_project(tmp_path / "project", box, ledger=new_postgres())
    project.run("sync", check=0)
    project.run("sync", check=0)
    assert differences(project.status(), box) == []
    assert json.loads(project.run("explain", "calls", "--json", check=0).stdout)["value"] == 1092


@pytest.mark.nightly
def test_demo_runs_again_and_spares_a_folder_that_it_did_not_write(tmp_path: Path) -> None:
    project = Project(tmp_path)
    first = project.run("demo", check=0).stdout
    again = project.run("demo", check=0).stdout
    assert re.sub(r"[\d.]+ s\.", "", first) == re.sub(r"[\d.]+ s\.", "", again)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    assert "mine exists, and no demo wrote it" in project.run("demo", "--folder", "mine", check=2).stderr
    assert (tmp_path / "mine" / "notes.txt").read_text() == "precious"


def test_demo_serves_the_pages_with_the_sandbox_behind_them_until_ctrl_c(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = project.command("demo", "--serve", "--listen", address)
    with subprocess.Popen(command, cwd=tmp_path, env=project.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any(f"http://{address}/" in line for line in process.stdout)

        def answers() -> bool:
            try:
                return httpx.get(f"http://{address}/readyz").is_success
            except httpx.TransportError:
                return False

        wait_for(answers)
        assert '<data value="1092.0">1,092</data>' in httpx.get(f"http://{address}/").text
        assert httpx.get(f"http://{address}/styleguide").is_success
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=HANG) == 0


def test_demo_rewrites_the_working_folder(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    project = Project(copy_of_demo(tmp_path_factory, tmp_path / "demo"))
    (project.folder / "mappings" / "support.yaml").write_text("")
    project.run("demo", "--folder", ".", check=0)
    assert project.key_results()["calls"]["value"] == 1092


def test_sandbox_serves_the_company_of_the_demo(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    project = Project(copy_of_demo(tmp_path_factory, tmp_path / "syncd-demo"))
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        while line := process.stdout.readline():
            if line.startswith("#"):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            project.env[name] = value
        done = project.run("sync", check=0)
        assert ", 0 changed" in done.stdout
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=HANG) == 0
