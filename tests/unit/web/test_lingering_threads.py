"""Threads that end once nothing comes: what they answer, and what of them is left."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from waiting import HANG, wait_for

from syncd.web import bounded, events, lingering_threads
from syncd.web.bounded import Bounded, Overdue
from syncd.web.deployment_key import DeploymentKey
from syncd.web.events import Events, Streams
from syncd.web.lingering_threads import LingeringThreads

BRIEF = 0.1
REFUSAL = "can't start new thread"


@pytest.fixture
def left() -> Callable[[], Sequence[str]]:
    """The names of the threads that were begun since the test began."""
    before = set(threading.enumerate())
    return lambda: [thread.name for thread in threading.enumerate() if thread not in before]


class Refusal:
    """A system that starts no thread, until a test says that it does."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.is_over = False
        self._start = threading.Thread.start

    def start(self, thread: threading.Thread) -> None:
        if not self.is_over:
            self.names.append(thread.name)
            raise RuntimeError(REFUSAL)
        self._start(thread)


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Refusal:
    refusal = Refusal()
    monkeypatch.setattr(threading.Thread, "start", lambda thread: refusal.start(thread))
    return refusal


def daemon() -> Any:
    problems = dict.fromkeys(("config_problem", "cycle_problem", "backup_problem", "standing_by"))
    return SimpleNamespace(stopping=False, ledger=None, config=None, **problems)


async def opened(stream: Events) -> None:
    """Looks as for an open stream, until the first look is over."""
    stream._streams = 1
    stream._looking = asyncio.create_task(stream._look_again_and_again())
    while stream._state is None:
        await asyncio.wait_for(stream._changed.wait(), HANG)
    stream._streams = 0
    await stream._looking


def test_workspaces_that_nobody_looks_at_any_more_keep_no_thread(
    monkeypatch: pytest.MonkeyPatch, left: Callable[[], Sequence[str]]
) -> None:
    monkeypatch.setattr(bounded, "LingeringThreads", partial(LingeringThreads, linger=BRIEF))
    monkeypatch.setattr(events, "_EVERY", 0.01)
    looked_at: list[object] = []

    async def look() -> None:
        for _ in range(60):
            pages, key, stream = (
                Bounded("page", threads=4, seconds=HANG),
                DeploymentKey(daemon()),
                Events(daemon(), Streams()),
            )
            looked_at.extend((pages, key, stream))
            async with asyncio.TaskGroup() as group:
                for work in (pages.run(int), pages.run(int), key.of("forms"), opened(stream)):
                    group.create_task(work)  # type: ignore[arg-type]

    asyncio.run(look())
    wait_for(lambda: not left())
    assert len(looked_at) == 180


def test_calls_beyond_the_threads_wait_and_all_are_answered_in_their_order() -> None:
    threads, goes_on, begun = LingeringThreads(3, "work", linger=BRIEF), threading.Event(), list[tuple[int, str]]()

    def work(number: int) -> int:
        begun.append((number, threading.current_thread().name))
        assert goes_on.wait(HANG)
        return number

    futures = [threads.submit(work, number) for number in range(12)]
    wait_for(lambda: len(begun) == 3)
    goes_on.set()
    assert [future.result(HANG) for future in futures] == [*range(12)]
    assert [number for number, _ in sorted(begun)] == [*range(12)]
    assert {name for _, name in begun} == {"work_0", "work_1", "work_2"}


def test_thread_that_waits_takes_the_next_call() -> None:
    threads = LingeringThreads(4, "work", linger=HANG)
    names = set()
    for _ in range(20):
        names.add(threads.submit(lambda: threading.current_thread().name).result(HANG))
        wait_for(lambda: threads._waiting == 1)
    assert names == {"work_0"}


def test_error_in_a_call_reaches_the_caller_and_ends_no_thread() -> None:
    threads = LingeringThreads(1, "work", linger=HANG)

    async def divide() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(threads, lambda: 1 / 0)
        with pytest.raises(SystemExit):
            await loop.run_in_executor(threads, sys.exit)
        return await loop.run_in_executor(threads, lambda: 1 / 2)

    assert asyncio.run(divide()) == 0.5


def test_call_that_nobody_waits_for_any_more_is_not_made() -> None:
    threads, goes_on, made = LingeringThreads(1, "work", linger=BRIEF), threading.Event(), list[int]()
    first = threads.submit(goes_on.wait, HANG)
    wait_for(first.running)
    second, third = threads.submit(made.append, 2), threads.submit(made.append, 3)
    assert second.cancel()
    goes_on.set()
    third.result(HANG)
    assert made == [3]


@pytest.mark.parametrize("linger", [0.0, 0.0001, 0.001])
def test_no_answer_is_lost_while_threads_end(linger: float) -> None:
    """Several callers ask just when threads give up waiting."""
    threads, answers = LingeringThreads(2, "work", linger=linger), list[int]()
    pauses = threading.Event()

    def ask(caller: int) -> None:
        for number in range(300):
            answers.append(threads.submit(int, caller * 300 + number).result(HANG))
            pauses.wait(linger * (number % 3) / 2)

    callers = [threading.Thread(target=ask, args=(caller,), daemon=True) for caller in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(HANG)
    assert sorted(answers) == [*range(1200)]
    wait_for(lambda: not threads._numbers)
    assert threads._waiting == 0


def test_call_without_a_thread_fails_and_counts_as_nothing(refusal: Refusal) -> None:
    threads, made = LingeringThreads(1, "work", linger=BRIEF), list[int]()
    for _ in range(3):
        with pytest.raises(RuntimeError, match=REFUSAL):
            threads.submit(made.append, 1)
    assert refusal.names == ["work_0"] * 3
    refusal.is_over = True
    threads.submit(made.append, 2).result(HANG)
    assert made == [2]


def test_page_without_a_thread_answers_a_sentence_and_the_next_its_content(
    refusal: Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    pages = Bounded("page", threads=1, seconds=HANG)
    with caplog.at_level(logging.WARNING), pytest.raises(Overdue, match="start no more threads"):
        asyncio.run(pages.run(int))
    assert [record.message for record in caplog.records] == ["no thread can be started to answer a request"]
    refusal.is_over = True
    assert asyncio.run(pages.run(int)) == 0


def test_open_pages_are_told_again_once_there_is_a_thread(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_EVERY", 0.01)

    async def look() -> object:
        stream = Events(daemon(), Streams())
        looking = asyncio.create_task(opened(stream))
        while len(refusal.names) < 2:
            assert not looking.done()
            await asyncio.sleep(0.01)
        refusal.is_over = True
        await looking
        return stream._looking

    assert asyncio.run(look()) is None


def test_call_that_hangs_does_not_keep_the_process_from_ending() -> None:
    program = (
        "import runpy, sys, threading\n"
        "threads = runpy.run_path(sys.argv[1])['LingeringThreads'](1, 'work')\n"
        "began = threading.Event()\n"
        "threads.submit(lambda: (began.set(), threading.Event().wait()))\n"
        "began.wait()\n"
    )
    command = [sys.executable, "-c", program, lingering_threads.__file__]
    assert subprocess.run(command, timeout=HANG, check=False).returncode == 0
