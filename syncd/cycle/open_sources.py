"""Opens the sources that a cycle needs, and checks that they have the fields that mapping files name.

A problem of a connection or a field fails only the key results that need it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from syncd.config import Config, Connection
from syncd.config.connector_bugs import log_bug
from syncd.config.messages import nearest
from syncd.cycle.due_pulls import needed_streams
from syncd.cycle.model import CycleRequest
from syncd.cycle.pull_thread import Checked
from syncd.ledger.streams import StreamState
from syncd.okr.goals import PeriodOkrs
from syncd.okr.measures import Leaf, RecordMeasure, leaves, stream_keys
from syncd.sdk import (
    Check,
    ConfigError,
    Context,
    Json,
    Page,
    Source,
    SourceBroken,
    SourceError,
    Stream,
    UnknownField,
    UnusableField,
)

log = logging.getLogger("syncd.cycle")


@dataclass(frozen=True, slots=True)
class NeededSource:
    """The streams of a connection that a cycle needs. `unchecked` has the keys of the streams whose fields were never
    checked.

    `asked` has the parts and fields that the key result of a restricted cycle needs; it is None in any other cycle.
    """

    connection: Connection
    streams: Sequence[Stream]
    unchecked: frozenset[str]
    asked: frozenset[str] | None = None


def needed_sources(request: CycleRequest, periods: Sequence[PeriodOkrs]) -> Iterator[NeededSource]:
    """The sources that the periods need.

    A cycle that is restricted to a key result pulls only this key result's streams. Each stream still has all parts and
    fields that other key results need of it.
    """
    measures = [measure for okrs in periods for kr in okrs.measured_for(request.only) for measure in leaves(kr.measure)]
    if request.only is None:
        measures += [measure for okrs in periods for measure in okrs.work]
    wanted = {(measure.connection, key) for measure in measures for key in stream_keys(measure)}
    asked = None if request.only is None else frozenset(part for measure in measures for part in _parts(measure))
    for connection in request.config.connections.values():
        needed = needed_streams(connection.name, periods, request.clock())
        streams = [stream for key, stream in needed.items() if (connection.name, key) in wanted]
        if streams:
            states = request.ledger.streams.states(connection.name)
            unchecked = frozenset(stream.key for stream in streams if not _is_checked(states.get(stream.key), stream))
            yield NeededSource(connection, streams, unchecked, asked)


def _is_checked(state: StreamState | None, stream: Stream) -> bool:
    return state is not None and state.completed_cycle is not None and state.covers(stream)


def check_fields(config: Config, periods: Sequence[PeriodOkrs], needed: NeededSource, source: Source) -> Checked:
    """The streams of a source, without the fields that the source cannot read."""
    streams: list[Stream] = []
    unusable: dict[str, Mapping[str, str]] = {}
    for stream in needed.streams:
        if stream.key in needed.unchecked:
            stream, unusable[stream.key] = usable_stream(config, periods, source, needed.connection.name, stream)
        streams.append(stream)
    return Checked(streams, unusable)


def _parts(measure: Leaf) -> Collection[str]:
    return measure.fields if isinstance(measure, RecordMeasure) else [measure.part]


def open_source(connection: Connection, context: Context) -> Source:
    """Opens the source of a connection. If that fails, returns an Unopened, whose methods raise the reason."""
    try:
        return connection.open(context)
    except (ConfigError, SourceError) as error:
        return Unopened("; ".join(map(str, getattr(error, "problems", ()))) or str(error))
    except Exception as error:  # a connector's bug must not stop the other sources
        where = {"connection": connection.name}
        return Unopened(log_bug(log, "connection not opened", error, connection.without_secrets, where))


def usable_stream(
    config: Config, periods: Sequence[PeriodOkrs], source: Source, connection: str, stream: Stream
) -> tuple[Stream, Mapping[str, str]]:
    """The stream without the fields that its source cannot read, and a mapping from each of these fields to the
    reason.
    """
    unusable: dict[str, str] = {}
    while True:
        try:
            source.verify(stream)
        except UnusableField as error:
            if error.field in stream.needs:
                stream = replace(stream, needs=stream.needs - {error.field})
                hint = nearest(error.field, error.fields) if isinstance(error, UnknownField) else ""
                places = ", ".join(_places(config, periods, connection, stream, error.field))
                unusable[error.field] = f"{error}{hint} ({places})"
                continue
            log.warning("fields not checked", extra={"stream": stream.name, "reason": str(error)})
        except (ConfigError, SourceError) as error:
            # The pull itself will fail and show its reason.
            log.info("fields not checked", extra={"stream": stream.name, "reason": str(error)})
        return stream, unusable


def _places(
    config: Config, periods: Sequence[PeriodOkrs], connection: str, stream: Stream, field_name: str
) -> Iterator[str]:
    for okrs in periods:
        for kr, measure in ((owner, leaf) for owner in okrs.measured for leaf in leaves(owner.measure)):
            if not isinstance(measure, RecordMeasure) or measure.connection != connection:
                continue
            if stream.key in measure.streams and field_name in measure.fields:
                problem = config.origins[(okrs.period.id, kr.id)].problem("", "measure")
                yield f"{problem.file}:{problem.line}"


class Unopened:
    """Stands in for a source that cannot be opened, so that the cycle goes on with the other sources."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def verify(self, stream: Stream) -> None:
        """Does nothing."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Raises the reason why the connection is not open."""
        raise SourceBroken(self._problem)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Raises the reason why the connection is not open."""
        raise SourceBroken(self._problem)

    def check(self) -> Iterator[Check]:
        """Returns the reason why the connection is not open, as a finding."""
        yield Check("configured", False, self._problem)

    def close(self) -> None:
        """Does nothing."""
