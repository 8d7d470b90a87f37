"""The first phase: pulls the rows that the open periods need. Each connection has a thread; the thread of the cycle
writes the ledger.

If a connection fails, the other connections go on. The result of a pull is stored with its stream. Only a complete pull
changes values.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from syncd.config.connector_bugs import log_bug
from syncd.cycle.background import Background, Pulling
from syncd.cycle.carry_over import renamed_periods
from syncd.cycle.current import begin_cycle
from syncd.cycle.due_pulls import due_pulls
from syncd.cycle.model import CycleRequest, Pull, Pulled, PullResult, Watcher
from syncd.cycle.open_periods import open_part
from syncd.cycle.open_sources import NeededSource, check_fields, needed_sources, open_source
from syncd.cycle.pull_thread import Checked, PullThread
from syncd.cycle.write_pages import HandedOver, PageWriter
from syncd.sdk import Budget, Context, Source

log = logging.getLogger("syncd.cycle")


class CycleStopped(Exception):
    """Raised when a cycle stops because it was asked to stop."""


def pull(request: CycleRequest, background: Background | None = None) -> Pulled:
    """Begins a cycle and pulls. A connection that cannot be opened is handled like a server that is down.

    If there is a `background`, pulls that outlast the cycle go on in the background, and count in the next cycle.
    """
    config, ledger, now = request.config, request.ledger, request.clock()
    kept_as = dict(renamed_periods(config, ledger))
    periods = [part for okrs in config.periods if (part := open_part(request, okrs, now, kept_as))]
    sources = list(needed_sources(request, periods))
    cycle = ledger.cycles.begin(request.clock())
    begin_cycle(cycle)
    if background is not None:
        background.stop_others({needed.connection.name for needed in sources})
    pulling: list[Pulling] = []
    hanging: list[PullResult] = []
    for needed in sources:
        states = ledger.streams.states(needed.connection.name)
        left = background.take(needed, states) if background is not None else None
        if left is None:
            check = partial(check_fields, config, periods, needed)
            pulling.append(new_thread(request, cycle, needed, check, Budget(request.retry.budget.now)))
        elif left.thread.stopped:
            hanging += _not_pulled(request, cycle, needed, left)
        else:
            left.writer.go_on(request, cycle)
            pulling.append(left)
    results = [*hanging, *pull_all(request, cycle, pulling, background)]
    return Pulled(cycle, request.clock(), periods, _counted_again(request, cycle, pulling, results))


def new_thread(
    request: CycleRequest, cycle: int, needed: NeededSource, check: Callable[[Source], Checked], budget: Budget
) -> Pulling:
    """Makes the thread that will pull through a connection, and the writer of the pages that the thread hands over."""

    def sleep(seconds: float) -> None:
        thread.waits(seconds)
        request.retry.sleep(seconds)

    policy = replace(request.retry.fresh(needed.connection.name), sleep=sleep, budget=budget)
    folder = str(request.config.path.parent)
    context = Context(policy, request.config.zone, folder=folder, rehearsal=request.dry_run)
    thread = PullThread(needed.connection.name, partial(open_source, needed.connection, context), check, budget)
    return Pulling(needed, thread, PageWriter(request, cycle))


def _not_pulled(request: CycleRequest, cycle: int, needed: NeededSource, left: Pulling) -> Sequence[PullResult]:
    writer, since = PageWriter(request, cycle), left.thread.began_at.astimezone(request.config.zone)
    writer.begin(_unbegun(request, needed))
    writer.leave(
        f"its last pull, begun at {since.isoformat(timespec='minutes')}, has not ended; it is asked after that"
    )
    request.ledger.streams.pulled(cycle, writer.endings)
    return list(writer.results.values())


def _counted_again(
    request: CycleRequest, cycle: int, pulling: Sequence[Pulling], results: Sequence[PullResult]
) -> Sequence[PullResult]:
    """If a record moved from one list to another, pulls the streams of its connection again, with a census.

    Only a census shows that the record left its former list. Until a census, the record would count twice.
    """
    moved = {result.pull.connection for result in results if result.moved_in}
    again = []
    for part in pulling:
        if part.needed.connection.name in moved and part.ended:
            before = [result.pull for result in part.writer.results.values()]
            checked = Checked([pull.stream for pull in before], {pull.stream.key: pull.unusable for pull in before})
            again.append(new_thread(request, cycle, part.needed, partial(_unchanged, checked), part.thread.budget))
    quiet = replace(request, watcher=Watcher(moves=request.watcher.moves))
    second = {result.pull.id: result for result in pull_all(quiet, cycle, again, only_censuses=True)}
    return [_joined(result, second.get(result.pull.id)) for result in results]


def _unchanged(checked: Checked, _: Source) -> Checked:
    return checked


def _joined(first: PullResult, second: PullResult | None) -> PullResult:
    if second is None:
        return first
    return replace(
        second, pages=first.pages + second.pages, changed=first.changed + second.changed, got=first.got + second.got
    )


def pull_all(
    request: CycleRequest,
    cycle: int,
    pulling: Sequence[Pulling],
    background: Background | None = None,
    *,
    only_censuses: bool = False,
) -> Sequence[PullResult]:
    """Writes the pages of the threads until all pulls have ended. Raises CycleStopped once the request's `stopping` is
    set.

    A cycle that stops loses nothing: stored pages stay with their cursors, and the next cycle continues from there. The
    cycle stops waiting for a thread that reports nothing for too long. The pulls of such a thread fail in this cycle.
    If there is a background, the thread goes on in the background.
    """
    arrived, began = threading.Event(), time.monotonic()
    patience = background or Background
    try:
        for part in pulling:
            part.thread.start(arrived)
        while True:
            arrived.clear()
            for part in pulling:
                for item in part.thread.items():
                    _take(request, part, item, only_censuses=only_censuses)
                    request.watcher.moves()
                    check_stopping(request)
            too_long = time.monotonic() - began > patience.longest
            if too_long or all(part.ended or _is_over(part, patience) for part in pulling):
                break
            request.watcher.moves()
            check_stopping(request)
            arrived.wait(0.2)
        for part in pulling:
            bug = _logged_bug(part)
            if not part.ended:
                _leave_out(request, part, patience, bug)
        request.ledger.streams.pulled(cycle, [ending for part in pulling for ending in part.writer.endings])
    except BaseException:
        for part in pulling:
            part.thread.stop()
        raise
    finally:
        _go_on(request, pulling, background)
    return [result for part in pulling for result in part.writer.results.values()]


def check_stopping(request: CycleRequest) -> None:
    """Raises CycleStopped once the request's `stopping` is set."""
    if request.stopping is not None and request.stopping.is_set():
        raise CycleStopped


def _take(request: CycleRequest, part: Pulling, item: Checked | HandedOver, *, only_censuses: bool) -> None:
    """Writes an item that a thread handed over. If the item says that the fields are checked, gives the thread its
    pulls, which start at the cursors in the ledger.
    """
    if not isinstance(item, Checked):
        part.writer.take(item)
        return
    needed = part.needed
    pulls = [
        replace(pull, unusable=item.unusable.get(pull.stream.key, {}), asked=needed.asked)
        for pull in due_pulls(request, needed.connection, item.streams)
        if pull.census or not only_censuses
    ]
    part.writer.begin(pulls)
    part.thread.begin(pulls)
    part.begun = True


def _is_over(part: Pulling, patience: Background | type[Background]) -> bool:
    return _is_silent(part, patience) or not part.thread.has_more


def _is_silent(part: Pulling, patience: Background | type[Background]) -> bool:
    """Whether a source was silent for too long. While items wait for the writer, the writer is late, not the source."""
    return not part.thread.has_items and part.thread.silent > patience.silent


def _logged_bug(part: Pulling) -> str | None:
    if part.thread.bug is None:
        return None
    connection = part.needed.connection
    return log_bug(log, "pull broken off", part.thread.bug, connection.without_secrets, {"connection": connection.name})


def _leave_out(request: CycleRequest, part: Pulling, patience: Background | type[Background], bug: str | None) -> None:
    if not part.begun:
        part.writer.begin(_unbegun(request, part.needed))
    if bug is not None:
        part.writer.leave(bug)
    elif _is_silent(part, patience):
        part.writer.leave(f"nothing came of it for {patience.silent:g} s")
    else:
        part.writer.leave(f"it is still being pulled after {patience.longest:g} s, and goes on in the next cycle")


def _unbegun(request: CycleRequest, needed: NeededSource) -> Sequence[Pull]:
    name, streams = needed.connection.name, request.ledger.streams
    return [
        Pull(name, stream, streams.add(name, stream.key, request.clock()), None, False, asked=needed.asked)
        for stream in needed.streams
    ]


def _go_on(request: CycleRequest, pulling: Sequence[Pulling], background: Background | None) -> None:
    for part in pulling:
        if background is None:
            part.thread.stop()
        elif part.thread.has_more:
            background.leave(part, request.ledger.streams)
