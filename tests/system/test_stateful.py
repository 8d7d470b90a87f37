"""Whatever happens between and within cycles, in any order: a complete cycle with reconciliation shows the truth.

So does one without, but for what left in silence less than a day ago: a reconciliation falls due by itself.

Hypothesis makes up the stories and shortens those that end badly. A few in each test run, always the same ones; many,
and new ones, with HYPOTHESIS_PROFILE=nightly (`make nightly`).
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from changes import SEEN, SILENT
from examples import NIGHTLY, examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from projects import differences, write_project
from sqlalchemy import event

from syncd.config import load_config
from syncd.cycle.model import CycleRequest, Result, Watcher
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.sandbox import DEMO_NOW, Fault, Sandbox, serve
from syncd.sdk import RetryPolicy
from syncd.status.document import document
from syncd.status.periods import choose_period
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of

PICKS = st.integers(0, 999)
BEREFT = {
    "delete_an_issue": {"reliability-bugs"},
    "delete_a_ticket": {"articles", "story-points", "incident-p90"},
    "move_an_article": {"articles"},
}
"""The key results that count too much until a reconciliation has found what left in silence."""

RECONCILED = timedelta(days=1)
"""How long that takes at most, where nobody asks for it: the longest `reconcile` of any connection."""

FAULTS = st.builds(
    Fault,
    st.sampled_from(("github", "github", "github", "jira", "jira", "jira-dc", "sheets", "metrics")),
    st.sampled_from(("status", "html", "reset", "truncate", "malformed", "wrong_types", "unauthorized")),
    after=st.integers(0, 20),  # a first sync asks GitHub some twenty times
    times=st.sampled_from((None, None, 7, 1)),
).filter(lambda fault: (fault.service, fault.kind) != ("metrics", "wrong_types"))  # any JSON is a fair answer there

NOBODY = Watcher()


class BrokenOff(Exception):
    """The process might as well have been killed here."""


class Stories(RuleBasedStateMachine):
    """A company that moves on, and cycles that are left in peace, meet faults, or break off."""

    @initialize()
    def begin(self) -> None:
        self.opened = ExitStack()
        self.box: Sandbox = self.opened.enter_context(serve(now=DEMO_NOW))
        folder = self.opened.enter_context(TemporaryDirectory())
        project = write_project(Path(folder) / "project", self.box)
        environment = self.opened.enter_context(pytest.MonkeyPatch.context())
        for name, value in project.env.items():
            environment.setenv(name, value)
        self.config = load_config(project.folder / "syncd.yaml")
        ledger = open_ledger(self.config.ledger_url())
        assert ledger is not None
        self.ledger = ledger
        self.opened.callback(ledger.close)
        self.bereft: dict[str, datetime] = {}
        self.values: dict[str, float | None] = {}

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    # -- the company

    @rule(change=st.sampled_from(sorted(SEEN)), pick=PICKS)
    def something_changes(self, change: str, pick: int) -> None:
        SEEN[change](self.box.world, pick)

    @rule(change=st.sampled_from(sorted(SILENT)), pick=PICKS)
    def something_leaves_in_silence(self, change: str, pick: int) -> None:
        SILENT[change](self.box.world, pick)
        self.bereft |= dict.fromkeys(BEREFT[change], self.now())

    @precondition(lambda self: self.now() < DEMO_NOW + timedelta(days=20))
    @rule(hours=st.sampled_from((1, 5, 26)))
    def time_goes_by(self, hours: int) -> None:
        self.box.world.clock.set(self.now() + timedelta(hours=hours))

    # -- cycles

    @rule(reconcile=st.booleans())
    def sync(self, reconcile: bool) -> None:
        result = self.cycle(reconcile)
        assert not result.failures
        self.check(result, reconcile)

    @rule(statement=st.integers(0, 400), reconcile=st.booleans())
    def sync_that_breaks_off_at_a_statement(self, statement: int, reconcile: bool) -> None:
        left = [statement]

        def break_off(*_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise BrokenOff

        self.broken_off("before_cursor_execute", break_off, reconcile)

    @rule(transaction=st.integers(0, 60), reconcile=st.booleans())
    def sync_that_breaks_off_before_it_commits(self, transaction: int, reconcile: bool) -> None:
        left = [transaction]

        def break_off(*_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise BrokenOff

        self.broken_off("commit", break_off, reconcile)

    def broken_off(self, moment: str, break_off: Any, reconcile: bool) -> None:
        result = None
        event.listen(self.ledger.engine, moment, break_off)
        try:
            with suppress(BrokenOff):
                result = self.cycle(reconcile)
        finally:
            event.remove(self.ledger.engine, moment, break_off)  # what is read to check it must not break off
        self.check(result, reconcile)

    @rule(fault=FAULTS, reconcile=st.booleans())
    def sync_that_meets_a_fault(self, fault: Fault, reconcile: bool) -> None:
        self.box.fault(fault)
        result = self.cycle(reconcile)
        self.box.heal()
        self.check(result, reconcile)

    @rule(change=st.sampled_from(sorted(SEEN)), pick=PICKS, page=st.integers(1, 25), reconcile=st.booleans())
    def sync_while_something_changes(self, change: str, pick: int, page: int, reconcile: bool) -> None:
        before = self.truth()
        left = [page]

        def change_now(*_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                SEEN[change](self.box.world, pick)

        self.check(self.cycle(reconcile, Watcher(page=change_now)), reconcile, before)

    def cycle(self, reconcile: bool, watcher: Watcher = NOBODY) -> Result:
        policy = RetryPolicy(sleep=lambda seconds: None)
        self.began = self.now()
        return run_cycle(CycleRequest(self.config, self.ledger, self.now, policy, reconcile=reconcile, watcher=watcher))

    # -- what must hold

    def check(self, result: Result | None, reconcile: bool, before: dict[str, Any] | None = None) -> None:
        """`before` is what was true when the cycle began, where something changed meanwhile."""
        shown, truth = self.shown(), self.truth()
        if result is not None and not result.failures:
            self.bereft = {kr: left for kr, left in self.bereft.items() if self.began - left < RECONCILED}
        if result is None:  # what was shown before stays, unless the cycle got as far as its values
            before = self.values
        elif not result.failures and reconcile and before in (None, truth):
            assert differences(shown, self.box) == []
            self.bereft.clear()
        self.values = {kr["id"]: kr["value"] for objective in shown["objectives"] for kr in objective["key_results"]}
        for objective in shown["objectives"]:
            for kr in objective["key_results"]:
                if kr["quality"] == "complete" and kr["id"] not in self.bereft:
                    true = [moment.get(kr["id"]) for moment in (before, truth) if moment is not None]
                    assert any(same(kr["value"], one) for one in true), f"{kr['id']} is {kr['value']}, true: {true}"

    def shown(self) -> dict[str, Any]:
        okrs = choose_period(self.config, None, self.now())
        assert okrs is not None
        return document(report_of(Snapshots(self.config, okrs, self.ledger).now(self.now())))

    def truth(self) -> dict[str, Any]:
        return {name: state["value"] for name, state in self.box.truth()["key_results"].items()}

    def now(self) -> datetime:
        return self.box.world.clock.now()


def same(ours: float | None, theirs: float | None) -> bool:
    return ours == theirs or (ours is not None and theirs is not None and abs(ours - theirs) < 1e-9)


TestStories = Stories.TestCase
TestStories.settings = settings(
    max_examples=examples(1, nightly=40),
    stateful_step_count=30 if NIGHTLY else 12,
    suppress_health_check=list(HealthCheck),
)
