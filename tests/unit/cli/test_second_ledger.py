"""In the folder of a workspace, no command writes to another ledger than the deployment's."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from opened import create_ledger

from syncd.cli import approve, ledger_copies, prune, publish, run, token
from syncd.ledger.backup import back_up, export
from syncd.sdk import ConfigError

MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""
OWN = Path("syncd.yaml")
WRITING: dict[str, Callable[[], object]] = {
    "approve": lambda: approve.run(OWN, "calls", period=None, author="ann", number=None),
    "import": lambda: ledger_copies.import_(OWN, Path("export")),
    "prune": lambda: prune.run(OWN, dry_run=False),
    "publish": lambda: publish.run(OWN, only=None, retry=False, log_format="text"),
    "restore": lambda: ledger_copies.restore(OWN, Path("backup")),
    "serve": lambda: run.serve(OWN, listen="127.0.0.1:0", insecure=False, log_format="text"),
    "token": lambda: token.run(OWN, as_json=False),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize("stray", [True, False])
def test_a_workspace_has_only_the_ledger_of_its_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, stray: bool
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    above, own = tmp_path / "syncd.yaml", tmp_path / "teams" / "search"
    own.joinpath("mappings").mkdir(parents=True)
    above.write_text("workspaces: teams/*/syncd.yaml\nledger: sqlite:///ledgers/{workspace}.db\n")
    own.joinpath("syncd.yaml").write_text("connections: {local: {type: files, root: data/}}\n")
    own.joinpath("mappings", "okrs.yaml").write_text(MAPPING)
    monkeypatch.chdir(own)
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    create_ledger(elsewhere).close()
    back_up(elsewhere, Path("backup"))
    export(elsewhere, Path("export"))
    if stray:
        create_ledger("sqlite:///syncd.db").close()
    before = set(own.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        WRITING[command]()
    assert [str(problem) for problem in caught.value.problems] == [
        f"syncd.yaml: is the workspace 'search' of {above}, which names its ledger; write --config {above} "
        "--workspace search"
    ]
    assert set(own.rglob("*")) == before
