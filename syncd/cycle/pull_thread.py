"""The thread of a connection: it opens the source, checks the fields that mappings name, pulls, and hands over pages.

Whatever the server does, this thread delays no other thread: the writer of the ledger decides how long to wait for it.
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
    """The checked streams of a source: their pulls can begin. `unusable` says, by stream, why a field cannot be read.

    The streams are pulled without these fields. Key results that do not name these fields are measured as usual.
    """

    streams: Sequence[Stream]
    unusable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class PullThread:
    """Pulls through one connection, for as many cycles as the pulls need."""

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
        """The error that ended the thread before its pulls ended. Only a connector's bug does this."""
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
        """Starts the thread, or goes on in another cycle. The thread sets `arrived` whenever it has handed something
        over.
        """
        self._left, self._arrived = None, arrived
        if self._thread.ident is None:
            self._thread.start()
        arrived.set()

    def leave(self, came_back: Callable[[], None]) -> None:
        """Lets the cycle end while the thread goes on. `came_back` is called once the thread has ended or needs the
        writer.
        """
        self._left = came_back
        if self._items.full() or not self.alive:
            self._came_back()

    def begin(self, pulls: Sequence[Pull]) -> None:
        """Passes the pulls to the thread, once the thread has handed over `Checked`."""
        self._pulls.put(pulls)

    def items(self) -> Iterator[Checked | HandedOver]:
        """The items that the thread has handed over so far. Later items are left out, because other threads need the
        writer too.
        """
        for _ in range(self._items.qsize()):
            yield self._items.get_nowait()  # nobody else takes items

    def stop(self) -> None:
        """Asks the thread to end, which it does as soon as its server lets it."""
        self._stop.set()

    @property
    def alive(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    @property
    def has_more(self) -> bool:
        """Whether the thread has not ended, or has handed over items that nobody took yet."""
        return self.alive or not self._items.empty()

    @property
    def stopped(self) -> bool:
        """Whether the thread was asked to end. The items of such a thread are useless."""
        return self._stop.is_set()

    @property
    def silent(self) -> float:
        """The seconds since the thread last reported anything, without a wait that its server demanded. 0 while the
        writer has items of the thread left to take: then the writer is late, not the source.
        """
        return max(0.0, time.monotonic() - self._heard_at) if self._items.empty() else 0.0

    def join(self, seconds: float) -> bool:
        """Waits at most `seconds` seconds for the thread. Returns whether it has ended."""
        self._thread.join(seconds)
        return not self.alive

    # -- for the thread

    def waits(self, seconds: float) -> None:
        """Notes that the thread waits before its next try. During this wait the thread does not count as silent."""
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
        """Calls `came_back` once. If no cycle can run, each further call would start another attempt."""
        came_back, self._left = self._left, None
        if came_back is not None:
            came_back()


class _Stopped(BaseException):
    """Raised when the writer is gone, so that the thread ends."""


def _pull_stream(source: Source, pull: Pull, hand_over: Callable[[HandedOver], None]) -> Exception | None:
    """Makes a census if one is due, then pulls. Pulls again if the census lists records that no pull returned.

    A pull misses an issue that starts to match a query only because time passes (`created <= -7d`, a sprint that was
    opened).
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
    """The ids that a census lists without their rows. If rows come with the ids, hands the rows over to be stored."""
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
