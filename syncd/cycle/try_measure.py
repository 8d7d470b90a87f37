"""Computes a single measure from the rows in the ledger and a few more pages of its sources. Stores nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from syncd.config.draft import Draft
from syncd.cycle.current import begin_cycle
from syncd.cycle.measure import Measuring
from syncd.cycle.model import CycleRequest, Pulled, Result, Watcher
from syncd.cycle.open_sources import NeededSource, check_fields, needed_sources
from syncd.cycle.pull import new_thread, pull_all
from syncd.explain.evidence import Part, parts_of
from syncd.explain.items import Item, RowsAfter, items_of
from syncd.ledger import Ledger
from syncd.ledger.pulled import StreamId
from syncd.ledger.scratch import scratch_ledger
from syncd.okr.answer import Answer
from syncd.okr.facts import answered
from syncd.okr.goals import Quality, Standing, standing
from syncd.okr.measures import Measure, ReadingMeasure, leaves, stream_keys
from syncd.sdk import Budget, RetryPolicy, SourceBroken

MOST_PAGES = 20
"""The largest number of requests that a try may send. Each request returns at most one page."""

_USED_UP = f"{MOST_PAGES} requests were made, and there is more; a sync reads the rest"


@dataclass(frozen=True, slots=True)
class Tried:
    """The answer of a measure at a moment, the rows from which the answer was computed, and how the pulls ended.

    The quality is `partial` if a source has rows that were not read, and `failed` if a source could not be read.
    `pages` is the number of pages that were pulled. `held_at` is the time of the last complete pull; of several
    streams, the oldest of these times. It is None if a stream was never pulled completely.
    """

    draft: Draft
    at: datetime
    answer: Answer
    quality: Quality
    reason: str | None
    parts: Sequence[Part]
    items: Sequence[Item]
    pages: int
    held_at: datetime | None
    result: Result

    @property
    def standing(self) -> Standing | None:
        """The standing of the measure's key result; None for a measure without a key result, because it has no goal."""
        draft = self.draft
        if draft.is_bare:
            return None
        return standing(draft.key_result, self.answer.number, draft.period.span, self.at, draft.config.shares)

    @property
    def failed(self) -> bool:
        """Whether a source failed. To stop after the allowed number of requests is not a failure."""
        return any(_USED_UP not in reason for _, reason in self.result.failures)


def try_measure(
    draft: Draft, ledger: Ledger | None, clock: Callable[[], datetime], retry: RetryPolicy, watcher: Watcher
) -> Tried:
    """Pulls the rows that the ledger lacks for a measure into memory, and computes the measure there. Locks nothing,
    and writes nothing to the ledger.
    """
    measure = draft.measure
    with closing(scratch_ledger(ledger, _parts(measure), clock())) as scratch:
        request = CycleRequest(draft.config, scratch, clock, retry, draft.key_result.id, dry_run=True, watcher=watcher)
        held_at = _held_at(scratch, measure)
        sources = list(needed_sources(request, draft.config.periods))
        pulled = _pull(request, sources)
        quality, reason, answer = _answer(request, pulled, draft)
        rows = RowsAfter(scratch, draft.period, pulled.cycle, pulled.now)
        items = list(items_of(rows, measure))
        parts = list(parts_of(rows, measure, items))
        if _is_unread(request, pulled, measure, sources):
            # If no row of the measure was read, a number such as a count of 0 would be wrong.
            answer, held_at, items = Answer(None, reason), None, []
            parts = [replace(part, arithmetic="unknown") for part in parts]
        return Tried(
            draft,
            pulled.now,
            answer,
            quality,
            reason,
            parts,
            items,
            sum(result.pages for result in pulled.results),
            held_at,
            Result(pulled.cycle, pulled.results),
        )


def _parts(measure: Measure) -> dict[StreamId, set[str]]:
    parts: dict[StreamId, set[str]] = {}
    for leaf in leaves(measure):
        for key in stream_keys(leaf):
            parts.setdefault((leaf.connection, key), set()).update(
                {leaf.part} if isinstance(leaf, ReadingMeasure) else set()
            )
    return parts


def _held_at(scratch: Ledger, measure: Measure) -> datetime | None:
    states = [scratch.streams.state(*name) for name in _parts(measure)]
    times = [state.completed_at for state in states if state is not None and state.completed_at is not None]
    return min(times) if times and len(times) == len(states) else None


@dataclass(slots=True)
class _Allowance:
    """Counts down the requests that all connections of a try together may still send."""

    left: int = MOST_PAGES
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self) -> None:
        """Counts a request. Raises SourceBroken if no request is left."""
        with self._lock:
            if self.left <= 0:
                raise SourceBroken(_USED_UP)
            self.left -= 1


@dataclass(slots=True)
class _FewRequests(Budget):
    """The request budget of a connection. Its requests also count against the allowance of the try."""

    allowance: _Allowance = field(default_factory=_Allowance)

    def spend(self) -> None:
        """Counts a request before it is sent. Raises SourceBroken if no request is left, and RetryLater if the request
        must wait.
        """
        self.allowance.spend()
        Budget.spend(self)


def _pull(request: CycleRequest, sources: Sequence[NeededSource]) -> Pulled:
    config = request.config
    cycle = request.ledger.cycles.begin(request.clock())
    begin_cycle(cycle)
    allowance = _Allowance()
    pulling = []
    for needed in sources:
        check = partial(check_fields, config, config.periods, needed)
        budget = _FewRequests(request.retry.budget.now, allowance=allowance)
        pulling.append(new_thread(request, cycle, needed, check, budget))
    results = pull_all(request, cycle, pulling)
    return Pulled(cycle, request.clock(), config.periods, results)


def _answer(request: CycleRequest, pulled: Pulled, draft: Draft) -> tuple[Quality, str | None, Answer]:
    measuring = Measuring(request, pulled)
    failure = measuring.failure(draft.measure, None)
    answer = measuring.with_note(
        draft.measure, answered(request.ledger.answers, draft.measure, draft.period, pulled.now)
    )
    if failure is None:
        never_read = measuring.never_read(draft.measure)
        return "partial" if never_read else "complete", never_read or answer.reason, answer
    quality, reason = failure
    if _USED_UP in reason:
        quality = "partial"
    return quality, reason, answer


def _is_unread(request: CycleRequest, pulled: Pulled, measure: Measure, sources: Sequence[NeededSource]) -> bool:
    results = {(result.pull.connection, result.pull.stream.key): result for result in pulled.results}
    new = {(needed.connection.name, key) for needed in sources for key in needed.unchecked}
    for leaf in leaves(measure):
        for key in stream_keys(leaf):
            name = leaf.connection, key
            if isinstance(leaf, ReadingMeasure):
                state = request.ledger.streams.state(*name)
                unread = state is None or leaf.part not in state.read
            else:
                unusable = leaf.fields & results[name].pull.unusable.keys()
                is_empty = results[name].quality != "complete" or results[name].not_sent is not None
                unread = name in new and (bool(unusable) or (is_empty and not results[name].pages))
            if unread:
                return True
    return False
