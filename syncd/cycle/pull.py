"""Carrying out pulls: one thread a connection hands pages over, one thread writes the ledger.

A connection that fails takes its own streams down and no other's. What a pull came to is kept with its stream; only a
complete one feeds values.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from syncd.cycle.due_pulls import Outcome, Pull, Watcher, Work
from syncd.ledger import Ending, Ledger
from syncd.okr.goals import Quality
from syncd.sdk import (
    LONGEST_WAIT,
    ConfigError,
    Json,
    Page,
    RetryLater,
    Source,
    SourceBroken,
    SourceError,
)

log = logging.getLogger("syncd.pull")
_PATIENCE = 300.0  # seconds without a page after which a connection is given up for this cycle
_PAGES_IN_HAND = 8  # bounds memory: a source waits while this many pages are unwritten


@dataclass(frozen=True, slots=True)
class _Page:
    pull: Pull
    page: Page
    census: bool = False


@dataclass(frozen=True, slots=True)
class _Ended:
    pull: Pull
    error: Exception | None


@dataclass(frozen=True, slots=True)
class _Present:
    pull: Pull
    ids: frozenset[str] | None
    problem: str = ""


_Item = _Page | _Present | _Ended


def pull_all(
    ledger: Ledger,
    cycle: int,
    clock: Callable[[], datetime],
    work: Mapping[str, Work],
    watcher: Watcher,
    secrets: Collection[str] = (),
    stopping: threading.Event | None = None,
) -> list[Outcome]:
    """Pulls everything, each connection in a thread of its own. CycleStopped between two pages once `stopping` is set.

    None of the `secrets` stands in a reason.

    Stopping loses nothing: what was stored stays with its cursor, and the next cycle goes on from there. A connection
    that hands nothing over for `_PATIENCE` seconds is given up for this cycle: nobody else waits for it.
    """
    items: queue.Queue[_Item] = queue.Queue(_PAGES_IN_HAND)
    pulls_by_id = {pull.id: pull for part in work.values() for pull in part.pulls}
    writer = _Writer(ledger, cycle, clock, watcher, pulls_by_id, secrets)
    stops = {name: threading.Event() for name in work}
    heard = dict.fromkeys(work, time.monotonic())
    for name, part in work.items():
        target = partial(_work, part, partial(_hand_over, items, stops[name]))
        threading.Thread(target=target, name=f"pull-{name}", daemon=True).start()
    try:
        while writer.open:
            if stopping is not None and stopping.is_set():
                raise CycleStopped
            for name in [name for name, at in heard.items() if time.monotonic() - at > _PATIENCE]:
                stops[name].set()
                del heard[name]
                writer.give_up(name)
            try:
                item = items.get(timeout=0.2)
            except queue.Empty:
                continue
            if item.pull.connection in heard:  # else it was given up, and comes too late
                heard[item.pull.connection] = time.monotonic()
                writer.take(item)
    finally:
        for stop in stops.values():
            stop.set()
    ledger.streams.pulled(cycle, writer.endings)
    return writer.outcomes


class _Writer:
    """Writes what the threads hand over, and gathers how each pull ended. `open` are the pulls that have not."""

    def __init__(
        self,
        ledger: Ledger,
        cycle: int,
        clock: Callable[[], datetime],
        watcher: Watcher,
        pulls: dict[int, Pull],
        secrets: Collection[str],
    ) -> None:
        self.open = pulls
        self._secrets = sorted(secrets, key=len, reverse=True)
        self.outcomes: list[Outcome] = []
        self.endings: list[Ending] = []
        self._streams = ledger.streams
        self._cycle = cycle
        self._clock = clock
        self._watcher = watcher
        self._pages = dict.fromkeys(pulls, 0)
        self._changed = dict.fromkeys(pulls, 0)
        self._ids: dict[int, set[str]] = {number: set() for number in pulls}
        self._got = dict.fromkeys(pulls, 0)
        self._reconciled: set[int] = set()
        self._expected: dict[int, int] = {}
        self._problems: dict[int, dict[str, str]] = {number: {} for number in pulls}

    def take(self, item: _Item) -> None:
        """Stores a page, ends what a census did not find, or notes how a pull ended."""
        pull = item.pull
        if isinstance(item, _Ended):
            self._end(pull, item.error)
        elif isinstance(item, _Page):
            self._store(pull, item.page, item.census)
        elif item.ids is None:
            self._problems[pull.id]["reconciliation"] = f"reconciliation: {self._without_secrets(item.problem)}"
        else:
            self._reconciled.add(pull.id)
            gone = self._streams.reconcile(pull.id, self._cycle, item.ids, pull.stream.since)
            self._changed[pull.id] += gone
            log.info("reconciled", extra={"stream": pull.stream.key, "left": gone})

    def give_up(self, connection: str) -> None:
        """Ends every pull of a connection that is still open."""
        for pull in [pull for pull in self.open.values() if pull.connection == connection]:
            self._end(pull, RetryLater(f"nothing came of it for {_PATIENCE:g} s"))

    def _without_secrets(self, text: str) -> str:
        """A server may repeat what it was sent: no secret goes on from here."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _store(self, pull: Pull, page: Page, census: bool) -> None:
        self._changed[pull.id] += self._streams.store(pull.id, self._cycle, self._clock(), page)
        rows = len(page.records) or sum(len(snapshot.readings) for snapshot in page.readings.values())
        self._watcher.page(pull, rows)
        if census:
            return
        self._pages[pull.id] += 1
        self._ids[pull.id].update(record.id for record in page.records)  # a row met twice is got once
        self._got[pull.id] += rows - len(page.records)
        if page.expected is not None:
            self._expected[pull.id] = page.expected
        for part, snapshot in page.readings.items():
            if snapshot.problem is not None:
                self._problems[pull.id][part] = snapshot.problem

    def _tell_bug(self, pull: Pull, error: Exception) -> None:
        """The log has where a connector's bug is, and of what it says nothing secret."""
        said = Exception(self._without_secrets(f"{type(error).__name__}: {error}"))
        where = {"stream": pull.stream.key, "connection": pull.connection}
        log.error("connector failed", extra=where, exc_info=(type(said), said, error.__traceback__))

    def _end(self, pull: Pull, error: Exception | None) -> None:
        del self.open[pull.id]
        got = self._got[pull.id] + len(self._ids.pop(pull.id))
        expected = self._expected.get(pull.id)
        if error is None and expected is not None and got < expected:
            self._streams.restart(pull.id, pull.stream)
            error = RetryLater(f"it announced {expected:,} rows and gave {got:,}; it is pulled anew")
        quality: Quality = "complete"
        put_off = pull.put_off.until if pull.put_off else None
        if error is not None:
            if isinstance(error, RetryLater) and (error.after or 0) > LONGEST_WAIT:
                put_off = datetime.now(UTC) + timedelta(seconds=error.after or 0)
            quality = "partial" if self._pages[pull.id] or put_off else "failed"
        reason = self._without_secrets(_reason(error)) if error is not None else None
        if error is not None and not isinstance(error, SourceError | ConfigError):
            self._tell_bug(pull, error)
        if pull.put_off is not None:
            quality, reason = "partial", pull.put_off.reason
        self.endings.append(Ending(pull.id, self._clock(), quality, reason, put_off, pull.id in self._reconciled))
        outcome = Outcome(
            pull,
            quality,
            reason,
            self._pages[pull.id],
            self._changed[pull.id],
            self._problems[pull.id],
            got,
            expected,
            put_off,
        )
        self.outcomes.append(outcome)
        self._watcher.ended(outcome)


def _hand_over(items: queue.Queue[_Item], stop: threading.Event, item: _Item) -> None:
    while not stop.is_set():
        try:
            return items.put(item, timeout=0.5)
        except queue.Full:
            continue
    raise _Stopped


class CycleStopped(Exception):
    """The cycle was asked to stop, and did."""


class _Stopped(BaseException):
    """The writer is gone; a pulling thread ends."""


def _work(work: Work, hand_over: Callable[[_Item], None]) -> None:
    try:
        for index, pull in enumerate(work.pulls):
            work.budget.begin(len(work.pulls) - index - 1)
            error = _one(work.source, pull, hand_over) if pull.put_off is None else None
            hand_over(_Ended(pull, error))
    except _Stopped:
        return
    finally:
        work.source.close()


def _one(source: Source, pull: Pull, hand_over: Callable[[_Item], None]) -> Exception | None:
    """A census where one is due, then the pull. What the census lists and no pull ever brought is pulled anew.

    An issue that comes to match a query by time alone (`created <= -7d`, a sprint that was opened) bumps no row.
    """
    listed: set[str] = set()
    brought: set[str] = set()

    def bring(cursor: Mapping[str, Json] | None) -> None:
        for page in source.pull(pull.stream, cursor):
            if listed:
                brought.update(record.id for record in page.records)
            hand_over(_Page(pull, page))

    try:
        if pull.census:
            try:
                listed = _census(source, pull, hand_over)
            except SourceError as error:  # the pull's own end stays as it is: a census is due again next cycle
                hand_over(_Present(pull, None, str(error)))
        bring(pull.cursor)
        if listed - pull.known - brought:
            bring(None)
        if unseen := listed - pull.known - brought:
            return SourceBroken(f"it lists {len(unseen):,} of {len(listed):,} records that it does not give")
    except (SourceError, ConfigError) as error:
        return error
    except Exception as error:  # a connector's bug must not take the other sources down
        return error
    return None


def _census(source: Source, pull: Pull, hand_over: Callable[[_Item], None]) -> set[str]:
    """The ids of all that is there; rows that come with them are stored."""
    listed: set[str] = set()
    for page in source.census(pull.stream):
        listed |= page.present or set()
        hand_over(_Page(pull, Page(page.records), census=True))  # without a row too: it shows that something comes
    hand_over(_Present(pull, frozenset(listed)))
    return listed


def _reason(error: Exception) -> str:
    if isinstance(error, RetryLater) and error.after and error.after > LONGEST_WAIT:
        return f"{error}; it asks to come back in {round(error.after / 60)} min"
    if isinstance(error, SourceError | ConfigError):
        return str(error)
    return f"internal error in the connector: {type(error).__name__} (see the log)"
