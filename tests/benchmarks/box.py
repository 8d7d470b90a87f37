"""A sandbox in a process of its own, so that its work does not count as a contender's."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Traffic:
    """The number of requests, and the bytes of the responses' bodies; how many were answered that nothing has changed
    (304), and how often each address was asked for.
    """

    requests: int
    bytes: int
    unchanged: int
    by_address: Mapping[str, int]


class Box:
    """The handle of a sandbox in another process."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url, self.credentials = pipe.recv()

    def traffic(self) -> Traffic:
        """The traffic since the last call."""
        return self._ask("traffic")

    def change(self) -> None:
        """Makes fifty changes to the world."""
        self._ask("change")

    def delay(self, seconds: float) -> None:
        """From now on GitHub sends every response this much later."""
        self._ask("delay", seconds)

    def heal(self) -> None:
        """Ends the delay."""
        self._ask("heal")

    def _ask(self, *words: Any) -> Any:
        self._pipe.send(words)
        return self._pipe.recv()


@contextmanager
def boxed(world: str) -> Iterator[Box]:
    """A sandbox that serves the world of that name until the block ends."""
    spawning = multiprocessing.get_context("spawn")  # a forked process would count this process's memory as its own
    pipe, pipe_of_sandbox = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(world, pipe_of_sandbox), daemon=True)
    process.start()
    try:
        yield Box(pipe)
    finally:
        pipe.send(("stop",))
        process.join(10)


def _serve(name: str, pipe: Connection) -> None:
    from worlds import CHANGES, WORLDS

    from syncd.sandbox import Fault, Sandbox

    world = WORLDS[name]()
    with Sandbox(world, "127.0.0.1", 0).running() as box:
        pipe.send((box.url, box.credentials))
        while True:
            match pipe.recv():
                case ("traffic",):
                    requests = list(box.requests)
                    box.requests.clear()
                    sent = sum(request.bytes_sent for request in requests)
                    unchanged = sum(request.status == 304 for request in requests)
                    addresses = Counter(f"{request.method} {request.path}?{request.query}" for request in requests)
                    pipe.send(Traffic(len(requests), sent, unchanged, addresses))
                    continue
                case ("change",):
                    CHANGES[name](world)
                case ("delay", seconds):
                    box.fault(Fault("github", "delay", seconds=seconds))
                case ("heal",):
                    box.heal()
                case ("stop",):
                    return
            pipe.send(None)
