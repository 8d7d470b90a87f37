"""The service as a real process: cycles by the schedule, its pages, reload, a clean stop."""

from __future__ import annotations

import hashlib
import hmac
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from forked import Forked
from projects import Project
from waiting import HANG, wait_for

from syncd.sandbox import Fault, Sandbox


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    project: Project, *arguments: str, listen: str = "127.0.0.1", command: str = "run"
) -> Iterator[tuple[Forked, httpx.Client]]:
    """`syncd run` for the block; then it is stopped as a container is, and must exit with 0."""
    port = free_port()
    process = project.start(command, "--listen", f"{listen}:{port}", *arguments, err=project.folder / "run.log")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG) as client:
            wait_for(lambda: answers(client, "/healthz") or process.poll() is not None)
            assert process.poll() is None, (project.folder / "run.log").read_text()
            yield process, client
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=HANG) == 0
    finally:
        process.kill()


def answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


def value_of(client: httpx.Client, key_result: str) -> float | None:
    """The value of a key result in the metrics; None if it has none."""
    pattern = rf'^syncd_key_result_value\{{key_result="{key_result}",.*\}} (.+)$'
    match = re.search(pattern, client.get("/metrics").text, re.MULTILINE)
    return float(match[1]) if match else None


@pytest.mark.nightly
def test_run_where_others_may_reach_it_syncs_and_shows_no_figure(project: Project) -> None:
    """`127.1` is loopback, in words that syncd does not take for it."""
    with running(project, listen="127.1") as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        assert client.get("/readyz").text == ""
        assert "login:" in client.get("/").text
        assert {client.get(path).status_code for path in ("/sources", "/api/status", "/metrics")} == {403}
    with running(project, "--insecure", listen="127.1") as (_, client):
        assert client.get("/api/status").status_code == 200


def test_run_syncs_at_once_and_serves_the_pages(project: Project) -> None:
    with running(project) as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        page = client.get("/")
        assert page.status_code == 200
        assert "Customers find answers without calling us" in page.text
        assert "watermelon" in page.text
        assert "1,092" in page.text
        assert client.get("/", params={"period": "1999-Q1"}).status_code == 404
        assert client.get("/static/syncd.css").headers["Content-Type"] == "text/css; charset=utf-8"
        assert client.get("/api/status", headers={"Host": "evil.example"}).status_code == 403
        document = client.get("/api/status").json()
        assert document == project.status()
        metrics = client.get("/metrics").text
        assert re.search(r'^syncd_key_result_value\{key_result="calls",.*\} 1092.0$', metrics, re.MULTILINE)
        assert re.search(r'^syncd_key_result_progress\{key_result="calls",.*\} 0.18$', metrics, re.MULTILINE)
        assert 'syncd_key_result_value{key_result="satisfaction"' not in metrics  # unknown is not zero
        # The cycle computes its trends after it has kept its values, and ends only then.
        wait_for(lambda: 'syncd_cycles_total{outcome="complete"}' in client.get("/metrics").text)


@pytest.mark.nightly
def test_run_syncs_on_schedule_and_shows_changes(project: Project, box: Sandbox) -> None:
    from syncd.sandbox.story.numbers import OKR_BOOK

    with running(project) as (_, client):
        wait_for(lambda: value_of(client, "calls") == 1092)
        box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
        wait_for(lambda: value_of(client, "calls") == 700)
        box.fault(Fault("sheets", "unauthorized"))
        wait_for(lambda: 'syncd_connection_failing{connection="numbers"} 1.0' in client.get("/metrics").text)
        assert value_of(client, "calls") == 700
        box.heal()
        wait_for(lambda: 'syncd_connection_failing{connection="numbers"} 0.0' in client.get("/metrics").text)


@pytest.mark.nightly
def test_a_wrong_edit_leaves_the_last_good_configuration_in_use(project: Project) -> None:
    with running(project) as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        project.edit("mappings/support.yaml", "target: 600", "target: 1200")
        wait_for(lambda: "The configuration is wrong" in client.get("/").text)
        assert "write a target that differs" in client.get("/").text
        assert "1,092" in client.get("/").text
        project.edit("mappings/support.yaml", "target: 1200", "target: 300")
        wait_for(lambda: "1,200 → 300" in client.get("/").text)
        assert "The configuration is wrong" not in client.get("/").text


def test_sighup_reads_the_configuration_and_metrics_tell_whether_it_was_taken_over(project: Project) -> None:
    project.edit("syncd.yaml", "schedule: 1s", "schedule: 1d")
    with running(project) as (process, client):
        wait_for(lambda: 'syncd_cycles_total{outcome="complete"} 1.0' in client.get("/metrics").text)
        assert "syncd_config_last_reload_successful 1.0" in client.get("/metrics").text
        assert re.search(
            r'^syncd_build_info\{version="\d+\.\d+\.\d+"\} 1.0$', client.get("/metrics").text, re.MULTILINE
        )
        project.edit("mappings/support.yaml", "target: 600", "target: 1200")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "syncd_config_last_reload_successful 0.0" in client.get("/metrics").text)
        project.edit("mappings/support.yaml", "target: 1200", "target: 300")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "syncd_config_last_reload_successful 1.0" in client.get("/metrics").text)
        wait_for(lambda: "1,200 → 300" in client.get("/").text)


@pytest.mark.synced
def test_sighup_ends_no_process_that_only_shows(project: Project) -> None:
    with running(project, command="serve") as (process, client):
        wait_for(lambda: answers(client, "/readyz"))
        process.send_signal(signal.SIGHUP)  # else it would end at once, and not by the exit code 0 of a stop
        assert answers(client, "/readyz")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_stops_cleanly_in_the_middle_of_a_pull(project: Project, box: Sandbox, number: signal.Signals) -> None:
    project.edit("syncd.yaml", '${GITHUB_TOKEN}"', f'${{GITHUB_TOKEN}}", timeout: {2 * HANG:g}')  # ends no request
    box.fault(Fault("github", "hang"))
    with running(project) as (process, _):
        wait_for(lambda: any(request.service == "sheets" for request in box.requests))
        process.send_signal(number)
        assert process.wait(timeout=HANG) == 0


@pytest.mark.nightly
def test_a_sync_beside_a_running_service_names_the_process(project: Project, box: Sandbox) -> None:
    box.fault(Fault("github", "hang"))
    with running(project):
        wait_for(lambda: any(request.service == "sheets" for request in box.requests))
        done = project.run("sync", check=2)
        assert re.search(r"another syncd is syncing into .*syncd.db \(process \d+ on .+\)", done.stderr)


def test_an_address_in_use_is_a_sentence(project: Project) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        done = project.run("run", "--listen", address, check=2)
    assert f"--listen {address} cannot be used: address already in use" in done.stderr
    assert "--listen is 'here'" in project.run("run", "--listen", "here", check=2).stderr
    above = project.run("run", "--listen", "127.0.0.1:70000", check=2).stderr
    assert "--listen names the port 70000; the highest is 65535" in above


@pytest.mark.nightly
def test_a_secret_that_vanishes_fails_its_own_connection_alone(project: Project) -> None:
    secret = project.folder / "jira-token"
    secret.write_text(project.env.pop("JIRA_TOKEN") + "\n")
    project.env["JIRA_TOKEN_FILE"] = str(secret)
    with running(project) as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        secret.unlink()
        wait_for(lambda: 'syncd_connection_failing{connection="tickets"} 1.0' in client.get("/metrics").text)
        metrics = client.get("/metrics").text
        assert 'syncd_connection_failing{connection="numbers"} 0.0' in metrics
        assert value_of(client, "articles") == 33  # the last good one
        assert "JIRA_TOKEN_FILE names" in client.get("/").text
    assert "JIRA_TOKEN_FILE names" in project.run("sync", check=1).stderr


def test_service_starts_without_a_secret_and_measures_the_others(project: Project) -> None:
    """It used to stop at its start: then no number is updated until somebody notices."""
    del project.env["GITHUB_TOKEN"]
    with running(project) as (_, client):
        wait_for(lambda: 'syncd_connection_failing{connection="code"} 1.0' in client.get("/metrics").text)
        metrics = client.get("/metrics").text
        assert 'syncd_connection_failing{connection="numbers"} 0.0' in metrics
        assert value_of(client, "calls") == 1092
        assert "GITHUB_TOKEN is not set" in client.get("/").text


def test_a_webhook_of_github_brings_a_merged_pull_request_at_once(project: Project, box: Sandbox) -> None:
    project.edit("syncd.yaml", "schedule: 1s", "schedule: 1d")
    project.edit("syncd.yaml", '${GITHUB_TOKEN}"', '${GITHUB_TOKEN}", webhook_secret: "${HOOK_SECRET}"')
    project.env["HOOK_SECRET"] = "a secret of webhooks"
    body = b'{"action": "closed"}'
    signature = hmac.new(b"a secret of webhooks", body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": "1"}
    with running(project) as (_, client):
        wait_for(lambda: value_of(client, "search-shipped") == 19)
        pull = box.world.github.add_pull("acme/search", title="Search by colour")
        box.world.github.merge_pull("acme/search", pull.number)
        assert (
            client.post("/hooks/code", content=body, headers={**headers, "X-Hub-Signature-256": "x"}).status_code == 401
        )
        assert client.post("/hooks/code", content=body, headers=headers).status_code == 200
        wait_for(lambda: value_of(client, "search-shipped") == 20)
        assert client.post("/hooks/code", content=body, headers=headers).text == "it came before\n"
        assert client.post("/hooks/tickets", content=body, headers=headers).status_code == 404


@pytest.mark.nightly
def test_api_lists_its_documents(project: Project) -> None:
    with running(project) as (_, client):
        wait_for(lambda: answers(client, "/readyz"))
        documents = client.get("/api/").json()
        assert documents["status"] == "/api/status"
        assert all(client.get(path).status_code == 200 for path in documents.values() if "{" not in path)
        assert client.get("/api/status").json() == project.status()
