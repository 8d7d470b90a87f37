"""A cycle that breaks off before each of its commits in turn: whatever was not kept is asked for again."""

from __future__ import annotations

from itertools import count

import pytest
from projects import Project
from sqlalchemy import event

from syncd.config import load_config
from syncd.config.project import clock_of
from syncd.cycle import run_cycle
from syncd.ledger import Ledger, open_ledger
from syncd.sandbox import Sandbox
from syncd.sdk import RetryPolicy


class BrokenOff(Exception):
    """The process might as well have been killed here."""


def breaks_off(project: Project, ledger: Ledger, key_result: str, commit: int) -> bool:
    """Whether the cycle came as far as this commit, which it then did not make."""
    left = [commit]

    def break_off(_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise BrokenOff

    config = load_config(project.folder / "syncd.yaml")
    policy = RetryPolicy(sleep=lambda seconds: None)
    event.listen(ledger.engine, "commit", break_off)
    try:
        run_cycle(config, ledger, clock_of(config.settings), retry=policy, only=key_result)
    except BrokenOff:
        return True
    finally:
        event.remove(ledger.engine, "commit", break_off)
    return False


@pytest.mark.parametrize("key_result", ["reliability-bugs", "articles", "lead-time", "checkout-releases", "calls"])
def test_broken_off_before_every_commit_in_turn(
    project: Project, box: Sandbox, monkeypatch: pytest.MonkeyPatch, key_result: str
) -> None:
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    ledger = open_ledger(f"sqlite:///{project.folder}/syncd.db")
    assert ledger is not None
    # Each cycle gets one commit further than the one before, so that each commit fails once before it is made.
    ended = next(commit for commit in count(1) if not breaks_off(project, ledger, key_result, commit))
    assert ended > 4
    kept = ledger.values.last("2026-Q4")[key_result]
    ledger.close()
    assert kept.quality == "complete"
    assert kept.number == pytest.approx(box.truth()["key_results"][key_result]["value"])
