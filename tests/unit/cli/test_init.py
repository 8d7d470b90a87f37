"""The first files of a project: what they offer in comments is valid once it is uncommented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.cli import init
from syncd.config import load_config


@pytest.mark.parametrize("pattern", ["teams/*/syncd.yaml", "teams/**/syncd.yaml", "**/syncd.yaml"])
def test_new_workspace_has_the_ledger_of_its_deployment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pattern: str
) -> None:
    above = tmp_path / "syncd.yaml"
    above.write_text(f"workspaces: '{pattern}'\nledger: sqlite:///{{workspace}}.db\nschedule: 6h\n")
    init.run(tmp_path / "teams" / "search")
    config = load_config(above, "search")
    assert config.ledger_url() == f"sqlite:///{tmp_path}/search.db"
    assert config.settings.schedule == "6h"
    steps = "syncd validate --workspace search && syncd sync --workspace search && syncd status --workspace search"
    assert capsys.readouterr().out.splitlines()[-1] == f"next: cd {tmp_path} && {steps}"


def test_project_that_a_deployment_above_does_not_name_has_a_ledger_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text("workspaces: teams/*/syncd.yaml\nledger: sqlite:///{workspace}.db\n")
    init.run(tmp_path / "others" / "search")
    assert "ledger: sqlite:///syncd.db" in (tmp_path / "others" / "search" / "syncd.yaml").read_text()


def test_the_connections_in_comments_are_valid(tmp_path: Path) -> None:
    init.run(tmp_path)
    path = tmp_path / "syncd.yaml"
    text = path.read_text()
    path.write_text(re.sub(r"^  # (?=\w+:|  )", "  ", text, flags=re.MULTILINE))
    config = load_config(path)
    assert list(config.connections) == ["local", "code", "tickets", "numbers", "metrics"]
    settings = config.connections["tickets"].settings.model_dump()
    assert "Won't Do" in settings["delivered_unless"]
