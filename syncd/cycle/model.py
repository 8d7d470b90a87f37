"""The data of a cycle: the request for it, and what each phase hands to the next."""

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
"""(period, key result); a guard is named by its own id."""


RECONCILIATION = "reconciliation"
"""The name of a census among the parts of a stream that can fail."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A stream to pull in this cycle, from the ledger's cursor.

    If a census is due, `present` are the ids of the records that the ledger holds of the stream. `unusable` are the
    fields that mappings name and that cannot be read, each with the reason; the stream does not need them. `asked` are
    the parts and fields of the key result that the cycle is restricted to, None if it is not.
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
        """Whether a part of the stream, or a field, is needed by the key result that the cycle is restricted to."""
        return self.asked is None or part in self.asked or part == RECONCILIATION


@dataclass(frozen=True, slots=True)
class PutOff:
    """A stream that is not pulled, because its source asked for a later time."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PullResult:
    """How a pull ended. `problems` concern single parts of a stream that was read to its end, or its census; of the
    parts in `partial`, some was read; those that are `unsettled` were read, and are not complete in the source itself.

    `got` is the number of rows that came; `expected` is the announced number, None if the server announces none.
    `retry_at` is when the source may be asked again, None if it named no time. `moved_in` says that a record came from
    another list. `notes` tell which lists can hold nothing, and why. `not_sent` says why a dry run did not ask: what
    the ledger holds of the stream counts.
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


def _silent(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Callbacks for the progress of a cycle: for the list of pulls, for each page with its number of rows, for the end
    of each pull, and, again and again, for the fact that the cycle moves.
    """

    pulling: Callable[[Sequence[Pull]], None] = _silent
    page: Callable[[Pull, int], None] = _silent
    ended: Callable[[PullResult], None] = _silent
    moves: Callable[[], None] = _silent


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """What a cycle is to do. The caller holds the ledger's lock.

    `only` restricts the cycle to a key result. `reconcile` asks every source for a census. With `patient`, a source
    that asked for a later time is left alone until then; a person who types `syncd sync` is not `patient`. A `dry_run`
    keeps the pulled rows but no value, and sends nothing that may change something.
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
    """The result of the first phase, which ended at `now`: the open periods, and how their pulls ended."""

    cycle: int
    now: datetime
    periods: Sequence[PeriodOkrs]
    results: Sequence[PullResult]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A key result as a cycle measured it: its definition, its new value, the last value under the same measure, and
    the newest one under any measure.
    """

    definition: Definition
    value: KeptValue
    last: KeptValue | None
    newest: KeptValue | None


Measured = Mapping[KeyResultId, Measurement]
"""The result of the second phase: every key result that was measured, each guard under its own id."""


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """A link whose verdict changed; `old` is None for a link that was never judged."""

    period: str
    link: JudgedLink
    old: KeptAlignment | None


@dataclass(frozen=True, slots=True)
class ForeseenPeriod:
    """A period as it will stand with the cycle's values: its report, the links judged again, and the new verdicts."""

    okrs: PeriodOkrs
    report: Report
    links: Mapping[LinkId, KeptAlignment]
    verdicts: Sequence[NewVerdict]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The result of the third phase: what is committed with the values."""

    periods: Sequence[ForeseenPeriod]
    deliveries: Sequence[NewDelivery]
    events: Sequence[NewEvent]


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A key result whose value differs from its last one; `old` is None for its first value.

    `restated` are the changes that its sources made to past data.
    """

    period: str
    key_result: str
    old: KeptValue | None
    new: KeptValue
    restated: Sequence[Restatement] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A key result or period that got a new id, and what the ledger held of it; None for a period."""

    move: Move
    held: Held | None


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """The moves that were made, and a sentence for each move that is not possible."""

    moved: Sequence[Moved] = ()
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LooksRenamed:
    """A key result `old` that no file has any more, and a new one with the same measure."""

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
    """The result of a cycle. `renames` are the key results that may have been renamed without `moved`."""

    cycle: int
    pulls: Sequence[PullResult] = ()
    measured: Measured = field(default_factory=dict)
    changes: Sequence[ValueChange] = ()
    verdicts: Sequence[NewVerdict] = ()
    delivered: Sequence[Delivered] = ()
    messages: Sequence[MessageOutcome] = ()
    unopened: Mapping[str, str] = field(default_factory=dict)
    """Each publisher that cannot be opened although nothing is due there, and why; `notify` for the messages."""
    carried_over: CarriedOver = CarriedOver()
    renames: Sequence[LooksRenamed] = ()
    delivering: str | None = None
    """Which other process delivers, if one does: it takes this cycle's check-ins and messages too."""

    @property
    def key_results(self) -> int:
        """How many key results were measured, not counting guards."""
        return sum(not is_guard(key_result) for _, key_result in self.measured)

    @property
    def held(self) -> int:
        """How many of them wait for approval."""
        return sum(measurement.value.quality == "held" for measurement in self.measured.values())

    @property
    def retry_at(self) -> datetime | None:
        """The earliest time at which a source or publisher that asked for a later time may be asked again."""
        times = [pull.retry_at for pull in self.pulls] + [delivery.retry_at for delivery in self.delivered]
        return min((moment for moment in times if moment), default=None)

    @property
    def unwritten(self) -> int:
        """How many check-ins a publisher failed to write, and how many messages did not arrive."""
        failed = sum(delivery.failed for delivery in self.delivered)
        return failed + sum(message.problem is not None for message in self.messages)

    @property
    def good(self) -> bool:
        """Whether every source was read and every check-in and message that was due arrived."""
        return not self.failures and not self.unwritten

    @property
    def failures(self) -> list[tuple[Pull, str]]:
        """Each stream, or part of one, that could not be read, and why."""
        failed = [(result.pull, result.reason or "failed") for result in self.pulls if result.quality != "complete"]
        for result in self.pulls:
            problems = {**result.problems, **result.pull.unusable}
            failed.extend((result.pull, why) for part, why in problems.items() if result.pull.concerns(part))
        return failed
