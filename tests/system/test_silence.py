"""The service beside parties that stay silent: connections are open, and nothing comes."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from check_in_api import check_in_api
from dripping import dripping
from projects import Project, differences, write_project
from relay import relay_to
from sqlalchemy import make_url
from test_run import answers, free_port, running, value_of
from waiting import HANG, wait_for

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK


def count(client: httpx.Client, sample: str) -> float:
    """A sample of the metrics, 0 if there is none."""
    match = re.search(rf"^{re.escape(sample)} (.*)$", client.get("/metrics").text, re.MULTILINE)
    return float(match[1]) if match else 0


def test_silent_database_is_not_ready_and_the_service_comes_back_by_itself(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    address = make_url(new_postgres())
    folder = address.query["host"]

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{folder}/.s.PGSQL.5432")
        return connection

    with relay_to(connect) as relay:
        url = address.set(host="127.0.0.1", port=relay.port, query={"connect_timeout": "2"}).render_as_string(
            hide_password=False
        )
        project = write_project(tmp_path / "project", box, ledger=url)
        project.env["TEST_LEDGER_PATIENCE"] = "1"
        with running(project) as (_, client):
            wait_for(lambda: answers(client, "/readyz"))
            relay.fall_silent()
            ready = client.get("/readyz")
            assert ready.status_code == 503
            reasons = r"the ledger (has not answered for \d+ s|.*(was silent for 1 s|timeout expired))"
            assert re.search(reasons, ready.text), ready.text
            assert client.get("/healthz").text == "ok\n"
            log = project.folder / "run.log"  # a cycle broke, or the lost lock was noticed before the next cycle
            wait_for(
                lambda: (
                    count(client, 'syncd_cycles_total{outcome="broken"}') >= 1
                    or "standing by" in log.read_text(encoding="utf-8")
                )
            )
            box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
            relay.speak()
            wait_for(lambda: answers(client, "/readyz"))
            wait_for(lambda: value_of(client, "calls") == 700)
            relay.fall_silent()  # and the stop is obeyed all the same


@pytest.mark.nightly
def test_silent_sources_hold_up_no_other_and_count_once_they_answer(project: Project, box: Sandbox) -> None:
    """From the first cycle on; one of them is silent while its fields are checked."""
    for token in ("GITHUB_TOKEN", "JIRA_TOKEN"):
        project.edit("syncd.yaml", f'${{{token}}}"', f'${{{token}}}", timeout: 4')
    project.env["TEST_SILENCE"] = "1"
    box.fault(Fault("github", "hang"))
    box.fault(Fault("jira", "hang"))
    with running(project) as (_, client):
        wait_for(lambda: value_of(client, "calls") == 1092)
        box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
        wait_for(lambda: value_of(client, "calls") == 700)
        assert count(client, 'syncd_connection_failing{connection="code"}') == 1
        assert "nothing came of it for 1 s" in client.get("/").text
        wait_for(lambda: count(client, 'syncd_hanging_seconds{connection="tickets",work="pull"}') > 0)
        box.heal()
        wait_for(lambda: value_of(client, "articles") == 33)
        wait_for(lambda: count(client, 'syncd_cycles_total{outcome="complete"}') >= 1)
        assert differences(client.get("/api/status").json(), box) == []


@pytest.mark.nightly
def test_dripping_publisher_and_address_hold_up_neither_cycles_nor_other_publishers(
    project: Project, box: Sandbox
) -> None:
    """What is on its way when the service is stopped is sent by nobody else meanwhile."""
    with dripping() as address, check_in_api() as api:
        project.edit(
            "syncd.yaml",
            "  local:",
            f'  slow: {{type: http, url: "{address}", timeout: {HANG}, deadline: {4 * HANG}s}}\n'
            f'  quick: {{type: http, url: "{api.url}"}}\n  local:',
        )
        with (project.folder / "syncd.yaml").open("a") as file:
            file.write(
                "publish:\n"
                '  - {to: slow, method: POST, path: /new, body: {value: "{{ value }}"}}\n'
                '  - {to: quick, method: PUT, path: "/{{ key_result }}", body: {value: "{{ value }}"}}\n'
                'notify: {to: "${CHANNEL}"}\n'
            )
        project.env["CHANNEL"] = address.replace("http", "json")
        with running(project) as (_, client):
            wait_for(lambda: "/error-rate" in api.put)
            before = api.put["/error-rate"].json()
            box.world.metrics.error_rate *= 2
            wait_for(lambda: api.put["/error-rate"].json() != before)
            for name in ("slow", "notify"):
                assert count(client, f'syncd_hanging_seconds{{connection="{name}",work="delivery"}}') > 0
            wait_for(lambda: "another syncd delivers from" in project.run("publish", check=2).stderr)
    done = project.run("publish", check=1)  # nobody listens any more, and what was on its way may have arrived
    assert "syncd was stopped while it was sent" in " ".join(done.stderr.split())


def test_a_thousand_half_open_connections_leave_cycles_probes_and_the_log_as_they_were(project: Project) -> None:
    with running(project) as (_, client), ExitStack() as opened:
        wait_for(lambda: answers(client, "/readyz"))
        before = (project.folder / "run.log").read_text()
        for number in range(1000):
            connection = opened.enter_context(socket.create_connection((client.base_url.host, client.base_url.port)))
            with suppress(OSError):  # closed again: there are too many
                connection.sendall(b"GET / HTTP/1.1\r\nHost:"[: number % 22])
        for path in ("/", "/healthz", "/readyz", "/metrics", "/api/", "/api/status"):
            # A connection that was kept alive may be among those that are closed.
            assert httpx.get(client.base_url.join(path), timeout=HANG).is_success, path
            head = httpx.head(client.base_url.join(path), timeout=HANG)
            assert (head.status_code, head.text) == (200, ""), path
        ended = count(client, 'syncd_cycles_total{outcome="complete"}')
        wait_for(lambda: count(client, 'syncd_cycles_total{outcome="complete"}') > ended + 1)
    log = (project.folder / "run.log").read_text().removeprefix(before)
    # A pull may take too long on a busy machine.
    assert re.findall(r"\[(?:warning|error) *\] (?!pull failed ).*", log) == []


def test_stop_is_obeyed_while_the_ledger_is_opened(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"postgresql+psycopg://syncd@127.0.0.1:{listening.getsockname()[1]}/syncd?connect_timeout={HANG}"
        project.edit("syncd.yaml", "sqlite:///syncd.db", address)
        process = project.start("run", "--listen", f"127.0.0.1:{free_port()}")
        listening.accept()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=HANG) == 0
