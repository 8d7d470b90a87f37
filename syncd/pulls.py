"""Pulling the streams of a cycle: one thread a connection hands pages over, one thread writes the ledger.

A connection that fails takes its own streams down and no other's. What a pull came to is kept with its stream; only a
complete one feeds values.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from syncd.config import Connection
from syncd.ledger import Ledger, StreamState
from syncd.okr.goals import Quality
from syncd.sdk import ConfigError, Json, Page, RetryLater, Source, SourceError, Stream

log = structlog.get_logger("syncd.pull")
_PAGES_IN_HAND = 8  # bounds memory: a source waits while this many pages are unwritten


@dataclass(frozen=True, slots=True)
class Pull:
    """One stream to pull in this cycle, from where the ledger stands."""

    connection: str
    stream: Stream
    id: int
    cursor: Mapping[str, Json] | None
    census: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pull ended; `problems` are those of single parts of a stream that was read to its end."""

    pull: Pull
    quality: Quality
    reason: str | None
    pages: int
    changed: int
    problems: Mapping[str, str] = field(default_factory=dict)


def _silent(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who wants to hear how pulls go: which are ahead, each page with its number of rows, how each ended."""

    pulling: Callable[[Sequence[Pull]], None] = _silent
    page: Callable[[Pull, int], None] = _silent
    ended: Callable[[Outcome], None] = _silent


@dataclass(frozen=True, slots=True)
class _Ended:
    pull: Pull
    error: Exception | None


@dataclass(frozen=True, slots=True)
class _Present:
    pull: Pull
    ids: frozenset[str]


def due_pulls(
    ledger: Ledger, connection: Connection, streams: Sequence[Stream], now: datetime, reconcile: bool
) -> Iterator[Pull]:
    """What to pull of each stream: on from its cursor, or anew where its rows lack what is asked for now."""
    for stream in streams:
        state = ledger.streams.state(connection.name, stream.key)
        number = state.id if state else ledger.streams.add(connection.name, stream.key)
        if state is None or not state.covers(stream):
            ledger.streams.restart(number, stream)
            state = ledger.streams.state(connection.name, stream.key)
        assert state is not None
        yield Pull(
            connection.name, stream, number, state.cursor, _census_due(state, connection, stream, now, reconcile)
        )


def _census_due(state: StreamState, connection: Connection, stream: Stream, now: datetime, asked: bool) -> bool:
    if stream.kind != "records" or connection.reconcile is None or state.completed_at is None:
        return False
    return asked or now - (state.census_at or state.completed_at) >= connection.reconcile


def pull_all(
    ledger: Ledger,
    cycle: int,
    clock: Callable[[], datetime],
    work: Mapping[str, tuple[Source, Sequence[Pull]]],
    watcher: Watcher,
    stopping: threading.Event | None = None,
) -> list[Outcome]:
    """Pulls everything, each connection in a thread of its own. CycleStopped between two pages once `stopping` is set.

    Stopping loses nothing: what was stored stays with its cursor, and the next cycle goes on from there.
    """
    pages: queue.Queue[tuple[Pull, Page] | _Present | _Ended] = queue.Queue(_PAGES_IN_HAND)
    stop = threading.Event()

    def hand_over(item: tuple[Pull, Page] | _Present | _Ended) -> None:
        while True:
            try:
                return pages.put(item, timeout=0.5)
            except queue.Full:
                if stop.is_set():
                    raise _Stopped from None

    threads = [
        threading.Thread(target=_work, args=(source, pulls, hand_over), name=f"pull-{name}", daemon=True)
        for name, (source, pulls) in work.items()
    ]
    for thread in threads:
        thread.start()
    outcomes: list[Outcome] = []
    tally: dict[int, tuple[int, int]] = {}
    problems: dict[int, dict[str, str]] = {}
    left = sum(len(pulls) for _, pulls in work.values())
    try:
        while left:
            if stopping is not None and stopping.is_set():
                raise CycleStopped
            try:
                item = pages.get(timeout=0.2)
            except queue.Empty:
                continue
            if isinstance(item, _Ended):
                left -= 1
                outcome = _outcome(item, *tally.get(item.pull.id, (0, 0)), problems.get(item.pull.id, {}))
                ledger.streams.pulled(outcome.pull.id, cycle, clock(), outcome.quality, outcome.reason)
                outcomes.append(outcome)
                watcher.ended(outcome)
            elif isinstance(item, _Present):
                gone = ledger.streams.reconcile(item.pull.id, cycle, clock(), item.ids)
                log.info("reconciled", stream=item.pull.stream.key, left=gone)
            else:
                pull, page = item
                changed = ledger.streams.store(pull.id, cycle, clock(), page)
                number, rows = tally.get(pull.id, (0, 0))
                tally[pull.id] = (number + 1, rows + changed)
                for part, snapshot in page.readings.items():
                    if snapshot.problem is not None:
                        problems.setdefault(pull.id, {})[part] = snapshot.problem
                watcher.page(
                    pull, len(page.records) or sum(len(snapshot.readings) for snapshot in page.readings.values())
                )
    finally:
        stop.set()
    for thread in threads:
        thread.join()
    return outcomes


class CycleStopped(Exception):
    """The cycle was asked to stop, and did."""


class _Stopped(BaseException):
    """The writer is gone; a pulling thread ends."""


def _work(source: Source, pulls: Sequence[Pull], hand_over: Callable[..., None]) -> None:
    try:
        for pull in pulls:
            hand_over(_Ended(pull, _one(source, pull, hand_over)))
    except _Stopped:
        return
    finally:
        source.close()


def _one(source: Source, pull: Pull, hand_over: Callable[..., None]) -> Exception | None:
    try:
        for page in source.pull(pull.stream, pull.cursor):
            hand_over((pull, page))
        if pull.census:
            hand_over(_Present(pull, frozenset(name for names in source.census(pull.stream) for name in names)))
    except (SourceError, ConfigError) as error:
        return error
    except Exception as error:  # a connector's bug must not take the other sources down
        log.exception("connector failed", stream=pull.stream.key, connection=pull.connection)
        return error
    return None


def _outcome(ended: _Ended, pages: int, changed: int, problems: Mapping[str, str]) -> Outcome:
    error = ended.error
    if error is None:
        return Outcome(ended.pull, "complete", None, pages, changed, problems)
    if isinstance(error, RetryLater) and error.after and error.after > 60:
        reason = f"{error}; it asks to come back in {round(error.after / 60)} min"
    elif isinstance(error, SourceError | ConfigError):
        reason = str(error)
    else:
        reason = f"internal error in the connector: {type(error).__name__} (see the log)"
    return Outcome(ended.pull, "partial" if pages else "failed", reason, pages, changed, problems)
