"""The thread of a connection: it opens the source, checks the fields that mapping files name, pulls, and hands over
pages.

A slow server delays only its own thread: the writer of the ledger decides how long to wait for each thread.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from syncd.cycle.current import for_this_cycle
from syncd.cycle.model import Pull
from syncd.cycle.write_pages import HandedOver, Present, PulledPage, PullEnded
from syncd.sdk import Budget, ConfigError, Json, Page, Source, SourceBroken, SourceError, Stream

_PAGES_IN_HAND = 8  # limits memory: a source waits while this many pages are unwritten


@dataclass(frozen=True, slots=True)
class Checked:
    """The streams of a source after the check of their fields. `unusable` has, by stream and field, why a field cannot
    be read.

    The streams are pulled without the unusable fields. Key results that need no unusable field are measured as usual.
    """

    streams: Sequence[Stream]
    unusable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class PullThread:
    """Pulls through one connection. The pulls may last several cycles."""

    def __init__(
        self,
        connection: str,
        open_source: Callable[[], Source],
        check: Callable[[Source], Checked],
        budget: Budget,
    ) -> None:
        """`open_source` and `check` run in the thread. After `check`, the thread waits for its pulls."""
        self.connection = connection
        self.bug: Exception | None = None
        """The error, a connector's bug, that ended the thread before its pulls ended; None if there was none."""
        self.began_at = datetime.now(UTC)
        self._open_source = open_source
        self._check = check
        self.budget = budget
        self._items: queue.Queue[Checked | HandedOver] = queue.Queue(_PAGES_IN_HAND)
        self._pulls: queue.SimpleQueue[Sequence[Pull]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._arrived = threading.Event()
        self._left: Callable[[], None] | None = None
        self._heard_at = time.monotonic()
        self._thread = threading.Thread(target=for_this_cycle(self._run), name=f"pull-{connection}", daemon=True)

    # -- for the writer

    def start(self, arrived: threading.Event) -> None:
        """Starts the thread, or lets a running thread go on in another cycle. The thread sets `arrived` whenever it has
        handed over an item.
        """
        self._left, self._arrived = None, arrived
        if self._thread.ident is None:
            self._thread.start()
        arrived.set()

    def leave(self, came_back: Callable[[], None]) -> None:
        """Lets the cycle end while the thread goes on. `came_back` is called once, when the thread has ended or its
        queue of items is full.
        """
        self._left = came_back
        if self._items.full() or not self.alive:
            self._came_back()

    def begin(self, pulls: Sequence[Pull]) -> None:
        """Passes the pulls to the thread. Call it after the thread has handed over `Checked`."""
        self._pulls.put(pulls)

    def items(self) -> Iterator[Checked | HandedOver]:
        """Yields the items that the thread has handed over so far. Items that arrive meanwhile are left out, because
        other threads need the writer too.
        """
        for _ in range(self._items.qsize()):
            yield self._items.get_nowait()  # nobody else takes items

    def stop(self) -> None:
        """Asks the thread to end. The thread ends when it next hands over an item, or at once if it waits for its
        pulls.
        """
        self._stop.set()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def has_items(self) -> bool:
        """Whether the thread has handed over items that were not taken yet."""
        return not self._items.empty()

    @property
    def has_more(self) -> bool:
        """Whether the thread runs, or has handed over items that were not taken yet."""
        return self.alive or self.has_items

    @property
    def stopped(self) -> bool:
        """Whether the thread was asked to end. The items of such a thread must not be used."""
        return self._stop.is_set()

    @property
    def silent(self) -> float:
        """The seconds since the thread last reported anything, without a wait that its server demanded."""
        return max(0.0, time.monotonic() - self._heard_at)

    def join(self, seconds: float) -> bool:
        """Waits at most `seconds` seconds for the thread. Returns whether it has ended."""
        self._thread.join(seconds)
        return not self.alive

    # -- for the thread

    def waits(self, seconds: float) -> None:
        """Notes that the thread waits `seconds` before its next try. This wait does not count in `silent`."""
        self._heard_at = time.monotonic() + seconds

    def _run(self) -> None:
        try:
            source = self._open_source()
            try:
                self._hand_over(self._check(source))
                pulls = self._assigned()
                for index, pull in enumerate(pulls):
                    self.budget.begin(len(pulls) - index - 1)
                    error = _pull_stream(source, pull, self._hand_over) if pull.put_off is None else None
                    self._hand_over(PullEnded(pull, error))
            finally:
                source.close()
        except _Stopped:
            return
        except Exception as error:  # the writer would wait for a thread that ends silently
            self.bug = error
        finally:
            self._came_back()

    def _assigned(self) -> Sequence[Pull]:
        while not self._stop.is_set():
            try:
                return self._pulls.get(timeout=0.5)
            except queue.Empty:
                continue
        raise _Stopped

    def _hand_over(self, item: Checked | HandedOver) -> None:
        self._heard_at = time.monotonic()
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=0.5)
            except queue.Full:
                self._heard_at = time.monotonic()
                self._came_back()
                continue
            self._arrived.set()
            return
        raise _Stopped

    def _came_back(self) -> None:
        came_back, self._left = self._left, None
        if came_back is not None:
            came_back()


class _Stopped(BaseException):
    """Raised in the thread when it was asked to end."""


def _pull_stream(source: Source, pull: Pull, hand_over: Callable[[HandedOver], None]) -> Exception | None:
    """Makes a census if one is due, then pulls from the cursor. Pulls again from the start if the census lists records
    that are neither stored nor pulled.

    A pull from a cursor misses an unchanged issue that starts to match a query, such as `created <= -7d`, or the query
    of a sprint that was opened.
    """
    listed: set[str] = set()
    brought: set[str] = set()

    def bring(cursor: Mapping[str, Json] | None) -> None:
        for page in source.pull(pull.stream, cursor):
            if listed:
                brought.update(record.id for record in page.records)
            hand_over(PulledPage(pull, page))

    try:
        if pull.census:
            try:
                listed = _census(source, pull, hand_over)
            except SourceError as error:  # the pull's own ending stays: a census is due again in the next cycle
                hand_over(Present(pull, None, str(error)))
        bring(pull.cursor)
        if listed - pull.present - brought:
            bring(None)
        if unseen := listed - pull.present - brought:
            return SourceBroken(f"it lists {len(unseen):,} of {len(listed):,} records that it does not give")
    except (SourceError, ConfigError) as error:
        return error
    except Exception as error:  # a connector's bug must not stop the other sources
        return error
    return None


def _census(source: Source, pull: Pull, hand_over: Callable[[HandedOver], None]) -> set[str]:
    """Makes a census; returns the ids that came without their rows. Rows that come with the ids are handed over to be
    stored.
    """
    listed: set[str] = set()
    unread: dict[str, str] = {}
    rows: set[str] = set()
    for page in source.census(pull.stream):
        listed |= page.present or set()
        unread |= page.lists.unread if page.lists else {}
        rows.update(record.id for record in page.records)
        # even an empty page shows that the source answers
        hand_over(PulledPage(pull, Page(page.records, lists=page.lists), census=True))
    hand_over(Present(pull, frozenset(listed), unread=unread))
    return listed - rows
