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
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from company import NAMES, Company, company
from relay import Relay, relay_to
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


def test_killed_anywhere_other_workers_go_on_and_no_check_in_stands_twice(workers: Company) -> None:
    dice = random.Random(SEED)
    alive = [workers.start() for _ in range(2)]
    wait_for(workers.settled)
    for number in range(KILLS):
        workers.change()
        at = len(workers.box.requests) + dice.randrange(1, 30)
        wait_for(lambda at=at: len(workers.box.requests) >= at or workers.settled())  # type: ignore[misc]
        time.sleep(dice.choice((0.0, 0.004, 0.015)))
        killed = dice.choice(alive)
        killed.kill()
        killed.wait(HANG)
        alive[alive.index(killed)] = workers.start()
        wait_for(workers.settled)
        try:
            workers.check()
        except AssertionError as error:
            raise AssertionError(f"SYNCD_SEED={SEED}, kill {number}: {error}") from error


@contextmanager
def company_behind_a_relay(folder: Path, box: Sandbox, ledger: str) -> Iterator[tuple[Company, Relay]]:
    """Its check-ins for GitHub pass a relay."""
    address = urlsplit(box.github_url)
    connect = partial(socket.create_connection, (address.hostname, address.port))
    with (
        relay_to(connect) as relay,
        company(folder, box, ledger, github=f"http://127.0.0.1:{relay.port}{address.path}") as made,
    ):
        yield made, relay


def test_worker_that_was_paused_and_replaced_sends_and_writes_nothing(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    with company_behind_a_relay(tmp_path / "company", box, new_postgres()) as (workers, relay):
        paused = workers.start()
        wait_for(workers.settled)
        relay.hold(f"GET /github/repos/acme/search/issues/{workers.issues['alpha'].number}".encode())
        workers.change()
        assert relay.held.wait(HANG)
        paused.send_signal(signal.SIGSTOP)
        workers.start()
        wait_for(workers.settled)
        before = workers.ledger("alpha")
        paused.send_signal(signal.SIGCONT)
        relay.let_go()
        wait_for(lambda: "another worker has taken over the workspace alpha" in workers.log_of(paused))
        workers.check()
        assert workers.ledger("alpha") == before
        workers.change()
        wait_for(workers.settled)
        workers.check()


def test_request_that_was_on_its_way_is_the_window_that_remains(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    """A worker is stopped after the last check of its epoch, and what it sent arrives once it has been replaced."""
    with company_behind_a_relay(tmp_path / "company", box, new_postgres()) as (workers, relay):
        relay.hold(f"POST /github/repos/acme/search/issues/{workers.issues['alpha'].number}/comments".encode())
        paused = workers.start()
        assert relay.held.wait(HANG)
        paused.send_signal(signal.SIGSTOP)
        workers.start()
        wait_for(workers.settled)
        workers.check()
        before = workers.ledger("alpha")
        paused.send_signal(signal.SIGCONT)  # it may have sent the head of its request alone
        relay.let_go()
        wait_for(lambda: len(workers.comments("alpha")) == 2)
        wait_for(lambda: "another worker has taken over the workspace alpha" in workers.log_of(paused))
        assert workers.ledger("alpha") == before
        assert set(workers.log_rows("alpha").values()) == {1}
        first, second = workers.comments("alpha")
        assert first == second
