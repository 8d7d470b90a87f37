"""A cycle that breaks off at each of its commits, or fails at each of its requests, in turn: half is never a number."""

from __future__ import annotations

from itertools import count

import pytest
from projects import Project
from sqlalchemy import event

from syncd.config import load_config
from syncd.config.project import clock_of
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.ledger import KeptValue, Ledger, open_ledger
from syncd.sandbox import Fault, Sandbox
from syncd.sdk import RetryPolicy

nightly = pytest.mark.nightly


class BrokenOff(Exception):
    """The process might as well have been killed here."""


@pytest.fixture
def ledger(project: Project, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    ledger = open_ledger(f"sqlite:///{project.folder}/syncd.db")
    assert ledger is not None
    return ledger


def cycle(project: Project, ledger: Ledger, key_result: str, *, reconcile: bool = False) -> Result:
    config = load_config(project.folder / "syncd.yaml")
    policy = RetryPolicy(sleep=lambda seconds: None)
    return run_cycle(
        CycleRequest(config, ledger, clock_of(config.settings), policy, only=key_result, reconcile=reconcile)
    )


def breaks_off(project: Project, ledger: Ledger, key_result: str, commit: int) -> bool:
    """Whether the cycle came as far as this commit, which it then did not make."""
    left = [commit]

    def break_off(_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise BrokenOff

    event.listen(ledger.engine, "commit", break_off)
    try:
        cycle(project, ledger, key_result)
    except BrokenOff:
        return True
    finally:
        event.remove(ledger.engine, "commit", break_off)
    return False


def kept(ledger: Ledger, key_result: str) -> KeptValue:
    return ledger.values.last("2026-Q4")[key_result]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "key_result",
    [
        "reliability-bugs",
        "articles",
        *(pytest.param(id_, marks=nightly) for id_ in ("lead-time", "checkout-releases", "calls")),
    ],
)
def test_broken_off_before_every_commit_in_turn(
    project: Project, box: Sandbox, ledger: Ledger, key_result: str
) -> None:
    # Each cycle gets one commit further than the one before, so that each commit fails once before it is made.
    ended = next(commit for commit in count(1) if not breaks_off(project, ledger, key_result, commit))
    assert ended > 4
    assert kept(ledger, key_result).quality == "complete"
    assert kept(ledger, key_result).number == pytest.approx(box.truth()["key_results"][key_result]["value"])


@pytest.mark.parametrize("commit", [5, pytest.param(6, marks=nightly), pytest.param(7, marks=nightly)])
def test_what_left_since_the_first_cycle_broke_off_is_found(
    project: Project, box: Sandbox, ledger: Ledger, commit: int
) -> None:
    before = box.truth()["key_results"]["articles"]["value"]
    assert breaks_off(project, ledger, "articles", commit)  # with rows, and before its pull is noted as complete
    box.world.jira.delete(next(one.key for one in box.world.jira.issues.values() if one.project == "KB"))
    cycle(project, ledger, "articles", reconcile=True)
    assert kept(ledger, "articles").number == box.truth()["key_results"]["articles"]["value"] == before - 1


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("key_result", "service"),
    [
        ("reliability-bugs", "github"),
        ("articles", "jira"),
        pytest.param("incident-p90", "jira-dc", marks=nightly),
        pytest.param("lead-time", "github", marks=nightly),
    ],
)
def test_failed_at_every_request_in_turn(
    project: Project, box: Sandbox, ledger: Ledger, key_result: str, service: str
) -> None:
    for passed in count():
        box.heal()
        box.fault(Fault(service, "status", status=503, after=passed))
        if not cycle(project, ledger, key_result).failures:
            break
        found = kept(ledger, key_result)
        assert (found.number, found.quality in ("partial", "failed")) == (None, True)
    assert passed >= 2
    assert kept(ledger, key_result).number == pytest.approx(box.truth()["key_results"][key_result]["value"])
