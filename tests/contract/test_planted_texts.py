"""No text from outside reaches a terminal, a file or a log as anything but text.

A text with every kind of sign that acts is planted wherever somebody outside writes: in a mapping, a spreadsheet's
cell, an issue, a check-in, a server's answer. Then every command runs.
"""

from __future__ import annotations

import ast
import json
import logging
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

import syncd
from syncd.cli.boundary import _run
from syncd.cli.log import set_up_log
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sdk.inert import inert_lines

ACTS = "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e\u2066\u2069\r\nPLANTED\u2028PLANTED\x85PLANTED\tend"
IN_YAML = "\u202e\u2066\u2069\nPLANTED\tend"  # what the files' own reader does not refuse
REPO = "acme/web"
MAPPING = f"""\
period: 2026-Q4
objectives:
  - id: service
    title: {json.dumps("Answers" + IN_YAML, ensure_ascii=False)}
    owner: {json.dumps("ada" + IN_YAML, ensure_ascii=False)}
    key_results:
      - id: calls
        title: {json.dumps("Calls" + IN_YAML, ensure_ascii=False)}
        kind: outcome
        unit: {json.dumps("calls" + IN_YAML, ensure_ascii=False)}
        baseline: 1200
        target: 600
        plausible: {{jump: 100}}
        measure: {{from: local, file: calls.csv, series: {{dates: Day, values: Calls}}, take: latest}}
      - id: broken
        title: Broken
        kind: outcome
        baseline: 0
        target: 10
        measure: {{from: local, file: broken.csv, cell: A1}}
      - id: mood
        title: Mood
        kind: outcome
        baseline: 0
        target: 10
      - id: work
        title: {json.dumps("9 issues" + IN_YAML, ensure_ascii=False)}
        kind: output
        target: 1
        drives: calls
        measure: {{from: code, repo: {REPO}, what: closed_issues, where: {{not_label: [{json.dumps("x" + IN_YAML)}]}}}}
tests:
  - name: {json.dumps("a test" + IN_YAML, ensure_ascii=False)}
    at: 2026-11-20
    given: {{calls: [{{date: 2026-11-01, value: 900}}]}}
    expect: {{calls: {{value: 901}}}}
"""


@pytest.fixture(autouse=True)
def log() -> Iterator[logging.Logger]:
    """syncd's log, which is afterwards as it was: it must not go on writing to what this test captures."""
    log = logging.getLogger("syncd")
    before = list(log.handlers), log.level, log.propagate
    yield log
    log.handlers[:], log.level, log.propagate = before
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with planted texts, synced twice."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncd.yaml").write_text(
        f"clock: {DEMO_NOW.isoformat()}\nmappings: okrs.yaml\nconnections:\n  local: {{type: files, root: .}}\n"
        f'  code: {{type: github, url: "{box.github_url}", token: "${{TOKEN}}"}}\n'
        "publish:\n  - {to: local, file: out/okrs.md}\n  - {to: local, file: out/okrs.csv}\n"
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    (tmp_path / "calls.csv").write_text("Day,Calls\n2026-11-01,900\n2026-11-02,890\n")
    (tmp_path / "broken.csv").write_bytes(f'"{ACTS}"\n'.encode())
    box.world.github.add_repo(REPO)
    for number in range(3):
        long_ago = DEMO_NOW - timedelta(days=9)
        issue = box.world.github.add_issue(
            REPO, f"Issue{ACTS}", labels=[f"bug{ACTS}"], author=f"ana{number}", at=long_ago
        )
        if number:
            box.world.github.close_issue(REPO, issue.number, at=DEMO_NOW - timedelta(days=8))
    return tmp_path


def acts(text: str) -> list[str]:
    """The lines that act, or that begin with what was planted behind a line break."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [
        line
        for line in lines
        if line.lstrip("#*>|-").startswith("PLANTED")
        or any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") or sign in "\u202e\u2066\u2069" for sign in line)
    ]


COMMANDS = [
    ("plan",),
    ("sync",),
    ("checkin", "mood", "7", "--note", f"fine{ACTS}", "--author", f"dana{ACTS}"),
    ("checkin", "calls", "--note", f"fine{ACTS}", "--author", f"dana{ACTS}"),
    ("status",),
    ("plan",),
    ("explain", "calls"),
    ("explain", "broken"),
    ("explain", "work"),
    ("explain", "mood"),
    ("history", "mood"),
    ("history", "mood", "--csv"),
    ("history", "calls", "--backfill"),
    ("history", "calls", "--chart"),
    ("review",),
    ("review", "--html"),
    ("review", "--period", "2026-Q4"),
    ("validate",),
    ("test",),
    ("doctor",),
    ("publish",),
    ("checkin", "mood", "--withdraw", "--note", f"wrong{ACTS}", "--author", f"eve{ACTS}"),
    ("history", "mood"),
    ("explain", f"calls{ACTS}"),
    ("approve", f"calls{ACTS}"),
    ("export", f"a folder{ACTS}"),
]


def test_every_command_prints_texts_from_outside_as_text(
    folder: Path, box: Sandbox, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for command in COMMANDS:
        code = _run([*command, "--config", str(folder / "syncd.yaml")])
        printed = capsys.readouterr()
        assert code in (0, 1, 2), command
        if "--html" in command:  # there a line break is a space
            assert inert_lines(printed.out) == printed.out
            continue
        assert acts(printed.out) == [], command
        assert acts(printed.err) == [], command
        assert "PLANTED" in printed.out + printed.err or command[0] in _SILENT, command
        if command[0] in ("status", "plan", "explain", "review", "test", "doctor") and "--html" not in command:
            _run([*command, "--json", "--config", str(folder / "syncd.yaml")])
            document = capsys.readouterr().out
            assert acts(document) == [], command
            assert document == "" or json.loads(document)
    for file in ("out/okrs.md", "out/okrs.csv"):
        text = (folder / file).read_text()
        assert "PLANTED" in text
        assert acts(text) == []


_SILENT = ("sync", "plan", "validate", "publish", "export", "doctor", "checkin", "history", "explain")
"""Commands that show a text from outside in some runs only."""


def test_a_failing_server_is_shown_as_text(folder: Path, box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.fault(Fault("github", "unauthorized"))
    for command in (("sync",), ("sync", "--log-format", "json"), ("doctor",), ("plan",)):
        assert _run([*command, "--config", str(folder / "syncd.yaml")]) == 1
        printed = capsys.readouterr()
        assert acts(printed.out) == acts(printed.err) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_shows_texts_as_text(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(form)
    log = logging.getLogger("syncd.test")
    log.warning(f"event{ACTS}", extra={"reason": f"a server says{ACTS}", "stream": f"x{ACTS}"})
    log.error("failed", exc_info=ValueError(f"broken{ACTS}"))
    printed = capsys.readouterr().err
    assert printed.count("PLANTED") >= 3
    assert acts(printed) == []


def test_only_one_module_writes_to_the_terminal() -> None:
    cli = Path(syncd.__file__).parent / "cli"
    writers = {
        path.name
        for path in cli.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (
            getattr(node.func, "id", "") == "print"
            or getattr(node.func, "attr", "") in ("echo", "secho", "style")
            or (getattr(node.func, "attr", "") == "write" and "sys.std" in ast.unparse(node.func))
        )
    }
    assert writers == {"output.py"}
