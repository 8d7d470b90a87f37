"""Sends check-ins and messages: each publisher has a thread, and all messages share one thread.

The threads run independently of cycles: a publisher that does not respond delays neither other publishers nor a cycle.
A publisher never has two threads. Deliveries that become due while its thread runs are sent when the thread has
finished its earlier work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from syncd.config.notifying import EVERYBODY
from syncd.cycle.current import for_this_cycle
from syncd.cycle.model import CycleRequest
from syncd.ledger import LedgerError, delivery_lock
from syncd.ledger.outbox import OPEN
from syncd.notifying.send import MessageOutcome, messages_wait, send_messages
from syncd.publishing.delivery import Delivered, PublisherRun, due_runs

log = logging.getLogger("syncd.cycle")

MESSAGES = "notify"
"""The name of the messages' thread. No connection has this name."""

_BOUND = 300.0  # seconds that a command waits for publishers and addresses


class NoThread(RuntimeError):
    """The system has no thread to spare for a publisher."""


@dataclass(slots=True)
class Outcomes:
    """The outcomes of deliveries and messages, or the errors that ended their threads."""

    delivered: list[Delivered] = field(default_factory=list)
    messages: list[MessageOutcome] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


@dataclass(slots=True)
class _Job:
    """A thread, and the request of the last cycle that had work for the thread while the thread ran."""

    thread: threading.Thread
    began: float = field(default_factory=time.monotonic)
    again: CycleRequest | None = None


class Outgoing:
    """Sends the deliveries and messages of a ledger. While a thread runs, it holds the ledger's `delivery_lock`."""

    def __init__(self, ended: Callable[[str, Outcomes], None]) -> None:
        """`ended` is called with the name and the outcomes of a thread that has finished its work, before the thread
        begins new work.
        """
        self._ended = ended
        self._mutex = threading.Lock()
        self._lock = ExitStack()
        self._jobs: dict[str, _Job] = {}

    def start(self, request: CycleRequest, *, messages: bool = True) -> None:
        """Starts a thread for each publisher with due deliveries, and a thread for messages.

        Raises Delivering if another process delivers from this ledger.
        """
        runs = _due(request)
        work = {name: partial(_deliver, due) for name, due in runs.items()}
        if messages and messages_wait(request.config, request.ledger):
            work[MESSAGES] = partial(_send, request)
        with self._mutex:
            if work and not self._jobs:
                self._lock.enter_context(delivery_lock(request.ledger.engine))
            for name, act in work.items():
                if name in self._jobs:
                    self._jobs[name].again = request
                else:
                    thread = threading.Thread(
                        target=for_this_cycle(partial(self._run, name, act)), name=f"deliver-{name}", daemon=True
                    )
                    self._begin(name, thread)

    def _begin(self, name: str, thread: threading.Thread) -> None:
        self._jobs[name] = _Job(thread)
        try:
            thread.start()
        except RuntimeError as error:  # the next cycle tries again
            self._forget(name)
            raise NoThread(str(error)) from error

    def join(self, seconds: float) -> Sequence[str]:
        """Waits for all threads, at most `seconds` seconds. Returns the names of the threads that still run."""
        end = time.monotonic() + seconds
        while (jobs := dict(self._jobs)) and time.monotonic() < end:
            next(iter(jobs.values())).thread.join(min(0.2, seconds))
        return list(jobs)

    @property
    def hanging(self) -> Mapping[str, float]:
        """Maps the name of each thread to the seconds since the thread began."""
        return {name: time.monotonic() - job.began for name, job in list(self._jobs.items())}

    def _run(self, name: str, act: Callable[[Outcomes], None] | None) -> None:
        while act is not None:
            outcomes = Outcomes()
            try:
                act(outcomes)
            except BaseException as error:
                outcomes.errors.append(error)
            try:
                self._ended(name, outcomes)
            except Exception:  # the next cycle sends what is due for this name
                log.exception("delivery broken", extra={"to": name})
            act = self._next(name)

    def _next(self, name: str) -> Callable[[Outcomes], None] | None:
        with self._mutex:
            request, self._jobs[name].again = self._jobs[name].again, None
            if request is None or (request.stopping is not None and request.stopping.is_set()):
                self._forget(name)
                return None
        return partial(_send, request) if name == MESSAGES else partial(_deliver_again, request, name)

    def _forget(self, name: str) -> None:
        if len(self._jobs) == 1:
            with suppress(LedgerError, OSError):  # a lost session has already lost its lock
                self._lock.close()
        del self._jobs[name]  # last: `join` waits for this, and must not return before the lock is free


def deliver(request: CycleRequest, *, messages: bool = True, seconds: float | None = None) -> Outcomes:
    """Sends due deliveries and messages within some minutes, for a command that ends afterwards.

    Deliveries that are still being sent stay `sending`; the next sync treats them as if syncd had been killed. Raises
    Delivering if another process delivers from this ledger. Also raises the error of a thread, such as LedgerError.
    """
    gathered = Outcomes()

    def ended(_: str, outcomes: Outcomes) -> None:
        gathered.delivered += outcomes.delivered
        gathered.messages += outcomes.messages
        gathered.errors += outcomes.errors

    bound = _BOUND if seconds is None else seconds
    outgoing = Outgoing(ended)
    outgoing.start(request, messages=messages)
    hanging = outgoing.join(bound)
    if gathered.errors:
        raise gathered.errors[0]
    why = f"it has not answered for {bound:g} s; the next sync goes on with it"
    if hanging:
        left = request.ledger.outbox.in_state(OPEN)
        gathered.delivered += [
            Delivered(delivery, "waiting", why) for delivery in left if delivery.connection in hanging
        ]
    if MESSAGES in hanging:
        gathered.messages.append(MessageOutcome(EVERYBODY, 0, why))
    return gathered


def _due(request: CycleRequest) -> Mapping[str, Sequence[PublisherRun]]:
    return due_runs(
        request.config,
        request.ledger,
        request.clock,
        retry=request.retry,
        only=request.only,
        patient=request.patient,
        stopping=request.stopping or threading.Event(),
    )


def _deliver(runs: Sequence[PublisherRun], outcomes: Outcomes) -> None:
    for run in runs:
        outcomes.delivered += run.deliver()


def _deliver_again(request: CycleRequest, name: str, outcomes: Outcomes) -> None:
    _deliver(_due(request).get(name, ()), outcomes)


def _send(request: CycleRequest, outcomes: Outcomes) -> None:
    sent = send_messages(request.config, request.ledger, request.clock, stopping=request.stopping)
    outcomes.messages += sent
