"""The service for a while, under random faults, kills, edits and steps of its clock: at the end every figure is true.

`SYNCD_SOAK` says for how many seconds (`make nightly`: an hour); `SYNCD_SEED` tells a failure's story again.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from check_in_api import CheckInApi, Taken, check_in_api
from forked import Forked
from projects import NOW, Project, differences
from sqlalchemy import create_engine, select
from test_run import answers, free_port
from waiting import HANG, wait_for

from syncd.ledger.schema import deliveries
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK

SECONDS = float(os.environ.get("SYNCD_SOAK", "20"))
SEED = int(os.environ.get("SYNCD_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
LIFE = 4.0  # seconds, on average
FAULTS: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 503},
    {"kind": "reset"},
    {"kind": "reset_after"},
    {"kind": "truncate"},
    {"kind": "malformed"},
    {"kind": "wrong_types"},
    {"kind": "hang", "times": 2},
    {"kind": "drip", "rate": 100},
    {"kind": "too_many", "seconds": 1},
    {"kind": "unauthorized"},
]
SLACK = {"files": 15, "threads": 8, "MB": 40}
"""Of pools that are not full at first, and of modules that a fault is the first to need.

What leaks in each cycle is more than that within an hour.
"""

ENDED = re.compile(r'^syncd_cycles_total\{outcome="complete"\} (.+)$', re.MULTILINE)


@pytest.mark.unmeasured
def test_service_is_true_and_does_not_grow_whatever_befalls_it(
    project: Project, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A cycle each second uses up within half an hour what GitHub allows in an hour, and then rightly waits.
    monkeypatch.setattr("syncd.sandbox.github.api.QUOTA", 10**9)
    with check_in_api() as api:
        soak = Soak(project, box, api, random.Random(SEED))
        try:
            soak.live_and_die(SECONDS / 2)
            soak.live_on(SECONDS / 2)
            soak.check_deliveries()
        except BaseException:
            print(f"SYNCD_SEED={SEED} tells it again: {soak.story[-200:]}")
            raise


class Soak:
    """A project, the company that it measures, and a log that takes each check-in once and cannot be read back."""

    def __init__(self, project: Project, box: Sandbox, api: CheckInApi, dice: random.Random) -> None:
        self.project, self.box, self.api, self.dice = project, box, api, dice
        self.story: list[str] = []
        self._numbers = count(1)
        self._healthy = True
        self._clock = NOW
        config = project.folder / "syncd.yaml"
        text = re.sub(r"(\{type: (?:github|jira|sheets|http),)", r"\1 timeout: 2,", config.read_text())
        text = text.replace("  local:", f'  log: {{type: http, url: "{api.url}", timeout: 2}}\n  local:')
        text += 'publish:\n  - {to: log, method: POST, path: "/{{ key_result }}", body: {value: "{{ value }}"}}\n'
        config.write_text(text)
        api.answers = self._answer

    def live_and_die(self, seconds: float) -> None:
        """Short lives, each with another clock; most end in a kill."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._life() as (process, _):
                death = time.monotonic() + self.dice.uniform(0.2, 2 * LIFE)
                self._befall_until(min(death, end))
                if self.dice.random() < 0.7:
                    self.story.append("kill")
                    process.kill()
            self._step_the_clock()

    def live_on(self, seconds: float) -> None:
        """A long life, whose handles, threads and memory do not grow; in the end every figure is true."""
        self._heal()
        with self._life() as (process, client):
            self._let_cycles_end(client)
            self._befall_until(time.monotonic() + seconds / 4)
            before = self._size(process, client)
            self._befall_until(time.monotonic() + seconds * 3 / 4)
            after = self._size(process, client)
        for what, limit in before.items():
            assert after[what] <= limit + SLACK[what], (before, after)
        self._clock = self.box.world.clock.now() + timedelta(minutes=5)
        self._write("clock: .*", f"clock: {self._clock.isoformat()}")
        with self._life() as (_, client):
            wait_for(lambda: differences(client.get("/api/status").json(), self.box) == [])
            self._let_cycles_end(client)

    def check_deliveries(self) -> None:
        """What arrived was stated, in that order, and came once: equal statements never follow each other."""
        engine = create_engine(f"sqlite:///{self.project.folder}/syncd.db")
        with engine.connect() as connection:
            rows = connection.execute(select(deliveries).order_by(deliveries.c.id)).all()
        engine.dispose()
        for name in {row.key_result for row in rows}:
            stated = iter([row.statement["value"] for row in rows if row.key_result == name])
            arrived = [taken.json()["value"] for taken in self.api.added if taken.target == f"/{name}"]
            assert all(any(value == next_stated for next_stated in stated) for value in arrived), (name, arrived)
        assert self.api.added

    # -- what befalls it

    def _befall_until(self, end: float) -> None:
        while time.monotonic() < end:
            self._befall()
            time.sleep(self.dice.uniform(0.05, 0.4))

    def _befall(self) -> None:
        act = self.dice.choice([self._change, self._change, self._fail, self._fail, self._heal, self._edit])
        self.story.append(act.__name__)
        act()

    def _change(self) -> None:
        """Something that counts happens."""
        world, number = self.box.world, next(self._numbers)
        match self.dice.randrange(6):
            case 0:
                world.github.merge_pull("acme/search", world.github.add_pull("acme/search", base="main").number)
            case 1:
                world.github.close_issue("acme/web", world.github.add_issue("acme/web", labels=["bug"]).number)
            case 2:
                world.gitlab.add_release("acme/apps/mobile", f"v9.{number}")
            case 3:
                world.jira.transition(world.jira.create("KB", "Article").key, "Done")
            case 4:
                world.sheets.set_cell(OKR_BOOK, "Support", "C11", float(1100 - number % 700))
            case _:
                world.metrics.error_rate = 1 / number

    def _fail(self) -> None:
        self._healthy = False
        service = self.dice.choice(["github", "gitlab", "jira", "jira-dc", "sheets", "metrics"])
        fault = self.dice.choice(FAULTS)
        self.story.append(f"{service} {fault}")
        self.box.fault(Fault(service, **fault))

    def _heal(self) -> None:
        self._healthy = True
        self.box.heal()

    def _edit(self) -> None:
        """Somebody edits a mapping file, sometimes wrongly, and takes it back with the next edit."""
        target = self.dice.choice([600, 600, 550, 1200])  # the last is refused
        self._write("target: (600|550|1200)$", f"target: {target}", "mappings/support.yaml")

    def _step_the_clock(self) -> None:
        now = self.box.world.clock.now() + timedelta(minutes=self.dice.uniform(5, 300))
        self._write("clock: .*", f"clock: {now.isoformat()}")

    def _write(self, pattern: str, text: str, file: str = "syncd.yaml") -> None:
        path = self.project.folder / file
        path.write_text(re.sub(pattern, text, path.read_text(), count=1, flags=re.MULTILINE))

    def _answer(self, _: Taken) -> tuple[int, str] | None:
        return None if self._healthy or self.dice.random() < 0.7 else (503, "not now")

    # -- the service

    @contextmanager
    def _life(self) -> Iterator[tuple[Forked, httpx.Client]]:
        """The service until the block ends, in which it may be killed; else it is stopped, and exits with 0."""
        port = free_port()
        log = self.project.folder / "run.log"
        self._write("target: 1200$", "target: 600", "mappings/support.yaml")  # a service does not start with it
        process = self.project.start("run", "--listen", f"127.0.0.1:{port}", err=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG) as client:
                wait_for(lambda: answers(client, "/healthz") or process.poll() is not None)
                assert process.poll() is None, log.read_text()
                yield process, client
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=HANG) in (0, -signal.SIGKILL), log.read_text()
        finally:
            process.kill()

    def _let_cycles_end(self, client: httpx.Client) -> None:
        """Waits until two cycles have ended well."""
        enough = ended(client) + 2
        wait_for(lambda: ended(client) >= enough)

    def _size(self, process: Forked, client: httpx.Client) -> dict[str, float]:
        """Its open files, threads and memory in MB, while nothing fails."""
        self._heal()
        self._write("target: (600|550|1200)$", "target: 600", "mappings/support.yaml")
        self._let_cycles_end(client)
        looks = [self._look(process) for _ in range(10)]
        return {what: min(look[what] for look in looks) for what in SLACK}  # a pull holds handles; a leak always does

    def _look(self, process: Forked) -> dict[str, float]:
        time.sleep(0.1)
        proc = Path(f"/proc/{process.pid}")
        memory = re.search(r"VmRSS:\s+(\d+)", (proc / "status").read_text())
        assert memory is not None
        return {
            "files": len(list((proc / "fd").iterdir())),
            "threads": len(list((proc / "task").iterdir())),
            "MB": int(memory[1]) / 1024,
        }


def ended(client: httpx.Client) -> float:
    """How many cycles have ended well."""
    match = ENDED.search(client.get("/metrics").text)
    return float(match[1]) if match else 0
