"""Check-ins and messages on their way: each publisher has a thread, and the messages have one.

The threads read and write the outbox beside the cycles. A publisher that is silent holds up neither the others nor a
cycle, and gets no second thread: what comes due for it meanwhile is tried once its thread comes to it.
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
"""The name of the thread of the messages; no connection has it."""

_BOUND = 300.0  # seconds that a command waits for publishers and addresses


@dataclass(slots=True)
class Outcomes:
    """What became of deliveries and messages, or the errors that ended their threads."""

    delivered: list[Delivered] = field(default_factory=list)
    messages: list[MessageOutcome] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


@dataclass(slots=True)
class _Job:
    """A thread, and the request of a cycle that came due while it ran."""

    thread: threading.Thread
    began: float = field(default_factory=time.monotonic)
    again: CycleRequest | None = None


class Outgoing:
    """The deliveries and messages of a ledger that are on their way, while it holds the ledger's `delivery_lock`."""

    def __init__(self, ended: Callable[[str, Outcomes], None]) -> None:
        """`ended` is called in a thread that ended, with its name, before another thread of that name can begin."""
        self._ended = ended
        self._mutex = threading.Lock()
        self._lock = ExitStack()
        self._jobs: dict[str, _Job] = {}

    def start(self, request: CycleRequest, *, messages: bool = True) -> None:
        """Starts a thread for each publisher that something is due for, and for messages.

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
        except RuntimeError:  # the system has no thread left: the next cycle tries again
            self._forget(name)
            raise

    def join(self, seconds: float) -> Sequence[str]:
        """Waits until nothing is on its way, at most so many seconds. Returns the names of the threads that hang."""
        end = time.monotonic() + seconds
        while (jobs := dict(self._jobs)) and time.monotonic() < end:
            next(iter(jobs.values())).thread.join(min(0.2, seconds))
        return list(jobs)

    @property
    def hanging(self) -> Mapping[str, float]:
        """For how many seconds each thread has run."""
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
            except Exception:  # what is due for this name must be sent by the next cycle
                log.exception("delivery broken", extra={"to": name})
            act = self._next(name)

    def _next(self, name: str) -> Callable[[Outcomes], None] | None:
        """What came due for this thread while it ran; None, and the thread ends, if nothing did."""
        with self._mutex:
            request, self._jobs[name].again = self._jobs[name].again, None
            if request is None or (request.stopping is not None and request.stopping.is_set()):
                self._forget(name)
                return None
        return partial(_send, request) if name == MESSAGES else partial(_deliver_again, request, name)

    def _forget(self, name: str) -> None:
        if len(self._jobs) == 1:
            with suppress(LedgerError, OSError):  # the lock of a lost session is lost
                self._lock.close()
        del self._jobs[name]  # last, because `join` looks for it: nobody may wait for less than the free lock


def deliver(request: CycleRequest, *, messages: bool = True, seconds: float | None = None) -> Outcomes:
    """Delivers what is due and sends the messages, for a command that ends then: within some minutes.

    What is still on its way goes on with the next sync, like what was being sent when syncd was killed. Raises
    Delivering if another process delivers from this ledger, and the error of a thread, such as LedgerError.
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
