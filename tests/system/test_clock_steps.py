"""The service on a machine whose clock is set: Debian's libfaketime moves the wall clock under it, and nothing else.

The monotonic clock goes on as it does on a machine (`DONT_FAKE_MONOTONIC`). A file holds how far the wall clock is away
from the true time, and is read at each look at it. A cycle asks the test's own server for its number, so the test steps
the clock in mid-cycle.
"""

from __future__ import annotations

import json
import platform
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from debian import program
from loopback import QuietHandler
from loopback import running as serving
from projects import Project
from test_run import free_port
from waiting import HANG, wait_for

SETTINGS = """\
mappings: okrs.yaml
schedule: {schedule}
connections:
  numbers: {{type: http, url: "http://{host}"}}
"""
MAPPING = """\
period: {start: 2026-01-01, end: 2030-12-31}
objectives:
  - id: growth
    title: More people come
    key_results:
      - id: visits
        title: Visits rise to 1,000 a day
        kind: outcome
        baseline: 0
        target: 1000
        measure: {from: numbers, path: /visits, json: visits}
"""


class Counted(QuietHandler):
    """The number of the requests so far; `step` is called amid each, before its answer."""

    count = 0
    step: Callable[[int], None] = staticmethod(lambda count: None)

    def do_GET(self) -> None:
        Counted.count += 1
        Counted.step(Counted.count)
        self.send(200, json.dumps({"visits": Counted.count}).encode())


@contextmanager
def service(folder: Path, clock: Path, schedule: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """`syncd run` on a machine whose wall clock is away from the true time by what the file `clock` says; gives its log
    so far.
    """
    Counted.count = 0
    library = str(program("libfaketime", f"usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketimeMT.so.1"))
    with serving(Counted) as host:
        (folder / "syncd.yaml").write_text(SETTINGS.format(schedule=schedule, host=host))
        (folder / "okrs.yaml").write_text(MAPPING)
        project = Project(folder)
        away = {
            "LD_PRELOAD": library,
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
        }
        command = project.command("run", "--listen", f"127.0.0.1:{free_port()}", "--log-format", "json")
        log = folder / "run.log"
        with log.open("wb") as err:
            process = subprocess.Popen(command, cwd=folder, env={**project.environment, **away}, stderr=err)
        try:
            yield lambda: [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=HANG) == 0
        finally:
            process.kill()
            process.wait()


def steps(log: list[dict[str, Any]]) -> list[float]:
    """The steps of the clock that the service noticed, in whole days."""
    return [round(line["seconds"] / 86400) for line in log if line["event"] == "clock stepped"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("days", [-5, 3])
def test_a_clock_that_is_set_in_mid_cycle_delays_no_cycle(tmp_path: Path, days: int) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0d")

    def step(count: int) -> None:
        if count == 2:
            clock.write_text(f"{days:+}d")

    Counted.step = staticmethod(step)
    with service(tmp_path, clock, "1s") as log:
        wait_for(lambda: Counted.count >= 4)
        wait_for(lambda: steps(log()))
    assert steps(log()) == [days]
    times = [datetime.fromisoformat(line["timestamp"]) for line in log() if line["event"] == "clock stepped"]
    assert abs(times[0] - datetime.now(times[0].tzinfo) - timedelta(days=days)) < timedelta(hours=1)


@pytest.mark.nightly  # a wait is cut into slices of thirty seconds
def test_a_cycle_that_became_due_while_the_machine_slept_is_run(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0d")
    Counted.step = staticmethod(lambda count: None)
    with service(tmp_path, clock, "6h") as log:
        wait_for(lambda: any(line["event"] == "cycle ended" for line in log()))
        assert Counted.count == 1
        clock.write_text("+3d")
        wait_for(lambda: Counted.count == 2)
        wait_for(lambda: steps(log()))
    assert steps(log()) == [3]
