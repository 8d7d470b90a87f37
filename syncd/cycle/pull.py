"""The first phase: pulls what the open periods need. Each connection has a thread; a single thread writes the ledger.

A connection that fails fails alone. How a pull ended is kept with its stream; only a complete pull feeds values.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from syncd.cycle.carry_over import renamed_periods
from syncd.cycle.due_pulls import due_pulls
from syncd.cycle.model import ConnectionPulls, CycleRequest, Pull, Pulled, PullResult, Watcher
from syncd.cycle.open_periods import open_part
from syncd.cycle.open_sources import open_source, open_sources
from syncd.cycle.write_pages import HandedOver, PageWriter, Present, PulledPage, PullEnded
from syncd.sdk import ConfigError, Context, Json, Page, Source, SourceBroken, SourceError

_PATIENCE = 300.0  # seconds without a page after which a connection is given up for this cycle
_PAGES_IN_HAND = 8  # bounds memory: a source waits while this many pages are unwritten


class CycleStopped(Exception):
    """The cycle was asked to stop, and did."""


def pull(request: CycleRequest) -> Pulled:
    """Opens the sources, begins a cycle and pulls. A connection that cannot be opened fails like one that is down."""
    config, ledger, now = request.config, request.ledger, request.clock()
    kept_as = dict(renamed_periods(config, ledger))
    periods = [part for okrs in config.periods if (part := open_part(request, okrs, now, kept_as))]
    with ExitStack() as opened:
        policies = {name: request.retry.fresh(name) for name in config.connections}
        sources = open_sources(request, periods, policies, opened)
        cycle = ledger.cycles.begin(request.clock())
        work = {}
        for name, opening in sources.items():
            pulls = [
                replace(pull, unusable=opening.unusable.get(pull.stream.key, {}), asked=opening.asked)
                for pull in due_pulls(request, config.connections[name], opening.streams)
            ]
            work[name] = ConnectionPulls(opening.source, pulls, policies[name].budget)
        opened.pop_all()  # each pulling thread closes its source when it ends
    request.watcher.pulling([pull for part in work.values() for pull in part.pulls])
    results = _counted_again(request, cycle, work, pull_all(request, cycle, work))
    return Pulled(cycle, request.clock(), periods, results)


def _counted_again(
    request: CycleRequest, cycle: int, work: Mapping[str, ConnectionPulls], results: Sequence[PullResult]
) -> Sequence[PullResult]:
    """Where a record moved from one list to another, its connection's streams are pulled once more, with a census.

    The former list does not show that the record left; only a census does. Until then the record would count twice.
    """
    again = {}
    for name in sorted({result.pull.connection for result in results if result.moved_in}):
        config, budget, before = request.config, work[name].budget, {pull.id: pull for pull in work[name].pulls}
        pulls = [
            replace(pull, unusable=before[pull.id].unusable, asked=before[pull.id].asked)
            for pull in due_pulls(request, config.connections[name], [pull.stream for pull in before.values()])
            if pull.census
        ]
        context = Context(
            replace(request.retry.fresh(name), budget=budget), config.zone, folder=str(config.path.parent)
        )
        again[name] = ConnectionPulls(open_source(config.connections[name], context), pulls, budget)
    second = {result.pull.id: result for result in pull_all(replace(request, watcher=Watcher()), cycle, again)}
    return [_joined(result, second.get(result.pull.id)) for result in results]


def _joined(first: PullResult, second: PullResult | None) -> PullResult:
    """The result of two pulls of a stream in one cycle: how the second ended, and what both brought."""
    if second is None:
        return first
    return replace(
        second, pages=first.pages + second.pages, changed=first.changed + second.changed, got=first.got + second.got
    )


def pull_all(request: CycleRequest, cycle: int, work: Mapping[str, ConnectionPulls]) -> list[PullResult]:
    """Does the work of each connection in a thread of its own. CycleStopped once the request's `stopping` is set.

    The cycle stops between two pages and loses nothing: stored pages stay with their cursors, and the next cycle
    continues from there. If a connection delivers nothing for `_PATIENCE` seconds, this cycle gives it up and waits no
    longer.
    """
    items: queue.Queue[HandedOver] = queue.Queue(_PAGES_IN_HAND)
    writer = PageWriter(request, cycle, work)
    stops = {name: threading.Event() for name in work}
    heard = dict.fromkeys(work, time.monotonic())
    for name, part in work.items():
        target = partial(_pull_connection, part, partial(_hand_over, items, stops[name]))
        threading.Thread(target=target, name=f"pull-{name}", daemon=True).start()
    try:
        while writer.open:
            request.watcher.moves()
            if request.stopping is not None and request.stopping.is_set():
                raise CycleStopped
            for name in [name for name, at in heard.items() if time.monotonic() - at > _PATIENCE]:
                stops[name].set()
                del heard[name]
                writer.give_up(name, f"nothing came of it for {_PATIENCE:g} s")
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
    writer.close()
    return writer.results


def _hand_over(items: queue.Queue[HandedOver], stop: threading.Event, item: HandedOver) -> None:
    while not stop.is_set():
        try:
            return items.put(item, timeout=0.5)
        except queue.Full:
            continue
    raise _Stopped


class _Stopped(BaseException):
    """Raised if the writer is gone: the pulling thread ends."""


def _pull_connection(work: ConnectionPulls, hand_over: Callable[[HandedOver], None]) -> None:
    try:
        for index, pull in enumerate(work.pulls):
            work.budget.begin(len(work.pulls) - index - 1)
            error = _pull_stream(work.source, pull, hand_over) if pull.put_off is None else None
            hand_over(PullEnded(pull, error))
    except _Stopped:
        return
    finally:
        work.source.close()


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
