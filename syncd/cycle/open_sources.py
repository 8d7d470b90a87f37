"""Opens the sources that a cycle needs, and asks them whether they have the fields that mappings name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from syncd.config import Config, Connection
from syncd.config.messages import nearest
from syncd.cycle.due_pulls import needed_streams
from syncd.cycle.model import CycleRequest
from syncd.okr.goals import PeriodOkrs
from syncd.okr.measures import RecordMeasure, leaves, stream_keys
from syncd.sdk import (
    Check,
    ConfigError,
    Context,
    Json,
    Page,
    Problem,
    RetryPolicy,
    Source,
    SourceBroken,
    SourceError,
    Stream,
    UnknownField,
)

log = logging.getLogger("syncd.cycle")


def open_sources(
    request: CycleRequest, periods: Sequence[PeriodOkrs], policies: Mapping[str, RetryPolicy], opened: ExitStack
) -> dict[str, tuple[Source, list[Stream]]]:
    """Every source that the periods need, with its streams; ConfigError if a source lacks a field that a mapping names.

    A cycle restricted to a key result pulls that key result's streams, and in them everything that other key results
    need.
    """
    config = request.config
    wanted = {
        (measure.connection, key)
        for okrs in periods
        for kr in okrs.measured_for(request.only)
        for measure in leaves(kr.measure)
        for key in stream_keys(measure)
    }
    sources: dict[str, tuple[Source, list[Stream]]] = {}
    problems: list[Problem] = []
    for connection in config.connections.values():
        needed = needed_streams(connection.name, periods)
        streams = [stream for key, stream in needed.items() if (connection.name, key) in wanted]
        if not streams:
            continue
        source: Source
        try:
            source = open_source(config, connection, policies[connection.name])
        except ConfigError as error:
            source = Unopened(str(error))
            problems.extend(error.problems)
        opened.callback(source.close)
        sources[connection.name] = (source, streams)
    if problems and not request.tolerant:
        raise ConfigError(problems=problems)
    problems = []
    for name, (source, streams) in sources.items():
        states = request.ledger.streams.states(name)
        for stream in streams:
            state = states.get(stream.key)
            if state is None or state.completed_cycle is None or not state.covers(stream):
                problems.extend(_unknown_fields(config, periods, source, name, stream))
    if problems and not request.tolerant:
        raise ConfigError(problems=problems)
    return sources


def open_source(config: Config, connection: Connection, policy: RetryPolicy) -> Source:
    """The source of a connection; makes no request. ConfigError if it cannot be opened."""
    return connection.open(Context(policy, config.zone, folder=str(config.path.parent)))


def _unknown_fields(
    config: Config, periods: Sequence[PeriodOkrs], source: Source, connection: str, stream: Stream
) -> Iterator[Problem]:
    try:
        source.verify(stream)
    except ConfigError as error:
        for okrs in periods:
            for kr, measure in ((owner, leaf) for owner in okrs.measured for leaf in leaves(owner.measure)):
                if not isinstance(measure, RecordMeasure) or measure.connection != connection:
                    continue
                if stream.key not in measure.streams:
                    continue
                place = config.origins[(okrs.period.id, kr.id)]
                if not isinstance(error, UnknownField):
                    yield place.problem(f"{connection}: {error}", "measure")
                elif error.field in measure.fields:
                    message = f"{connection} has no field {error.field!r}{nearest(error.field, error.fields)}"
                    yield place.problem(message, "measure")
    except SourceError as error:
        # The pull itself will fail, and its reason is shown.
        log.info("fields not checked", extra={"stream": stream.key, "reason": str(error)})


class Unopened:
    """Stands in for a connection that cannot be opened, in a service that goes on without it."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def verify(self, stream: Stream) -> None:
        """There is nobody to ask."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Says why it is not open."""
        raise SourceBroken(self._problem)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Says why it is not open."""
        raise SourceBroken(self._problem)

    def check(self) -> Iterator[Check]:
        """Says why it is not open."""
        yield Check("configured", False, self._problem)

    def close(self) -> None:
        """There is nothing to close."""
