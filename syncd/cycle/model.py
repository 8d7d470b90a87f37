"""The data of a cycle: its request, and the result that each phase passes to the next phase."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from syncd.config import Config
from syncd.explain.restatements import Restatement
from syncd.ledger import Definition, KeptAlignment, KeptValue, Ledger, LinkId, NewDelivery, NewEvent
from syncd.ledger.moves import Held, Move
from syncd.notifying.send import MessageOutcome
from syncd.okr.goals import PeriodOkrs, Quality, is_guard
from syncd.publishing.delivery import Delivered
from syncd.sdk import Json, RetryPolicy, Stream, Unsettled
from syncd.status.report import Report
from syncd.status.verdicts import JudgedLink

KeyResultId = tuple[str, str]
"""The ids of a period and a key result. A guard has its own key result id."""


RECONCILIATION = "reconciliation"
"""The name of the census among the parts of a stream that can fail."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A stream to pull in this cycle, starting at the cursor in the ledger.

    If a census is due, `present` has the ids of the stream's records in the ledger. `unusable` has the fields that
    mapping files name but the source cannot read, each with the reason. The pull leaves these fields out. `asked` has
    the parts and fields that the key result of a restricted cycle needs; it is None in any other cycle.
    """

    connection: str
    stream: Stream
    id: int
    cursor: Mapping[str, Json] | None
    census: bool
    present: frozenset[str] = frozenset()
    put_off: PutOff | None = None
    unusable: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[str] | None = None

    def concerns(self, part: str) -> bool:
        """Whether the cycle needs this part or field of the stream. A cycle that is not restricted to a key result
        needs all.
        """
        return self.asked is None or part in self.asked or part == RECONCILIATION


@dataclass(frozen=True, slots=True)
class PutOff:
    """Says that a stream is not pulled before `until`, because its source named this time."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PullResult:
    """How a pull ended.

    `problems` has the problems of single parts, or of the census, in a stream that was read to its end. Parts in
    `partial` were not read to their end. Parts in `unsettled` were read, but the source itself calls them incomplete.
    `got` is the number of rows that arrived. `expected` is the number that the server announced, or None. `retry_at` is
    the earliest time for the next request, if the source named a time. `moved_in` is true if a record came from another
    list. `notes` name the lists that cannot have records, and why. `not_sent` is the reason why a dry run sent no
    request; the stored rows of the stream then count.
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
    moved_in: bool = False
    notes: Sequence[str] = ()
    partial: Collection[str] = ()
    unsettled: Mapping[str, Unsettled] = field(default_factory=dict)
    not_sent: str | None = None

    @property
    def unread(self) -> bool:
        """Whether no part of the stream could be read, although the pull reached the end of the stream."""
        return is_unread(self.pull.stream, self.problems)


def is_unread(stream: Stream, problems: Collection[str]) -> bool:
    """Whether no part of a stream of readings could be read. `problems` has the parts that have a problem."""
    return stream.kind == "readings" and bool(stream.needs) and stream.needs <= set(problems)


def _silent(*_: object) -> None:
    """Ignores all arguments."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Callbacks for the progress of a cycle.

    A cycle calls `pulling` with the pulls that begin, `page` for each page with its number of rows, and `ended` at the
    end of each pull. It calls `moves` repeatedly while it makes progress.
    """

    pulling: Callable[[Sequence[Pull]], None] = _silent
    page: Callable[[Pull, int], None] = _silent
    ended: Callable[[PullResult], None] = _silent
    moves: Callable[[], None] = _silent


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """The request for a cycle. The caller of a cycle must hold the ledger's lock.

    `only` restricts the cycle to a key result. `reconcile` makes a census of every source. With `patient`, a source
    that named a later time for the next request is not pulled before this time. A `dry_run` stores the pulled rows but
    no value, and sends no request that may change something in a source.
    """

    config: Config
    ledger: Ledger
    clock: Callable[[], datetime]
    retry: RetryPolicy
    only: str | None = None
    reconcile: bool = False
    patient: bool = False
    dry_run: bool = False
    watcher: Watcher = Watcher()
    stopping: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """The result of the first phase: the open periods, and how their pulls ended. The phase ended at `now`."""

    cycle: int
    now: datetime
    periods: Sequence[PeriodOkrs]
    results: Sequence[PullResult]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A key result as a cycle measured it, with its definition and its new value.

    `last` is the last value under the same measure; `newest` is the newest value under any measure.
    """

    definition: Definition
    value: KeptValue
    last: KeptValue | None
    newest: KeptValue | None


Measured = Mapping[KeyResultId, Measurement]
"""The result of the second phase: every key result that was measured. Each guard has its own id."""


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """A link whose verdict changed. `old` is None if the link was never judged."""

    period: str
    link: JudgedLink
    old: KeptAlignment | None


@dataclass(frozen=True, slots=True)
class ForeseenPeriod:
    """A period as it will be with the cycle's values: its report, the links that were judged again, and the new
    verdicts.
    """

    okrs: PeriodOkrs
    report: Report
    links: Mapping[LinkId, KeptAlignment]
    verdicts: Sequence[NewVerdict]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The result of the third phase. The fourth phase commits this result together with the values."""

    periods: Sequence[ForeseenPeriod]
    deliveries: Sequence[NewDelivery]
    events: Sequence[NewEvent]


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A key result whose value differs from its last value. `old` is None for its first value.

    `restated` has the changes that the sources made to past data.
    """

    period: str
    key_result: str
    old: KeptValue | None
    new: KeptValue
    restated: Sequence[Restatement] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A move of a key result or period to a new id. `held` has the numbers of rows that the ledger had of the key
    result; None for a period.
    """

    move: Move
    held: Held | None


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """The moves that a cycle made, and a sentence about each move that was impossible."""

    moved: Sequence[Moved] = ()
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LooksRenamed:
    """A key result `old` that no file has any more, and a new key result with the same measure. Both may be the same
    key result.
    """

    period: str
    old: str
    new: str

    def __str__(self) -> str:
        return (
            f"{self.new} looks like {self.old} renamed: write `moved: {{from: {self.old}}}` on {self.new}, and its "
            f"history goes on; without it, {self.new} starts anew"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a cycle. `renames` are the key results that look renamed without `moved`."""

    cycle: int
    pulls: Sequence[PullResult] = ()
    measured: Measured = field(default_factory=dict)
    changes: Sequence[ValueChange] = ()
    verdicts: Sequence[NewVerdict] = ()
    delivered: Sequence[Delivered] = ()
    messages: Sequence[MessageOutcome] = ()
    unopened: Mapping[str, str] = field(default_factory=dict)
    """Maps each publisher that has no due delivery and cannot be opened to the reason. The key `notify` stands for
    messages.
    """
    carried_over: CarriedOver = CarriedOver()
    renames: Sequence[LooksRenamed] = ()
    delivering: str | None = None
    """The name of another process that delivers, or None. The other process then sends this cycle's check-ins and
    messages too.
    """

    @property
    def key_results(self) -> int:
        """How many key results were measured, without guards."""
        return sum(not is_guard(key_result) for _, key_result in self.measured)

    @property
    def held(self) -> int:
        """How many measured key results and guards are held."""
        return sum(measurement.value.quality == "held" for measurement in self.measured.values())

    @property
    def retry_at(self) -> datetime | None:
        """The earliest time for a next request that any source or publisher named; None if none named a time."""
        times = [pull.retry_at for pull in self.pulls] + [delivery.retry_at for delivery in self.delivered]
        return min((moment for moment in times if moment), default=None)

    @property
    def unwritten(self) -> int:
        """The number of check-ins that publishers failed to write, plus the number of messages that did not arrive."""
        failed = sum(delivery.failed for delivery in self.delivered)
        return failed + sum(message.problem is not None for message in self.messages)

    @property
    def good(self) -> bool:
        """Whether every source was read, and every due check-in and message arrived."""
        return not self.failures and not self.unwritten

    @property
    def failures(self) -> list[tuple[Pull, str]]:
        """Each stream, or part of a stream, that could not be read, and why."""
        failed = [
            (result.pull, result.reason or "failed")
            for result in self.pulls
            if result.quality != "complete" and not result.unread  # its parts say more, each for itself
        ]
        for result in self.pulls:
            problems = {**result.problems, **result.pull.unusable}
            failed.extend((result.pull, why) for part, why in problems.items() if result.pull.concerns(part))
        return failed
