"""Workers that share the workspaces of a deployment: every due cycle runs, whatever happens to one or to the database.

They are real processes on a real PostgreSQL. A few kills, or as many as SYNCD_KILLS says; SYNCD_SEED tells a failure's
story again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import loopback
import pytest
from company import NAMES, Company, company, company_behind_a_relay
from forked import FORGE
from loopback import QuietHandler
from postgres_server import start_again
from projects import NOWHERE
from relay import relay_to
from sqlalchemy import make_url
from test_ledger_trouble import stop
from test_run import free_port
from waiting import HANG, wait_for

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.github import api

pytestmark = pytest.mark.unmeasured
nightly = pytest.mark.nightly

KILLS = int(os.environ.get("SYNCD_KILLS", "8"))
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


def test_run_is_a_worker_that_serves_the_pages_and_what_happens_there_makes_a_workspace_due(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    """An edit, a form, a webhook and SIGHUP, though the schedule is a day; and what a cycle brings with it. With the
    default times, no worker is taken for dead on a busy machine.
    """
    heartbeats, port = list[str](), free_port()
    here = f"http://127.0.0.1:{port}"

    class Watchdog(QuietHandler):
        def do_GET(self) -> None:
            heartbeats.append(self.path)
            self.send(200, b"")

    with (
        company(tmp_path / "company", box, new_postgres(), worker="{}") as workers,
        loopback.running(Watchdog) as watchdog,
        httpx.Client(base_url=here, timeout=HANG) as client,
    ):

        def cycles_of_others() -> list[int]:
            return [int(workers.ask(f"SELECT count(*) FROM ws_{name}.cycles")[0][0]) for name in NAMES[1:]]

        own = workers.project.folder / "teams" / "alpha" / "syncd.yaml"
        hooked = own.read_text().replace('${GITHUB_TOKEN}"', '${GITHUB_TOKEN}", webhook_secret: "${HOOK_SECRET}"')
        own.write_text(f"{hooked}heartbeat: http://{watchdog}/alive\nbackup: {{to: backups, every: 1d}}\n")
        workers.project.env["HOOK_SECRET"] = "a secret of webhooks"
        service = workers.start("--listen", f"127.0.0.1:{port}", command="run")
        wait_for(workers.settled)
        metrics = client.get("/metrics").text
        assert "syncd_worker_ready 1.0" in metrics
        labels = 'key_result="calls",objective="service",period="2026-Q4",workspace="bravo"'
        assert f"syncd_key_result_value{{{labels}}}" in metrics
        wait_for(lambda: "1 worker runs the cycles." in client.get("/").text)
        wait_for(lambda: heartbeats)  # they tell the cycles of alpha from here on
        wait_for(lambda: list((own.parent / "backups").glob("syncd-*.tar.gz")))

        def makes_due(act: Callable[[], object]) -> None:
            before = len(heartbeats)
            act()
            wait_for(lambda: len(heartbeats) > before)

        def send_the_form() -> None:
            page = client.get("/w/alpha/key-results/calls").text
            form = dict(re.findall(r'name="(form_token|form|do)" value="([^"]*)"', page)) | {"note": "as the bill says"}
            answer = client.post("/w/alpha/key-results/calls", data=form, headers={"Origin": here})
            assert answer.status_code == 303

        def send_the_webhook() -> None:
            body = b'{"action": "closed"}'
            signature = hmac.new(b"a secret of webhooks", body, hashlib.sha256).hexdigest()
            headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": "1"}
            assert client.post("/w/alpha/hooks/code", content=body, headers=headers).status_code == 200

        makes_due(lambda: workers.project.edit("teams/alpha/mappings/okrs.yaml", "title: Calls", "title: Fewer calls"))
        makes_due(send_the_form)
        wait_for(lambda: "as the bill says" in workers.project.run("explain", "calls", "--workspace", "alpha").stdout)
        makes_due(send_the_webhook)
        assert cycles_of_others() == [1, 1]
        makes_due(lambda: service.send_signal(signal.SIGHUP))
        wait_for(lambda: min(cycles_of_others()) > 1)


@pytest.fixture
def tight_quota(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many requests GitHub's token has in ten seconds: fewer than the jobs below would make in that time."""
    monkeypatch.setattr(api, "QUOTA", 30)
    monkeypatch.setattr(api, "WINDOW", 10)
    return api.QUOTA


def kill_at_random(workers: Company, kills: int) -> None:
    """Kills workers while they run jobs, and starts others; whenever they have come to an end, everything is right."""
    dice = random.Random(SEED)
    alive = [workers.start() for _ in range(2)]
    wait_for(workers.settled)
    for number in range(kills):
        workers.change()
        at = len(workers.box.requests) + dice.randrange(1, 30)
        wait_for(lambda at=at: len(workers.box.requests) >= at or workers.settled())  # type: ignore[misc]
        time.sleep(dice.choice((0.0, 0.004, 0.015)))
        killed = dice.choice(alive)
        killed.kill()
        killed.wait(HANG)
        alive[alive.index(killed)] = workers.start()
        if dice.random() < 0.5 and number < kills - 1:
            continue  # the next kill falls into the takeover
        wait_for(workers.settled)
        try:
            workers.check()
        except AssertionError as error:
            raise AssertionError(f"SYNCD_SEED={SEED}, kill {number}: {error}") from error


def test_killed_anywhere_other_workers_go_on_no_check_in_stands_twice_and_no_quota_is_exceeded(
    tight_quota: int, workers: Company
) -> None:
    kill_at_random(workers, KILLS)
    counted = workers.box.github_windows(workers.box.credentials["github"])
    assert max(counted) <= tight_quota < sum(counted), counted


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


def test_worker_that_is_told_to_stop_leaves_its_job_to_another(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    with company_behind_a_relay(tmp_path / "company", box, new_postgres()) as (workers, relay):
        first = workers.start()
        wait_for(workers.settled)
        workers.project.run("backup", "alpha.backup", "--workspace", "alpha", check=0)
        relay.hold(f"GET /github/repos/acme/search/issues/{workers.issues['alpha'].number}".encode())
        workers.change()
        assert relay.held.wait(HANG)
        restored = workers.project.run("restore", "alpha.backup", "--workspace", "alpha", check=2)
        assert "a worker runs a job of schema ws_alpha of this database" in restored.stderr
        first.send_signal(signal.SIGTERM)
        assert first.wait(HANG) == 0
        relay.let_go()
        workers.start()
        wait_for(workers.settled)
        workers.check()


def test_database_that_restarts_in_the_middle_of_jobs_loses_none(
    tmp_path: Path, box: Sandbox, mortal_postgres: tuple[Any, str]
) -> None:
    server, url = mortal_postgres
    with company(tmp_path / "company", box, url) as workers:
        every = [workers.start() for _ in range(2)]
        wait_for(workers.settled)
        box.fault(Fault("github", "delay", seconds=0.3))
        workers.change()
        asked = len(box.requests)
        wait_for(lambda: len(box.requests) > asked)
        stop(server)
        wait_for(lambda: all("see whether the server runs" in workers.log_of(worker) for worker in every))
        start_again(server)
        box.heal()
        wait_for(workers.settled)
        workers.check()
        assert all(worker.poll() is None for worker in every)


@nightly
def test_worker_that_is_cut_off_from_the_database_is_replaced_and_comes_back(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    address = make_url(new_postgres())

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{address.query['host']}/.s.PGSQL.5432")
        return connection

    directly = address.render_as_string(hide_password=False)
    with relay_to(connect) as relay, company(tmp_path / "company", box, directly) as workers:
        url = address.set(host="127.0.0.1", port=relay.port, query={"connect_timeout": "2"})
        workers.project.env |= {"LEDGER": url.render_as_string(hide_password=False), "TEST_LEDGER_PATIENCE": "5"}
        cut_off = workers.start()
        wait_for(workers.settled)
        relay.fall_silent()
        workers.project.env["LEDGER"] = directly
        workers.start()
        workers.change()
        wait_for(workers.settled)
        workers.check()
        wait_for(lambda: "worker takes no jobs" in workers.log_of(cut_off))
        relay.speak()
        workers.workers[1].kill()
        workers.change()
        wait_for(workers.settled)
        workers.check()


@nightly
def test_jobs_are_for_workers_with_the_newer_files(tmp_path: Path, workers: Company) -> None:
    """Two releases beside one another: the older workers leave what the newer ones announced to them."""
    old = workers.start()
    wait_for(workers.settled)
    newer = tmp_path / "newer"
    shutil.copytree(workers.project.folder, newer)
    mapping = newer / "teams" / "alpha" / "mappings" / "okrs.yaml"
    mapping.write_text(mapping.read_text().replace("target: 1000", "target: 2000"))
    new = FORGE.start(["worker"], newer, workers.project.environment, NOWHERE, newer / "worker.log")
    workers.workers.append(new)
    digests = {workers.digest("alpha")}
    wait_for(lambda: "started" in (newer / "worker.log").read_text())
    for _ in range(60):  # until the new one has had its turn, and the old one was asked for it; who is first is chance
        workers.change()
        wait_for(workers.settled)
        digests.add(workers.digest("alpha"))
        if "job handed back" in workers.log_of(old) and len(digests) == 2:
            break
    assert len(digests) == 2
    announced = workers.digest("alpha")
    workers.make_due()
    wait_for(workers.settled)
    assert workers.digest("alpha") == announced
    versions = workers.ask("SELECT count(*) FROM ws_alpha.definitions WHERE key_result = 'calls'")
    assert versions == [(2,)], "the definition changed once, and not back"
