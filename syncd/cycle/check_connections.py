"""Checks a connection for the command `syncd doctor`. The checks send the requests that a sync would send, and store
nothing.

First, the connector checks whether the server is reachable and accepts the credentials. If the server accepts them, the
first page of each stream is pulled, and each target of check-ins is read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from syncd.config import Config, Connection
from syncd.config.connector_bugs import log_bug
from syncd.cycle.due_pulls import needed_streams
from syncd.cycle.open_sources import open_source, usable_stream
from syncd.ledger.moves import Move
from syncd.okr.goals import PeriodOkrs
from syncd.publishing.check_targets import check_targets
from syncd.sdk import Check, ConfigError, Context, RetryPolicy, Source, SourceError, Stream, Withheld, can_pull
from syncd.status.report import Report

log = logging.getLogger("syncd.doctor")

MOST_STREAMS = 20
"""The largest number of streams of a connection whose first page is pulled."""

NEEDED = ("configured", "reachable", "authenticated")
"""The names of the findings that must be good before anything else is checked."""


def check_connection(
    config: Config,
    connection: Connection,
    reports: Sequence[Report],
    now: datetime,
    retry: RetryPolicy,
    moves: Sequence[Move] = (),
) -> Iterator[Check]:
    """Yields the findings about a connection, without its secrets. `reports` are the reports of the periods whose
    check-ins are published; `moves` has the moves of these periods, oldest first.
    """
    for check in _findings(config, connection, reports, moves, now, retry):
        yield replace(check, detail=connection.without_secrets(check.detail))


def _findings(
    config: Config,
    connection: Connection,
    reports: Sequence[Report],
    moves: Sequence[Move],
    now: datetime,
    retry: RetryPolicy,
) -> Iterator[Check]:
    publications = [entry for entry in config.publications if entry.connection.name == connection.name]
    folder, writes = str(config.path.parent), bool(publications)
    context = Context(retry, config.zone, folder=folder, writes=writes, rehearsal=True)
    try:
        connection.resolved()
    except ConfigError as error:
        yield Check("configured", False, "; ".join(problem.message for problem in error.problems) or str(error))
        return
    yield from _of_webhooks(connection)
    if can_pull(connection.connector):
        periods = [okrs for okrs in config.periods if now < okrs.period.span.end + config.settings.settle]
        sound = True
        with closing(open_source(connection, context)) as source:
            for check in _of_source(config, connection, source, periods, now):
                sound = sound and (check.ok or check.name not in NEEDED)
                yield check
        if not sound:
            return
    else:
        yield Check("configured", True, "it only takes check-ins")
    for publication in publications:
        yield from check_targets(config, publication, reports, moves, now, context)


def _of_webhooks(connection: Connection) -> Iterator[Check]:
    try:
        secret = connection.webhook_secret()
    except ConfigError as error:
        yield Check("webhooks", False, "; ".join(problem.message for problem in error.problems))
        return
    if secret is not None:
        yield Check("webhooks", True, f"`syncd run` takes them at /hooks/{connection.name}")


def _of_source(
    config: Config, connection: Connection, source: Source, periods: Sequence[PeriodOkrs], now: datetime
) -> Iterator[Check]:
    reached, sound = False, True
    try:
        for check in source.check():
            reached = reached or check.name == "reachable"
            sound = sound and (check.ok or check.name not in NEEDED)
            yield check
    except SourceError as error:
        if error.status in (401, 403) and not reached:
            yield Check("reachable", True, "it answers")
            reached = True
        yield Check("authenticated" if reached else "reachable", False, str(error))
        return
    except Exception as error:
        yield Check("reachable", False, _reason(connection, error))
        return
    if sound:
        yield from _of_streams(config, connection, source, periods, now)


def _of_streams(
    config: Config, connection: Connection, source: Source, periods: Sequence[PeriodOkrs], now: datetime
) -> Iterator[Check]:
    streams = list(needed_streams(connection.name, periods, now).values())
    answered, failed, withheld = 0, [], []
    for stream in streams[:MOST_STREAMS]:
        try:
            problems = list(_problems(config, connection, source, periods, stream))
        except Withheld as error:
            withheld.append(str(error))
            continue
        answered += not problems
        failed += [Check("reads", False, f"{stream.name}: {problem}") for problem in dict.fromkeys(problems)]
    left_out = [stream.name for stream in streams[MOST_STREAMS:]]
    if answered or left_out or withheld:
        rest = f"; {len(left_out)} more were not asked, the first of them {left_out[0]}" if left_out else ""
        if withheld:
            rest += f"; {len(withheld)} {'was' if len(withheld) == 1 else 'were'} not asked: {withheld[0]}"
        yield Check("reads", True, f"{answered} of {len(streams)} streams answered{rest}")
    yield from failed


def _problems(
    config: Config, connection: Connection, source: Source, periods: Sequence[PeriodOkrs], stream: Stream
) -> Iterator[str]:
    """Yields the problems that a sync would report about a stream after its first page.

    Raises Withheld if only a sync may pull the stream.
    """
    try:
        usable, unusable = usable_stream(config, periods, source, connection.name, stream)
        yield from unusable.values()
        pages = source.pull(usable, None)
        page = None
        for page in pages:
            unread = page.lists.unread if page.lists else {}
            yield from (f"{name}: {why}" for name, why in unread.items())
            if page.records or page.readings or page.cursor is not None:
                break  # earlier pages tell only the state of the stream's lists
        if hasattr(pages, "close"):
            pages.close()
    except Withheld:
        raise
    except Exception as error:
        yield _reason(connection, error)
        return
    for snapshot in page.readings.values() if page is not None else ():
        if snapshot.problem is not None:
            yield snapshot.problem


def _reason(connection: Connection, error: Exception) -> str:
    if isinstance(error, SourceError | ConfigError):
        return str(error)
    return log_bug(log, "connector failed", error, connection.without_secrets, {"connection": connection.name})
