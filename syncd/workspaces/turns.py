"""Gives turns to many workspaces in a few threads. The turn that has been due longest comes first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

log = logging.getLogger("syncd.workspaces")
_MOST = 8
_LOOK = 1.0  # seconds between two checks of due turns, because a machine may have slept


class TakesTurns(Protocol):
    """An object that has turns."""

    name: str

    def late(self) -> float:
        """For how many seconds the next turn has been due; negative if it is not due yet."""
        ...

    def turn(self) -> None:
        """Takes a turn. Raises nothing."""
        ...


class Turns:
    """Runs at most `_MOST` turns at a time, and at most one of each workspace. Each turn has its own thread, so that
    the process can end although a turn hangs.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self.moved_at = time.monotonic()
        self._stopping = stopping
        self._wake = threading.Event()
        self._running: dict[TakesTurns, tuple[threading.Thread, float]] = {}
        """The thread of each turn, and the time at which it began, by the monotonic clock."""

    def wake(self) -> None:
        """Makes `run` check at once for due turns."""
        self._wake.set()

    @property
    def running(self) -> Mapping[TakesTurns, float]:
        """The workspaces that have a turn now, each with the seconds since the turn began."""
        now = time.monotonic()
        return {taker: now - began for taker, (_, began) in list(self._running.items())}

    @property
    def are_all_taken(self) -> bool:
        """Whether no turn can begin until another ends."""
        return len(self._running) >= _MOST

    def run(self, takers: Callable[[], Iterable[TakesTurns]]) -> None:
        """Gives turns until the process stops. `takers` returns the workspaces that may have a turn now."""
        while not self._stopping.is_set():
            self.moved_at = time.monotonic()
            self._wake.clear()
            late = [(taker.late(), taker) for taker in takers() if taker not in self._running]
            due = sorted((each for each in late if each[0] >= 0), key=lambda each: each[0], reverse=True)
            for _, taker in due[: _MOST - len(self._running)]:
                if not self._begin(taker):
                    break  # the next check tries again
            next_late = max((seconds for seconds, _ in late if seconds < 0), default=-_LOOK)
            self._wake.wait(min(-next_late, _LOOK))

    def join(self, seconds: float) -> Sequence[str]:
        """Waits for the running turns, at most `seconds` seconds; returns the names of the turns that hang."""
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
