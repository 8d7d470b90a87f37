"""What commands print: counts that agree with the lines, and each failure once, on standard error."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from projects import NOW, Project
from waiting import HANG

from syncd.sandbox import Fault, Sandbox

REFUSED = "the credentials were refused"
GUARDED = """\
period: 2026-Q4
objectives:
  - id: sales
    title: Sales wins more of what it finds
    key_results:
      - id: leads
        title: 100 leads
        kind: output
        target: 100
        measure: {from: local, file: n.csv, series: {dates: Day, values: Leads}, take: sum}
        guard: {keep: {at_least: 40}, measure: {from: local, file: n.csv, series: {dates: Day, values: NPS}}}
"""


def changed_lines(output: str) -> int:
    """How many key results the output of a sync has a line for."""
    return sum(re.match(r"  \S", line) is not None for line in output.splitlines())


def on_a_terminal(project: Project, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it shows when standard output and standard error are a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        project.command(*arguments),
        cwd=project.folder,
        env={**project.environment, "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux raises this when the other end is closed
        pass
    os.close(ours)
    return process.wait(timeout=HANG), shown.decode()


def test_count_of_changes_agrees_with_the_lines_of_a_sync(project: Project) -> None:
    first = project.run("sync", check=0).stdout
    assert changed_lines(first) == 20
    assert "20 key results measured, 20 changed; 17 streams pulled; " in first
    assert "unknown\n      Survey!B3 holds the error #REF!\n" in first
    project.edit("syncd.yaml", NOW.isoformat(), NOW.replace(month=12, day=30).isoformat())  # health alone changes
    for arguments, verb in (["sync", "--dry-run"], "would change"), (["sync"], "changed"):
        done = project.run(*arguments, check=0)
        assert changed_lines(done.stdout) > 2
        assert f"20 key results measured, {changed_lines(done.stdout)} {verb}; " in done.stdout
    again = project.run("sync", check=0).stdout
    assert changed_lines(again) == 0
    assert "20 key results measured, 0 changed; " in again


def guarded(folder: Path, mapping: str = GUARDED) -> Project:
    """A project of one key result with a guard, from a CSV file."""
    connections = "connections: {local: {type: files, root: .}}"
    (folder / "syncd.yaml").write_text(f"clock: 2026-11-21T10:15+01:00\n{connections}\n")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "okrs.yaml").write_text(mapping)
    (folder / "n.csv").write_text("Day,Leads,NPS\n2026-10-05,50,45\n")
    return Project(folder)


def test_a_guard_that_changes_is_counted_apart(tmp_path: Path) -> None:
    project = guarded(tmp_path)
    project.run("sync", check=0)
    (tmp_path / "n.csv").write_text("Day,Leads,NPS\n2026-10-05,50,44\n")
    done = project.run("sync", check=0)
    assert "  leads:guard                      45 → 44" in done.stdout
    assert "1 key result measured, 0 changed, 1 guard changed; " in done.stdout


def test_an_edited_measure_is_a_change_though_its_number_is_the_same(tmp_path: Path) -> None:
    project = guarded(tmp_path)
    project.run("sync", check=0)
    project.edit("mappings/okrs.yaml", "take: sum", "take: max")
    done = project.run("sync", check=0)
    assert "its measure was edited; the earlier one gave 50, which does not compare" in done.stdout
    assert "1 key result measured, 1 changed; " in done.stdout


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", ["sync", "plan"])
def test_a_failed_stream_is_printed_once_on_standard_error(project: Project, box: Sandbox, command: str) -> None:
    box.fault(Fault("github", "unauthorized"))
    failures = json.loads(project.run("plan", "--json", check=1).stdout)["failures"]
    assert len(failures) == 7
    done = project.run(command, check=1)
    for failure in failures:
        name = f"{failure['connection']}: {failure['stream']}"
        assert done.stderr.count(f"{name}: ") == 1
        assert f"failed: {name}: {failure['reason']}\n" in done.stderr
    assert "7 failed" in done.stdout
    assert REFUSED not in done.stdout


@pytest.mark.parametrize("command", ["sync", "plan"])
def test_parts_of_a_stream_that_fail_alike_are_printed_once(tmp_path: Path, command: str) -> None:
    project = guarded(tmp_path, GUARDED.replace("dates: Day", "dates: Dy"))
    done = project.run(command, check=1)
    assert done.stderr.count("has no column 'Dy'") == 1
    assert "1 failed" in done.stdout


@pytest.mark.sampled(1)
@pytest.mark.synced
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("plan",), marks=pytest.mark.nightly),
        pytest.param(("plan", "--json"), marks=pytest.mark.nightly),
        ("sync",),
        ("publish", "--retry"),
    ],
)
def test_a_failed_publisher_is_printed_once_on_standard_error(project: Project, arguments: tuple[str, ...]) -> None:
    with (project.folder / "syncd.yaml").open("a") as file:
        file.write("publish: [{to: numbers, spreadsheet: nowhere, sheet: S, key_column: A, columns: {value: B}}]\n")
    if arguments[0] == "publish":
        project.run("sync", check=1)
    done = project.run(*arguments, check=1)
    assert " ".join(done.stderr.split()).count("there is no spreadsheet") == 1
    if "--json" not in arguments:
        assert "spreadsheet" not in done.stdout


@pytest.mark.nightly
def test_a_failed_stream_is_shown_once_on_a_terminal(project: Project, box: Sandbox) -> None:
    box.fault(Fault("github", "delay", path="[?&]page=2", seconds=1))  # ten pictures with the rows of a first page
    code, shown = on_a_terminal(project, "sync")
    assert code == 0
    assert "rows" in shown
    assert "numbers: 1AbC" in shown
    box.heal()
    box.fault(Fault("github", "unauthorized"))
    code, shown = on_a_terminal(project, "sync")
    assert code == 1
    assert shown.count(f"pulls of acme/search: {REFUSED}") == 1
    assert shown.count(REFUSED) == 7


@pytest.mark.synced
def test_publish_names_the_check_ins_that_were_not_written(project: Project) -> None:
    assert project.run("publish", check=0).stdout == "nothing waits to be written\n"
    with (project.folder / "syncd.yaml").open("a") as file:
        file.write("publish: [{to: numbers, spreadsheet: nowhere, sheet: S, key_column: A, columns: {value: B}}]\n")
    project.run("sync", check=1)
    done = project.run("publish", check=0)
    assert " ".join(done.stdout.split()) == (
        "nothing waits to be written; 19 check-ins were not written: "
        "`syncd status` says why, `syncd publish --retry` tries again"
    )
