"""Writes the items that a pulling thread hands over: pages with their cursors, the ids of a census, and the end of each
pull.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from syncd.config.connector_bugs import bug_sentence, log_bug
from syncd.cycle.masked_pages import masked_page
from syncd.cycle.model import RECONCILIATION, CycleRequest, Pull, PullResult, is_unread
from syncd.ledger.lists import Doubts
from syncd.ledger.streams import Ending
from syncd.okr.goals import Quality
from syncd.okr.words import clock_time
from syncd.sdk import LONGEST_WAIT, ConfigError, Page, RetryLater, SourceError, Unsettled, UnusableField, Withheld

_SAMPLE = 5  # this many lists are named with the reason that they share

log = logging.getLogger("syncd.pull")


@dataclass(frozen=True, slots=True)
class PulledPage:
    """A page of a pull or, with `census`, of its census. The page of a census has rows only if the source sends rows
    with the ids.
    """

    pull: Pull
    page: Page
    census: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """Every id that a census listed. `unread` has the lists that the census could not read, each with the reason. If
    the census failed, `ids` is None, and `problem` is the reason.
    """

    pull: Pull
    ids: frozenset[str] | None
    problem: str = ""
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PullEnded:
    """A pull that ended, with or without an error."""

    pull: Pull
    error: Exception | None


HandedOver = PulledPage | Present | PullEnded


@dataclass(slots=True)
class _Progress:
    """The progress of a pull. `got` counts a record once, even if it arrives twice.

    `listed` is true if a census, or the pull itself, listed all records. `unread` has the lists that could not be read,
    each with the reason. `empty` has the lists that cannot have records. `moved_in` is true if a record came from
    another list.
    """

    pages: int = 0
    changed: int = 0
    ids: set[str] = field(default_factory=set)
    readings: int = 0
    expected: int | None = None
    reconciled: bool = False
    listed: bool = False
    moved_in: bool = False
    unread: dict[str, str] = field(default_factory=dict)
    unread_by_census: dict[str, str] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    unsettled: dict[str, Unsettled] = field(default_factory=dict)

    @property
    def got(self) -> int:
        return self.readings + len(self.ids)

    @property
    def incomplete(self) -> bool:
        """Whether the server announced more rows than arrived."""
        return self.expected is not None and self.got < self.expected


class PageWriter:
    """Writes the items that the thread of a connection hands over, and stores how each pull ended.

    `open` has the pulls that have not ended. A thread that outlasts a cycle keeps its writer, which has counted the
    items of the earlier cycles.
    """

    def __init__(self, request: CycleRequest, cycle: int) -> None:
        self.open: dict[int, Pull] = {}
        self.endings: list[Ending] = []
        self.results: dict[int, PullResult] = {}
        self._progress: dict[int, _Progress] = {}
        self._connections = request.config.connections  # of this configuration: they know the secrets of their requests
        self._use(request, cycle)

    def _use(self, request: CycleRequest, cycle: int) -> None:
        self._config = request.config
        self._streams = request.ledger.streams
        self._cycle = cycle
        self._clock = request.clock
        self._watcher = request.watcher

    def go_on(self, request: CycleRequest, cycle: int) -> None:
        """Goes on in another cycle. A pull that ended in an earlier cycle has no pages or changes in the new cycle."""
        self._use(request, cycle)
        self.endings = []
        self.results = {id_: replace(result, pages=0, changed=0) for id_, result in self.results.items()}
        for progress in self._progress.values():
            progress.changed = 0

    def begin(self, pulls: Sequence[Pull]) -> None:
        """Adds the pulls that begin."""
        for pull in pulls:
            self.open[pull.id], self._progress[pull.id] = pull, _Progress()
        self._watcher.pulling(pulls)

    def take(self, item: HandedOver) -> None:
        """Stores a page, ends the records that a census did not list, or notes how a pull ended."""
        if isinstance(item, PullEnded):
            self._end(item.pull, item.error)
        elif isinstance(item, PulledPage):
            self._store(item)
        else:
            self._reconcile(item)

    def leave(self, why: str) -> None:
        """Ends the writer's work in this cycle. A pull that has not ended fails in this cycle, with the reason
        `why`.
        """
        for pull in self.open.values():
            self._conclude(pull, self._progress[pull.id], RetryLater(why), {})

    def _store(self, item: PulledPage) -> None:
        pull, progress = item.pull, self._progress[item.pull.id]
        page = masked_page(item.page, self._connections[pull.connection])
        progress.changed += self._streams.store(pull.id, self._cycle, self._clock(), page)
        rows = len(page.records) or sum(len(snapshot.readings) for snapshot in page.readings.values())
        self._watcher.page(pull, rows)
        progress.moved_in |= page.moved_in
        progress.listed |= page.present is not None
        if item.census:
            return
        if page.lists is not None:
            progress.unread |= page.lists.unread
            progress.empty |= page.lists.empty
        progress.pages += 1
        progress.ids.update(record.id for record in page.records)
        progress.readings += rows - len(page.records)
        if page.expected is not None:
            progress.expected = page.expected
        for part, snapshot in page.readings.items():
            if snapshot.problem is not None:
                progress.problems[part] = snapshot.problem
                if snapshot.partial:
                    progress.partial.add(part)
            if snapshot.unsettled is not None:
                progress.unsettled[part] = snapshot.unsettled

    def _reconcile(self, item: Present) -> None:
        pull, progress = item.pull, self._progress[item.pull.id]
        if item.ids is None:
            progress.problems[RECONCILIATION] = f"{RECONCILIATION}: {self._without_secrets(pull, item.problem)}"
            return
        progress.reconciled = progress.listed = True
        progress.unread_by_census |= item.unread
        gone = self._streams.reconcile(pull.id, self._cycle, item.ids, pull.stream.since, item.unread.keys())
        progress.changed += gone
        log.info("reconciled", extra={"stream": pull.stream.name, "left": gone})

    def _end(self, pull: Pull, error: Exception | None) -> None:
        del self.open[pull.id]
        progress = self._progress.pop(pull.id)
        if isinstance(error, Withheld):
            self._withhold(pull, error)
            return
        if error is None and progress.incomplete:
            self._streams.restart(pull.id, pull.stream)
            error = RetryLater(f"it announced {progress.expected:,} rows and gave {progress.got:,}; it is pulled anew")
        if isinstance(error, UnusableField):  # the next cycle checks the fields, and pulls the stream without this one
            self._streams.restart(pull.id, replace(pull.stream, needs=pull.stream.needs - {error.field}))
        if error is not None and not isinstance(error, SourceError | ConfigError):
            where = {"stream": pull.stream.name, "connection": pull.connection}
            log_bug(log, "connector failed", error, partial(self._without_secrets, pull), where)
        doubts = self._streams.doubts(pull.id) if error is None and progress.listed else {}
        self._conclude(pull, progress, error, doubts)

    def _withhold(self, pull: Pull, error: Withheld) -> None:
        """Leaves the stream as its last pull left it. The result says why no request was sent, and when the stream was
        last read.
        """
        state = self._streams.state(pull.connection, pull.stream.key)
        read_at = state.completed_at if state is not None else None
        if read_at is not None:
            why = f"{error}; what was read on {clock_time(read_at.astimezone(self._config.zone))} counts here"
        else:
            why = f"{error}; no sync has read it yet"
        result = PullResult(pull, "complete", None, not_sent=why)
        self.results[pull.id] = result
        self._watcher.ended(result)

    def _conclude(self, pull: Pull, progress: _Progress, error: Exception | None, doubts: Doubts) -> None:
        quality, reason, retry_at = self._how_ended(pull, progress, error, doubts)
        # A list that even the pull cannot read makes the pull partial: a census in each cycle would not help.
        missed = {name: why for name, why in progress.unread_by_census.items() if name not in progress.unread}
        if missed and error is None:
            reasons = self._without_secrets(pull, "; ".join(_by_reason(missed)))
            progress.problems[RECONCILIATION] = f"{RECONCILIATION}: {reasons}"
        counts = progress.reconciled and error is None and not (doubts or missed or progress.moved_in)
        self.endings.append(Ending(pull.id, self._clock(), quality, reason, retry_at, counts))
        result = PullResult(
            pull,
            quality,
            reason,
            progress.pages,
            progress.changed,
            progress.problems,
            progress.got,
            progress.expected,
            retry_at,
            progress.moved_in,
            _by_reason(progress.empty),
            frozenset(progress.partial),
            progress.unsettled,
        )
        self.results[pull.id] = result
        self._watcher.ended(result)

    def _how_ended(
        self, pull: Pull, progress: _Progress, error: Exception | None, doubts: Doubts
    ) -> tuple[Quality, str | None, datetime | None]:
        if pull.put_off is not None:
            return "partial", pull.put_off.reason, pull.put_off.until
        if error is None:
            reasons = [self._without_secrets(pull, reason) for reason in _by_reason(progress.unread)]
            reasons += [_doubt(name or pull.stream.name, doubt["held"]) for name, doubt in sorted(doubts.items())]
            if is_unread(pull.stream, progress.problems):
                quality: Quality = "partial" if progress.partial else "failed"
                return quality, _some([progress.problems[part] for part in sorted(pull.stream.needs)]), None
            return ("partial", "; ".join(reasons), None) if reasons else ("complete", None, None)
        retry_at = None
        if isinstance(error, RetryLater) and (error.after or 0) > LONGEST_WAIT:
            retry_at = datetime.now(UTC) + timedelta(seconds=error.after or 0)
        return (
            "partial" if progress.pages or retry_at else "failed",
            self._without_secrets(pull, _reason(error)),
            retry_at,
        )

    def _without_secrets(self, pull: Pull, text: str) -> str:
        return self._connections[pull.connection].without_secrets(text)


def _by_reason(lists: Mapping[str, str]) -> list[str]:
    names: dict[str, list[str]] = {}
    for name, reason in sorted(lists.items()):
        names.setdefault(reason, []).append(name)
    return [f"{_sample(several)}: {reason}" for reason, several in names.items()]


def _sample(names: Sequence[str]) -> str:
    more = len(names) - _SAMPLE
    return ", ".join(names[:_SAMPLE]) + (f" and {more:,} more" if more > 0 else "")


def _some(problems: Sequence[str]) -> str:
    different = list(dict.fromkeys(problems))
    more = len(different) - _SAMPLE
    return "; ".join(different[:_SAMPLE]) + (f"; and {more:,} more" if more > 0 else "")


def _doubt(name: str, held: int) -> str:
    rows = f"the {held:,} records that it held stay" if held != 1 else "the record that it held stays"
    return f"{name} lists nothing now; {rows} until the next pull finds it empty again"


def _reason(error: Exception) -> str:
    if isinstance(error, RetryLater) and error.after and error.after > LONGEST_WAIT:
        return f"{error}; it asks to come back in {round(error.after / 60)} min"
    if isinstance(error, SourceError | ConfigError):
        return str(error)
    return bug_sentence(error)
