"""Checks names in measures for sources that need no network, such as files and other workspaces."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from syncd.config.catalogue import OTHERS
from syncd.config.load import Config
from syncd.okr.measures import ReadingMeasure, leaves
from syncd.sdk import ConfigError, Context, Problem, ReadingKeys, RetryPolicy, is_local


def missing_in_sources(config: Config) -> Iterator[Problem]:
    """A problem for each key result whose measure names a file, a sheet or a column that does not exist.

    Skips a connection whose references are not set, because `validate` needs no secret.
    """
    return _problems(config, {name for name, connection in config.connections.items() if connection.kind != OTHERS})


def not_exported(config: Config) -> Iterator[Problem]:
    """A problem for each key result that reads a key result which another workspace does not export to this
    workspace.
    """
    return _problems(config, {OTHERS} & config.connections.keys())


def _problems(config: Config, connections: Collection[str]) -> Iterator[Problem]:
    looked: dict[tuple[str, str], str | None] = {}
    for okrs in config.periods:
        for key_result in okrs.key_results:
            guard = key_result.guard.measure if key_result.guard is not None else None
            for measure in (*leaves(key_result.measure), *leaves(guard)):
                if not isinstance(measure, ReadingMeasure) or measure.connection not in connections:
                    continue
                key = (measure.connection, measure.part)
                if key not in looked:
                    looked[key] = _missing(config, measure)
                if (missing := looked[key]) is not None:
                    origin = config.origins[(okrs.period.id, key_result.id)]
                    yield origin.problem(f"{key_result.id}: {measure.connection}: {missing}", "measure")


def _missing(config: Config, measure: ReadingMeasure) -> str | None:
    connection = config.connections[measure.connection]
    connector = connection.connector
    if not is_local(connector) or not issubclass(connector.Measure, ReadingKeys):
        return None
    try:
        settings = connection.resolved()
    except ConfigError:
        return None
    context = Context(RetryPolicy(), config.zone, folder=str(config.path.parent), rehearsal=True)
    return connector.missing(settings, context, connector.Measure.of_part(measure.part))
