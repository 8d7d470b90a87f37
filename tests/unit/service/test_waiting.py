"""The wait between two cycles, with a clock that is set or a machine that sleeps."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from syncd.service import due
from syncd.service.due import Due
from syncd.service.service import Service

START = datetime(2026, 11, 28, 9, tzinfo=UTC)


class Clock(datetime):
    """The machine's clock and its monotonic clock, which move when something waits."""

    time = START
    passed = 0.0
    steps: Iterator[timedelta] = iter(())

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.time

    @classmethod
    def wait(cls, seconds: float) -> None:
        cls.passed += seconds
        cls.time += timedelta(seconds=seconds) + next(cls.steps, timedelta())


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that waits by `Clock`."""
    Clock.time, Clock.passed, Clock.steps = START, 0.0, iter(())
    monkeypatch.setattr(due, "datetime", Clock)
    monkeypatch.setattr(due.time, "monotonic", lambda: Clock.passed)
    waiting = Service.__new__(Service)
    waiting._wake = threading.Event()
    monkeypatch.setattr(waiting._wake, "wait", Clock.wait)
    job = SimpleNamespace(send_again_at=None, moved=lambda: None, has_new_request=lambda: False)
    monkeypatch.setattr(waiting, "job", job, raising=False)
    return waiting


def after(wait: timedelta) -> Due:
    """When a job that ran at the start is due."""
    return Due(START + wait, START, 0.0)


def test_a_wait_ends_when_the_cycle_is_due(waiting: Service) -> None:
    waiting._wait(after(timedelta(minutes=15)))
    assert Clock.passed == 900


def test_a_clock_that_is_set_back_delays_no_cycle_beyond_its_schedule(waiting: Service) -> None:
    Clock.steps = iter([timedelta(days=-5)])
    waiting._wait(after(timedelta(minutes=15)))
    assert Clock.passed == 900


def test_a_machine_that_slept_starts_a_due_cycle_soon(waiting: Service) -> None:
    Clock.steps = iter([timedelta(days=3)])
    waiting._wait(after(timedelta(hours=6)))
    assert Clock.passed <= 30


@pytest.mark.usefixtures("waiting")
def test_a_step_of_the_clock_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "syncd.service"):
        after(timedelta()).note_a_step()
        assert caplog.records == []
        Clock.time += timedelta(days=-5)
        after(timedelta()).note_a_step()
    assert [(record.message, record.__dict__["seconds"]) for record in caplog.records] == [("clock stepped", -432000)]
