"""When a process that stands still is ended, and when it is not; a stop while the ledger cannot be closed."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from syncd.config import load_config
from syncd.service import reader, standstill
from syncd.service.reader import LedgerReader
from syncd.service.standstill import Watch


class Ended(Exception):
    pass


class Machine:
    """A clock, a loop, and who looks at it each second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.stands = 1000.0, False
        monkeypatch.setattr(standstill, "time", SimpleNamespace(monotonic=lambda: self.now))

        def end() -> None:
            raise Ended

        monkeypatch.setattr(standstill, "_end", end)
        self.watch = Watch(lambda: 200.0 if self.stands else None)

    def go_on(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.watch.look()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_process_that_stands_still_ends(machine: Machine) -> None:
    machine.go_on(5000)
    machine.stands = True
    machine.go_on(700)
    with pytest.raises(Ended):
        machine.go_on(30)


def test_process_that_moves_again_goes_on(machine: Machine) -> None:
    for _ in range(3):
        machine.stands = True
        machine.go_on(700)
        machine.stands = False
        machine.go_on(1)


def test_process_that_slept_has_its_time_anew(machine: Machine) -> None:
    machine.stands = True
    machine.go_on(700)
    machine.now += 10_000
    machine.go_on(700)


@pytest.fixture
def daemon(tmp_path: Path) -> LedgerReader:
    path = tmp_path / "syncd.yaml"
    path.write_text("ledger: sqlite:///syncd.db\nmappings: okrs.yaml\nschedule: 1d\nconnections: {}\n")
    (tmp_path / "okrs.yaml").write_text(
        "period: 2026-Q4\n"
        "objectives:\n"
        "  - id: support\n"
        "    title: Customers find answers\n"
        "    key_results: [{id: calls, title: Fewer calls, kind: outcome, baseline: 10, target: 5}]\n"
    )
    return LedgerReader(path, load_config(path))


def test_serve_obeys_the_stop_while_its_ledger_cannot_be_closed(
    daemon: LedgerReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_CLOSING", 0.1)
    with daemon._opening:  # as a page that waits for the ledger
        running = threading.Thread(target=daemon.run, daemon=True)
        running.start()
        daemon.stop()
        running.join(240)
        assert not running.is_alive()


def test_serve_obeys_a_stop_that_comes_while_the_event_is_held(daemon: LedgerReader) -> None:
    """A signal comes at any point of the main thread; what it holds then is not given back before the handler ends."""
    waited: list[str] = []
    wait = daemon._stop.wait

    def note(timeout: float | None = None) -> bool:
        waited.append(threading.current_thread().name)
        return wait(timeout)

    daemon._stop.wait = note  # type: ignore[method-assign]
    running = threading.Thread(target=daemon.run, name="main of serve", daemon=True)
    running.start()
    running.join(0.5)
    daemon.stop()
    running.join(240)
    assert "main of serve" not in waited
