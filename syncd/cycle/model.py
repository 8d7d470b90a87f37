"""What goes through a cycle: the request for it, and what each of its phases hands to the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from syncd.config import Config
from syncd.explain.restatements import Restatement
from syncd.ledger import Definition, KeptAlignment, KeptValue, Ledger, LinkId, NewDelivery, NewEvent
from syncd.notifying.send import MessageOutcome
from syncd.okr.goals import Plan, Quality, is_guard
from syncd.publishing.delivery import Delivered
from syncd.sdk import Budget, Json, RetryPolicy, Source, Stream
from syncd.status.report import Report
from syncd.status.verdicts import Judged

KeyResultId = tuple[str, str]
"""(period, key result); a guard is named by its own id."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One stream to pull in this cycle, from where the ledger stands.

    `present` are the ids of the records that the ledger holds of it, where a census is due.
    """

    connection: str
    stream: Stream
    id: int
    cursor: Mapping[str, Json] | None
    census: bool
    present: frozenset[str] = frozenset()
    put_off: PutOff | None = None


@dataclass(frozen=True, slots=True)
class PutOff:
    """A stream whose source asked not to be asked before `until`, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PullResult:
    """How a pull ended; `problems` are those of single parts, or of reconciliation, of a stream read to its end.

    `got` rows came, of as many `expected` as the server announced, where it did; `retry_at` is when the source may be
    asked again, where it said so.
    """

    pull: Pull
    quality: Quality
    reason: str | None
    pages: int = 0
    changed: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)
    got: int = 0
    expected: int | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectionPulls:
    """What is to be pulled through one connection, and its budget."""

    source: Source
    pulls: Sequence[Pull]
    budget: Budget


def _silent(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who wants to hear how pulls go: which are ahead, each page with its number of rows, how each ended."""

    pulling: Callable[[Sequence[Pull]], None] = _silent
    page: Callable[[Pull, int], None] = _silent
    ended: Callable[[PullResult], None] = _silent


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """What a cycle is to do, on what. The caller holds the ledger's lock.

    `only` narrows the cycle to one key result. `reconcile` asks every source for a census. With `tolerant`, for a
    service that runs already, a connection that cannot be opened, or that lacks a field, fails alone. With `patient` a
    source that asked for a later time is not asked before it; a person who types `syncd sync` may ask.
    """

    config: Config
    ledger: Ledger
    clock: Callable[[], datetime]
    retry: RetryPolicy
    only: str | None = None
    reconcile: bool = False
    tolerant: bool = False
    patient: bool = False
    watcher: Watcher = Watcher()
    stopping: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """The first phase's end, at `now`: how the pulls of the plans that are open ended."""

    cycle: int
    now: datetime
    plans: Sequence[Plan]
    results: Sequence[PullResult]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a cycle came to for a key result: its definition, its new value, and the value that it was measured after.

    `last` is the last value that was measured in the same way; None where there is none.
    """

    definition: Definition
    value: KeptValue
    last: KeptValue | None


Measured = Mapping[KeyResultId, Measurement]
"""The second phase's end: every key result that was measured, each guard under its own id."""


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """A link whose verdict is another than before; `old` is None for a link that was never judged."""

    period: str
    link: Judged
    old: KeptAlignment | None


@dataclass(frozen=True, slots=True)
class ForeseenPeriod:
    """A period as it will stand once the cycle's values are kept: its report, and which links and verdicts are new."""

    plan: Plan
    report: Report
    links: Mapping[LinkId, KeptAlignment]
    verdicts: Sequence[NewVerdict]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The third phase's end: what is to be committed with the values."""

    periods: Sequence[ForeseenPeriod]
    deliveries: Sequence[NewDelivery]
    events: Sequence[NewEvent]


@dataclass(frozen=True, slots=True)
class Change:
    """A key result whose value differs from the last one; `old` is None for its first.

    `restated` are the changes that its sources made to past data.
    """

    period: str
    key_result: str
    old: KeptValue | None
    new: KeptValue
    restated: Sequence[Restatement] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a cycle came to."""

    cycle: int
    pulls: Sequence[PullResult] = ()
    measured: Measured = field(default_factory=dict)
    changes: Sequence[Change] = ()
    verdicts: Sequence[NewVerdict] = ()
    delivered: Sequence[Delivered] = ()
    messages: Sequence[MessageOutcome] = ()

    @property
    def key_results(self) -> int:
        """How many key results were measured, guards not among them."""
        return sum(not is_guard(key_result) for _, key_result in self.measured)

    @property
    def held(self) -> int:
        """How many of them wait for approval."""
        return sum(measurement.value.quality == "held" for measurement in self.measured.values())

    @property
    def retry_at(self) -> datetime | None:
        """When the first of the sources and publishers that asked for a later time may be asked again."""
        times = [pull.retry_at for pull in self.pulls] + [delivery.retry_at for delivery in self.delivered]
        return min((moment for moment in times if moment), default=None)

    @property
    def unwritten(self) -> int:
        """How many check-ins a publisher failed to write, and messages that did not arrive."""
        failed = sum(delivery.failed for delivery in self.delivered)
        return failed + sum(message.problem is not None for message in self.messages)

    @property
    def failures(self) -> list[tuple[Pull, str]]:
        """Each stream, or part of one, that could not be read, and why."""
        failed = [(result.pull, result.reason or "failed") for result in self.pulls if result.quality != "complete"]
        for result in self.pulls:
            failed.extend((result.pull, problem) for problem in result.problems.values())
        return failed
