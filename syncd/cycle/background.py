"""Pulls that outlast a cycle go on during the next cycles, so that other connections do not wait for them.

A connection never has two threads. If a cycle needs exactly the pulls of a thread, the thread goes on, and the cycle
counts the pages that the thread hands over. Any other thread is asked to end. Once the thread has ended, a new thread
pulls its connection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from syncd.cycle.open_sources import NeededSource
from syncd.cycle.pull_thread import PullThread
from syncd.cycle.write_pages import PageWriter
from syncd.ledger.streams import Streams, StreamState

_MOMENT = 1.0  # seconds that a thread may take to end if it only waits for the writer


@dataclass(slots=True)
class Pulling:
    """A connection that is being pulled: its thread, and the writer of the pages that the thread hands over.

    `begun` is true once the thread has checked the fields and got its pulls. `states` are the states of its streams at
    the end of the last cycle.
    """

    needed: NeededSource
    thread: PullThread
    writer: PageWriter
    begun: bool = False
    states: Mapping[str, StreamState] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether every pull has ended."""
        return self.begun and not self.writer.open

    def pulls_the_same(self, needed: NeededSource, states: Mapping[str, StreamState]) -> bool:
        """Whether a cycle can use the pulls of this thread.

        The cycle must need the same streams of the same server. No other pull may have changed these streams since.
        """
        before, now = self.needed, needed
        return (
            (before.connection.kind, before.connection.settings) == (now.connection.kind, now.connection.settings)
            and (before.streams, before.asked) == (now.streams, now.asked)
            and self.states == states
            and self.thread.has_more
        )


class Background:
    """The threads that outlasted their cycle. A cycle waits at most `silent` seconds for a thread that sends nothing,
    and at most `longest` seconds in all.
    """

    silent: float = 300.0
    longest: float = math.inf

    def __init__(self, came_back: Callable[[], None]) -> None:
        """`came_back` is called when a thread has ended or needs a cycle to go on."""
        self._came_back = came_back
        self._left: dict[str, Pulling] = {}

    def leave(self, pulling: Pulling, streams: Streams) -> None:
        """Stores a thread that outlasts its cycle. If the thread was stopped or its pulls have ended, asks the thread
        to end.
        """
        name = pulling.needed.connection.name
        self._left[name] = pulling
        if pulling.ended or pulling.thread.stopped:
            pulling.thread.stop()
        else:
            pulling.states = streams.states(name)
            pulling.thread.leave(self._came_back)

    def take(self, needed: NeededSource, states: Mapping[str, StreamState]) -> Pulling | None:
        """The stored thread of a connection, with its pulls; None if there is none. If the thread's pulls cannot be
        used and the thread does not end at once, the thread is returned too; its `stopped` is then true.
        """
        pulling = self._left.get(needed.connection.name)
        if pulling is None:
            return None
        if not pulling.thread.stopped and pulling.pulls_the_same(needed, states):
            del self._left[needed.connection.name]
            return pulling
        pulling.thread.stop()
        if pulling.thread.join(_MOMENT):
            del self._left[needed.connection.name]
            return None
        return pulling

    def stop_others(self, connections: Collection[str]) -> None:
        """Ends the threads of connections that are not needed any more."""
        for name, pulling in list(self._left.items()):
            if name not in connections:
                pulling.thread.stop()
                if not pulling.thread.alive:
                    del self._left[name]

    @property
    def hanging(self) -> Mapping[str, float]:
        """Maps each connection whose thread outlasted its cycle to the seconds since the thread last reported
        anything.
        """
        left = {name: pulling.thread for name, pulling in list(self._left.items())}
        return {name: thread.silent for name, thread in left.items() if thread.alive and thread.silent > _MOMENT}
