"""A stop, and the health of the loop, while a cycle hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from syncd.config import load_config
from syncd.ledger import open_ledger
from syncd.service import job, service
from syncd.service.job import CycleJob
from syncd.service.service import Service
from syncd.web import make_app, serving

PROJECT = (
    "ledger: sqlite:///syncd.db\nmappings: mappings\nschedule: 1d\nconnections:\n  local: {type: files, root: .}\n"
)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: support
    title: Customers find answers without calling us
    key_results:
      - {id: calls, title: Fewer calls, kind: outcome, baseline: 10, target: 5}
"""


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Service, threading.Event]]:
    """A service whose every cycle hangs, and the event that says that one does."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "okrs.yaml").write_text(MAPPING)
    path = tmp_path / "syncd.yaml"
    path.write_text(PROJECT)
    ledger = open_ledger(f"sqlite:///{tmp_path}/syncd.db")
    assert ledger is not None
    hangs, end = threading.Event(), threading.Event()

    def hang(_: object, **__: object) -> None:
        hangs.set()
        end.wait()

    monkeypatch.setattr(job, "run_cycle", hang)
    monkeypatch.setattr(service, "_GRACE", 0.1)
    yield Service(path, load_config(path), lambda: datetime.now(UTC), ledger), hangs
    end.set()


def test_stop_is_obeyed_while_a_cycle_hangs(hanging: tuple[Service, threading.Event]) -> None:
    daemon, hangs = hanging
    running = threading.Thread(target=daemon.run)
    running.start()
    hangs.wait()
    daemon.stop()
    running.join()


def test_health_fails_once_the_loop_stands_still(
    hanging: tuple[Service, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, hangs = hanging
    with serving(make_app(daemon), "127.0.0.1", 0) as port:
        running = threading.Thread(target=daemon.run)
        running.start()
        hangs.wait()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok\n"
        monkeypatch.setattr(service, "_STANDSTILL", 0.0)
        health = httpx.get(f"http://127.0.0.1:{port}/healthz")
        assert (health.status_code, health.text[:27]) == (503, "the service has not moved f")
        daemon.stop()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "stopping\n"
        running.join()


def test_failure_of_the_loop_ends_the_service(
    hanging: tuple[Service, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, _ = hanging

    def fail(_: CycleJob) -> None:
        raise MemoryError

    monkeypatch.setattr(CycleJob, "run", fail)
    with pytest.raises(MemoryError):
        daemon.run()
