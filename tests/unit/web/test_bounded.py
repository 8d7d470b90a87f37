"""Work in few threads, each with a bound: what comes out of it, and what it costs when it fails."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from opened import create_ledger
from starlette.exceptions import HTTPException

import syncd.web
from syncd.ledger import Ledger, LedgerError, wrong_cells
from syncd.sdk import SyncdError
from syncd.web import bounded
from syncd.web.bodies import BodyRefused
from syncd.web.bounded import Bounded, Overdue
from syncd.web.provider import LoginRefused


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of the thread of each scan of a ledger."""
    threads: list[str] = []

    def check_cells(_: Path, *, texts: bool) -> None:
        threads.append(threading.current_thread().name)

    monkeypatch.setattr(wrong_cells, "check_cells", check_cells)
    return threads


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(create_ledger(f"sqlite:///{tmp_path}/ledger.db")) as ledger:
        yield ledger


def outcome(error: BaseException, seconds: float = 60, ledger: Ledger | None = None) -> BaseException:
    """What the caller gets of work that raises this."""

    def work() -> None:
        raise error

    with pytest.raises(BaseException) as raised:
        asyncio.run(Bounded("work", threads=1, seconds=seconds, ledger=lambda: ledger).run(work))
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        LoginRefused("the sentence", "the reason"),
        BodyRefused(413, "too large"),
        LedgerError("it is gone"),
        HTTPException(404),
    ],
)
def test_refusal_costs_no_scan_of_the_ledger(scans: list[str], error: Exception) -> None:
    assert outcome(error) is error
    assert scans == []


def test_every_error_that_pages_raise_on_purpose_is_foreseen() -> None:
    for module in pkgutil.iter_modules(syncd.web.__path__):
        names = vars(importlib.import_module(f"syncd.web.{module.name}"))
        errors = [each for each in names.values() if isinstance(each, type) and issubclass(each, Exception)]
        own = [error for error in errors if error.__module__.startswith("syncd.web.")]
        assert [error for error in own if not issubclass(error, SyncdError | HTTPException)] == []


def test_scan_after_an_error_that_nobody_foresaw_takes_a_thread_of_the_work(scans: list[str], ledger: Ledger) -> None:
    error = ValueError("nobody foresaw this")
    assert outcome(error, ledger=ledger) is error
    assert scans == ["work_0"]


def test_error_stands_where_the_scan_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(bounded, "explained", lambda error, _: ended.wait(60) and error)
    error = ValueError("nobody foresaw this")
    threading.Timer(0.2, ended.set).start()  # so that the executor can end
    assert outcome(error, seconds=0.01) is error


def test_time_that_is_over_within_the_work_is_no_silence_of_the_ledger(scans: list[str]) -> None:
    error = TimeoutError("of a socket")
    assert outcome(error) is error


def test_work_that_does_not_end_in_time_is_overdue_by_the_name_of_what_it_waits_for() -> None:
    ended = threading.Event()
    waiting = Bounded("work", threads=1, seconds=0.01, sentence="the file has not been read for %(num)s s")
    with pytest.raises(Overdue, match=r"^the file has not been read for 0\.01 s$"):
        asyncio.run(waiting.run(ended.wait))
    ended.set()
