"""What each kind of test took, beside its budget: a table after each run. Time alone never fails a run.

`wall` is the sum of what a kind's tests took, divided by the number of workers. `CPU` is what these tests and the
processes that they started computed: on a machine that has other work too, half of it is what two quiet cores need.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

WHOLE = 480
SET_UP = "set-up and checks"
BUDGETS = {
    SET_UP: 180,
    "unit and contract": 150,
    "system": 90,
    "browser": 40,
    "workers": 30,
    "soak": 20,
    "SQL": 10,
}
"""Seconds of a quiet machine with two cores."""

KINDS = {
    "unit": "unit and contract",
    "contract": "unit and contract",
    "sandbox": "unit and contract",
    "docs": "unit and contract",
    "system": "system",
    "web": "browser",
}
"""The kind of the tests in each folder of `tests/`."""


def kind_of(nodeid: str) -> str:
    """The kind of a test: `tests/unit/okr/test_goals.py::test_score` is of `unit and contract`."""
    if "/test_soak.py" in nodeid:
        return "soak"
    if any(f"/test_{name}.py" in nodeid for name in ("workers", "takeover", "sharded_workers", "worker_versions")):
        return "workers"
    if "contract/test_sql" in nodeid:
        return "SQL"
    folder = nodeid.partition("tests/")[2].partition("/")[0]
    return KINDS.get(folder, folder or "other")


def table(items: Mapping[str, int], wall: Mapping[str, float], cpu: Mapping[str, float], whole: float) -> list[str]:
    """A line for each kind that ran, and one for all of it."""
    kinds = [kind for kind in (*BUDGETS, *sorted(set(wall) - set(BUDGETS))) if kind in wall]
    rows = [("", "budget", "wall", "CPU", "tests")]
    for kind in kinds:
        budget, computed = str(BUDGETS.get(kind, "")), f"{cpu[kind]:.0f}" if kind in cpu else ""
        rows.append((kind, budget, f"{wall[kind]:.0f}", computed, f"{items[kind]:,}" if kind in items else ""))
    rows.append(("the whole run", str(WHOLE), f"{whole:.0f}", "", ""))
    return [f"{name:<18}" + "".join(f"{cell:>8}" for cell in cells) for name, *cells in rows]


class Budgets:
    """Adds up the seconds: of CPU in each process that runs tests, of wall in the one that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.time()
        self._workers: set[str] = set()
        self._items: Counter[str] = Counter()
        self._wall: Counter[str] = Counter()
        self._cpu: Counter[str] = Counter()
        self._kind: str | None = None
        self._computed = 0.0

    # -- where tests run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Notes which kind of test the CPU is spent on from here."""
        self._spend_on(kind_of(item.nodeid))
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """Ends the last kind; a worker hands over what it spent."""
        self._spend_on(None)
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["cpu"] = dict(self._cpu)

    def _spend_on(self, kind: str | None) -> None:
        if kind != self._kind:
            computed = computed_by(os.getpid())
            if self._kind is not None:
                self._cpu[self._kind] += computed - self._computed
            self._kind, self._computed = kind, computed

    # -- where results arrive

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes what a worker spent."""
        self._cpu.update(getattr(node, "workeroutput", {}).get("cpu", {}))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds a part of a test: set-up, call or tear-down."""
        kind = kind_of(report.nodeid)
        self._workers.add(getattr(report, "worker_id", ""))
        self._wall[kind] += report.duration
        self._items[kind] += report.when == "setup"

    def wall(self) -> dict[str, float]:
        """The seconds of each kind."""
        return {kind: seconds / len(self._workers) for kind, seconds in self._wall.items()}

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the table."""
        wall = self.wall()
        began = float(os.environ.get("SYNCD_STARTED", self._began))  # when make began
        if began != self._began:
            wall[SET_UP] = self._began - began
        terminalreporter.section("what each kind of test took, in seconds")
        for line in table(self._items, wall, self._cpu, time.time() - began):
            terminalreporter.write_line(line)


def computed_by(process: int) -> float:
    """Seconds of CPU of a process and of all that it started, where the system tells (Linux)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        tasks = Path(f"/proc/{process}/task").iterdir()
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended, or there is no such folder
        return 0.0
    own = sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")  # itself, and children that ended
    return own + sum(computed_by(int(child)) for child in children)
