"""What Tab completes: commands, options, ids of key results and names of workspaces, as bash asks for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from projects import Project

MAPPING = """\
period: 2026-Q4
objectives:
  - id: o
    title: It gets better
    key_results:
      - {id: calls, title: Calls, kind: outcome, target: 5}
      - {id: carts, title: Carts, kind: outcome, target: 5}
      - {id: mood, title: Mood, kind: outcome, target: 5}
"""


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("syncd expl", ["explain"]),
        ("syncd status --js", ["--json"]),
        ("syncd explain ca", ["calls", "carts"]),
        ("syncd sync --only m", ["mood"]),
        ("syncd explain --config none.yaml ca", []),
        ("syncd status --workspace se", []),
        ("syncd status --config teams.yaml --workspace se", ["search", "seo"]),
        ("syncd explain --config teams.yaml --workspace seo mo", ["mood"]),
        ("syncd explain --config teams.yaml mo", []),
    ],
)
def test_tab_completes(words: str, completed: list[str], tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections: {}\n")
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    (tmp_path / "teams.yaml").write_text("workspaces: teams/*/syncd.yaml\nledger: sqlite:///{workspace}.db\n")
    for name in ("search", "seo", "support"):
        (tmp_path / "teams" / name).mkdir(parents=True)
        (tmp_path / "teams" / name / "syncd.yaml").write_text("mappings: okrs.yaml\n")
        (tmp_path / "teams" / name / "okrs.yaml").write_text(MAPPING)
    asked = {"_SYNCD_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = Project(tmp_path, asked).run(check=0)
    assert done.stdout.split() == completed
    assert done.stderr == ""


def test_completion_can_be_shown_for_each_shell(tmp_path: Path) -> None:
    by_name = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # else it asks which shell started it
    for shell in ("bash", "zsh", "fish"):
        done = Project(tmp_path, by_name).run("--show-completion", shell)
        assert "_SYNCD_COMPLETE" in done.stdout, (shell, done.stdout, done.stderr)
    assert os.listdir(tmp_path) == []
