"""Workers that share the workspaces of a deployment: every due cycle runs, whatever happens to one or to the database.

They are real processes on a real PostgreSQL. A few kills, or as many as SYNCD_KILLS says; SYNCD_SEED tells a failure's
story again.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from company import NAMES, Company, company
from relay import relay_to
from waiting import HANG, wait_for

from syncd.sandbox import Sandbox

pytestmark = pytest.mark.unmeasured
nightly = pytest.mark.nightly

KILLS = int(os.environ.get("SYNCD_KILLS", "5"))
SEED = int(os.environ.get("SYNCD_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


@pytest.fixture
def workers(tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]) -> Iterator[Company]:
    with company(tmp_path / "company", box, new_postgres()) as made:
        yield made


def test_every_due_cycle_runs_once_and_the_figures_are_those_of_a_single_process(
    tmp_path: Path, box: Sandbox, workers: Company, new_postgres: Callable[[], str]
) -> None:
    for _ in range(2):
        workers.start()
    wait_for(workers.settled)
    workers.change()
    wait_for(lambda: workers.settled() and all(workers.numbers(name)[0] == workers.number for name in NAMES))
    workers.check()
    cycles = [workers.ask(f"SELECT count(*) FROM ws_{name}.cycles")[0][0] for name in NAMES]
    assert cycles == [2, 2, 2]
    with company(tmp_path / "alone", box, new_postgres()) as alone:
        alone.number = workers.number
        for name in NAMES:
            alone.write(name)
            alone.project.run("sync", "--workspace", name, check=0)
            own, other = (each.project.status("--workspace", name) for each in (workers, alone))
            assert own == other
    for worker in workers.workers:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(HANG) == 0
        assert "stopped" in workers.log_of(worker)
    assert workers.ask("SELECT count(*) FROM syncd.procrastinate_workers") == [(0,)]
