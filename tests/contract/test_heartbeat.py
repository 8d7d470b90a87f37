"""The heartbeat: an address that is called after each good cycle, and never in the way of one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject
from service_thread import cycle, serving
from waiting import wait_for

from syncd.config import load_config
from syncd.sdk import ConfigError

NOW = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Berlin"))
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: visits, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B2}}
"""


class Watchdog(ThreadingHTTPServer):
    """Notes the calls, and answers with the statuses in turn, the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[str] = []
        self.statuses = [200]
        self.speaks = threading.Event()
        self.speaks.set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ping/a-secret-id"


class _Handler(BaseHTTPRequestHandler):
    server: Watchdog

    def do_GET(self) -> None:
        statuses = self.server.statuses
        self.server.calls.append(self.path)
        self.server.speaks.wait()
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    with Watchdog() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.speaks.set()
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> CsvProject:
    monkeypatch.setenv("HEARTBEAT", watchdog.address)
    settings = 'schedule: 1d\nheartbeat: "${HEARTBEAT}"\n'
    project = CsvProject(tmp_path, MAPPING, NOW, settings=settings)
    project.write("a.csv", "", "x,7")
    return project


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["reason"] for record in caplog.records if record.getMessage() == "heartbeat failed"]


def test_the_heartbeat_is_called_after_each_good_cycle_alone(project: CsvProject, watchdog: Watchdog) -> None:
    with serving(project) as service:
        wait_for(lambda: watchdog.calls == ["/ping/a-secret-id"])
        (project.folder / "a.csv").rename(project.folder / "b.csv")
        cycle(service)
        (project.folder / "b.csv").rename(project.folder / "a.csv")
        cycle(service)
        wait_for(lambda: len(watchdog.calls) == 2)
    assert len(watchdog.calls) == 2


def test_a_heartbeat_that_fails_once_is_tried_again(
    project: CsvProject, watchdog: Watchdog, caplog: pytest.LogCaptureFixture
) -> None:
    watchdog.statuses = [503, 200]
    with serving(project):
        wait_for(lambda: len(watchdog.calls) == 2)
    assert failures(caplog) == []


def test_a_heartbeat_that_fails_is_logged_without_its_address(
    project: CsvProject, watchdog: Watchdog, caplog: pytest.LogCaptureFixture
) -> None:
    watchdog.statuses = [404]
    with serving(project) as service:
        wait_for(lambda: failures(caplog))
        assert service.cycle_problem is None
    assert "HTTP 404" in failures(caplog)[0]
    assert "a-secret-id" not in caplog.text


def test_a_silent_heartbeat_holds_up_no_cycle(project: CsvProject, watchdog: Watchdog) -> None:
    watchdog.speaks.clear()
    with serving(project) as service:
        wait_for(lambda: watchdog.calls)
        cycle(service)
        cycle(service)
        assert len(watchdog.calls) == 1  # calls do not pile up


def test_a_reference_that_is_not_set_is_logged(
    project: CsvProject, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEARTBEAT")
    with serving(project):
        wait_for(lambda: failures(caplog))
    assert "HEARTBEAT is not set" in failures(caplog)[0]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hc-ping.example/x", "heartbeat is 'hc-ping.example/x'; write it with https:// in front"),
        ("https://me:secret-password@hc.example/x", "heartbeat has a password written out; write ${NAME} there"),
    ],
)
def test_a_wrong_address_is_refused(project: CsvProject, address: str, message: str) -> None:
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text().replace("${HEARTBEAT}", address))
    with pytest.raises(ConfigError) as caught:
        load_config(settings)
    assert message in str(caught.value)
    assert "secret-password" not in str(caught.value)
