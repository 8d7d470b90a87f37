"""Who is next: the turns of many workspaces in a few threads, that which has been due longest first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

log = logging.getLogger("syncd.workspaces")
_MOST = 8
_LOOK = 1.0  # seconds between two looks at what is due: a machine that slept has a later time


class TakesTurns(Protocol):
    """What has turns."""

    name: str

    def late(self) -> float:
        """For how many seconds its next turn has been due; below zero if it is not due yet."""
        ...

    def turn(self) -> None:
        """Takes a turn. Raises nothing."""
        ...


class Turns:
    """At most so many turns at a time, and at most one of each. A turn has a thread of its own, so that one that hangs
    when the process stops is left behind.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self.moved_at = time.monotonic()
        self._stopping = stopping
        self._wake = threading.Event()
        self._running: dict[TakesTurns, tuple[threading.Thread, float]] = {}
        """The thread of each turn, and when it began by the monotonic clock."""

    def wake(self) -> None:
        """Looks at once at what is due."""
        self._wake.set()

    @property
    def running(self) -> Mapping[TakesTurns, float]:
        """Whose turn it is now, and for how many seconds it has been."""
        now = time.monotonic()
        return {taker: now - began for taker, (_, began) in list(self._running.items())}

    @property
    def are_all_taken(self) -> bool:
        """Whether no turn can begin until another ends."""
        return len(self._running) >= _MOST

    def run(self, takers: Callable[[], Iterable[TakesTurns]]) -> None:
        """Gives turns until the process stops; `takers` are those that may have one now."""
        while not self._stopping.is_set():
            self.moved_at = time.monotonic()
            self._wake.clear()
            late = [(taker.late(), taker) for taker in takers() if taker not in self._running]
            due = sorted((each for each in late if each[0] >= 0), key=lambda each: each[0], reverse=True)
            for _, taker in due[: _MOST - len(self._running)]:
                if not self._begin(taker):
                    break  # the next look tries again
            next_late = max((seconds for seconds, _ in late if seconds < 0), default=-_LOOK)
            self._wake.wait(min(-next_late, _LOOK))

    def join(self, seconds: float) -> Sequence[str]:
        """Waits for the turns that are under way, at most so many seconds; returns the names of those that hang."""
        end = time.monotonic() + seconds
        for thread, _ in list(self._running.values()):
            thread.join(max(0.0, end - time.monotonic()))
        return [taker.name for taker in self.running]

    def _begin(self, taker: TakesTurns) -> bool:
        """Begins a turn; False if the system refuses a thread for it."""

        def turn() -> None:
            try:
                taker.turn()
            finally:
                del self._running[taker]
                self._wake.set()

        thread = threading.Thread(target=turn, name=f"turn-{taker.name}", daemon=True)
        self._running[taker] = thread, time.monotonic()
        try:
            thread.start()
        except RuntimeError as error:
            del self._running[taker]
            log.warning("a turn cannot begin yet", extra={"workspace": taker.name, "reason": str(error)})
            return False
        return True
