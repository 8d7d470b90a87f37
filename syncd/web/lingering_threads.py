"""Threads that end when they have had no call for a while, so that many idle executors need no threads.

`ThreadPoolExecutor` keeps each thread that it ever started, and Python waits for these threads when the process ends.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_LINGER = 5.0


class LingeringThreads(Executor):
    """Runs calls in at most `threads` threads, in the order of their submission.

    It needs no `shutdown`: its threads end by themselves, and a hanging thread does not keep the process from ending.
    """

    def __init__(self, threads: int, name: str, *, linger: float = _LINGER) -> None:
        """A thread ends once it has waited `linger` seconds for a call."""
        self._most = threads
        self._name = name
        self._linger = linger
        self._changed = threading.Condition()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._numbers: set[int] = set()
        """The numbers of the living threads."""
        self._waiting = 0
        """The number of threads that wait for a call. Before a thread ends, it looks for a call once more."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submits a call, and returns the future of its result. Raises RuntimeError if the system refuses a needed
        thread.
        """
        future: Future[T] = Future()
        with self._changed:
            self._calls.append((future, partial(fn, *args, **kwargs)))
            if len(self._calls) <= self._waiting:
                self._changed.notify()
            elif len(self._numbers) < self._most:
                try:
                    self._begin()
                except BaseException:
                    self._calls.pop()
                    raise
        return future

    def _begin(self) -> None:
        number = min({*range(self._most)} - self._numbers)
        thread = threading.Thread(target=self._work, args=(number,), name=f"{self._name}_{number}", daemon=True)
        thread.start()
        self._numbers.add(number)  # the thread waits for the lock, so that it cannot end before this

    def _work(self, number: int) -> None:
        while (call := self._next(number)) is not None:
            _answer(*call)
            del call  # while the thread waits, it keeps no reference to the call

    def _next(self, number: int) -> tuple[Future[Any], Callable[[], Any]] | None:
        """The oldest waiting call. None if no call arrives in time; then the thread is no longer counted."""
        with self._changed:
            self._waiting += 1
            has_come = self._changed.wait_for(lambda: self._calls, self._linger)
            self._waiting -= 1
            if has_come:
                return self._calls.popleft()
            self._numbers.discard(number)
            return None


def _answer(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
    finally:
        del future  # an error refers to this frame: without `del`, only the garbage collector could free the two
