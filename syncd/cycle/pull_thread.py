"""The thread of a connection: it opens the source, checks the fields that mappings name, pulls, and hands over.

Whatever its server does, it holds up no other thread: only the writer of the ledger decides how long to wait for it.
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

_PAGES_IN_HAND = 8  # bounds memory: a source waits while this many pages are unwritten


@dataclass(frozen=True, slots=True)
class Checked:
    """The streams of a source, whose pulls can begin. `unusable` has, by stream, why a field cannot be read.

    The streams do not need these fields: key results that do not name them are measured as ever.
    """

    streams: Sequence[Stream]
    unusable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class PullThread:
    """Pulls through one connection, for as many cycles as that takes."""

    def __init__(
        self,
        connection: str,
        open_source: Callable[[], Source],
        check: Callable[[Source], Checked],
        budget: Budget,
    ) -> None:
        """`open_source` and `check` run in the thread. After `check`, it waits for its pulls."""
        self.connection = connection
        self.bug: Exception | None = None
        """What ended it before all was pulled; no connector should."""
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
        """Starts, or goes on in another cycle; `arrived` is set whenever something was handed over."""
        self._left, self._arrived = None, arrived
        if self._thread.ident is None:
            self._thread.start()
        arrived.set()

    def leave(self, came_back: Callable[[], None]) -> None:
        """The cycle goes on without it; `came_back` is called once it has ended, or needs the writer to go on."""
        self._left = came_back
        if self._items.full() or not self.alive:
            self._came_back()

    def begin(self, pulls: Sequence[Pull]) -> None:
        """Gives it its pulls, after `Checked`."""
        self._pulls.put(pulls)

    def items(self) -> Iterator[Checked | HandedOver]:
        """What it has handed over by now, but not what it adds meanwhile: the writer is there for others too."""
        for _ in range(self._items.qsize()):
            yield self._items.get_nowait()  # nobody else takes any

    def stop(self) -> None:
        """It ends as soon as its server lets it."""
        self._stop.set()

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    @property
    def has_more(self) -> bool:
        """Whether it has not ended, or has handed over what nobody took yet."""
        return self.alive or not self._items.empty()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end: what it holds is of no use any more."""
        return self._stop.is_set()

    @property
    def silent(self) -> float:
        """For how many seconds nothing came of it, not counting a wait that its server asked for."""
        return max(0.0, time.monotonic() - self._heard_at)

    def join(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        self._thread.join(seconds)
        return not self.alive

    # -- for the thread

    def waits(self, seconds: float) -> None:
        """Notes that it waits before its next try: until then it is not silent."""
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
        except Exception as error:  # a thread that ends without a word would be waited for
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
        """Says so once: where no cycle can run, each further word would start another attempt."""
        came_back, self._left = self._left, None
        if came_back is not None:
            came_back()


class _Stopped(BaseException):
    """Raised if the writer is gone: the thread ends."""


def _pull_stream(source: Source, pull: Pull, hand_over: Callable[[HandedOver], None]) -> Exception | None:
    """A census if one is due, then the pull. Records that the census lists and that no pull ever brought are pulled
    again.

    A pull misses an issue that comes to match a query by time alone (`created <= -7d`, a sprint that was opened).
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
            except SourceError as error:  # the pull's own end stays as it is: a census is due again next cycle
                hand_over(Present(pull, None, str(error)))
        bring(pull.cursor)
        if listed - pull.present - brought:
            bring(None)
        if unseen := listed - pull.present - brought:
            return SourceBroken(f"it lists {len(unseen):,} of {len(listed):,} records that it does not give")
    except (SourceError, ConfigError) as error:
        return error
    except Exception as error:  # a connector's bug must not take the other sources down
        return error
    return None


def _census(source: Source, pull: Pull, hand_over: Callable[[HandedOver], None]) -> set[str]:
    """The ids of the records that the source lists without the rows; rows that come with their ids are stored."""
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
