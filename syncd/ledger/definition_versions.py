"""The versions of key results' definitions. Every edit of a definition adds a row, dated by the cycle that first saw
the edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from syncd.ledger.batches import batches
from syncd.ledger.definitions import Definition, in_written_order
from syncd.ledger.schema import cycles, definitions


@dataclass(frozen=True, slots=True)
class DefinitionVersion:
    """A key result's definition. It is in force from `ended_at`, the end of the cycle that first saw it."""

    key_result: str
    cycle: int
    ended_at: datetime
    definition: Definition


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored definition: its id, its digest, and the digest of its measure."""

    id: int
    digest: str
    measure: str


class Definitions:
    """Reads definitions. `define` writes definitions together with the values that were measured under them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, period: str, key_result: str, cycle: int | None = None) -> Sequence[DefinitionVersion]:
        """Every definition that a key result had up to a cycle, oldest first."""
        with self._engine.connect() as connection:
            versions = _versions(connection, period, [key_result])
        return [version for version in versions if cycle is None or version.cycle <= cycle]

    def of_period(self, period: str) -> Sequence[DefinitionVersion]:
        """Every definition of every key result of a period, in the order in which cycles saw the definitions."""
        with self._engine.connect() as connection:
            return _versions(connection, period)

    def last(self, period: str) -> Definition:
        """The newest of all definitions of a period's key results. There must be at least one."""
        newest = select(definitions).where(definitions.c.period == period).order_by(definitions.c.id.desc()).limit(1)
        with self._engine.connect() as connection:
            (row,) = connection.execute(newest)
        return _definition(row)

    def redefined(self, period: str, digests: Mapping[str, str]) -> Mapping[str, Sequence[DefinitionVersion]]:
        """Every definition of each edited key result. A key result counts as edited if the digest of any of its
        definitions differs from its digest in `digests`.
        """
        every = select(definitions.c.key_result, definitions.c.digest).where(definitions.c.period == period)
        by_key_result: dict[str, list[DefinitionVersion]] = {}
        with self._engine.connect() as connection:
            edited = {name for name, digest in connection.execute(every) if digests.get(name, digest) != digest}
            for version in _versions(connection, period, sorted(edited)):
                by_key_result.setdefault(version.key_result, []).append(version)
        return by_key_result

    def digests(self, period: str) -> Mapping[str, str]:
        """Maps each key result of a period to the digest of its newest definition."""
        with self._engine.connect() as connection:
            return {name: stored.digest for name, stored in _newest(connection, period).items()}

    def measures(self, period: str) -> Mapping[str, str]:
        """Maps each key result of a period to the digest of the measure in its newest definition."""
        with self._engine.connect() as connection:
            return {name: stored.measure for name, stored in _newest(connection, period).items()}


def define(connection: Connection, period: str, cycle: int, defined: Mapping[str, Definition]) -> Mapping[str, int]:
    """Writes new and edited definitions; returns the id of each key result's definition."""
    stored = _newest(connection, period)
    rows = [
        {"period": period, "key_result": name, "cycle": cycle, "file": definition.file, "body": definition.body}
        | {"measure": definition.measure, "digest": definition.digest}
        for name, definition in defined.items()
        if name not in stored or stored[name].digest != definition.digest
    ]
    if rows:
        connection.execute(insert(definitions), rows)
        stored = _newest(connection, period)
    return {name: stored[name].id for name in defined}


def _versions(
    connection: Connection, period: str, key_results: Sequence[str] | None = None
) -> Sequence[DefinitionVersion]:
    query = (
        select(definitions, cycles.c.ended_at)
        .join(cycles, cycles.c.id == definitions.c.cycle)
        .where(definitions.c.period == period)
        .order_by(definitions.c.id)
    )
    queries = [query]
    if key_results is not None:
        queries = [query.where(definitions.c.key_result.in_(batch)) for batch in batches(key_results)]
    return [_version(row) for query in queries for row in connection.execute(query)]


def _version(row: Any) -> DefinitionVersion:
    return DefinitionVersion(row.key_result, row.cycle, row.ended_at, _definition(row))


def _definition(row: Any) -> Definition:
    return Definition(row.file, in_written_order(row.body), row.measure, row.digest)


def _newest(connection: Connection, period: str) -> Mapping[str, _Stored]:
    newest = select(func.max(definitions.c.id)).where(definitions.c.period == period).group_by(definitions.c.key_result)
    columns = (definitions.c.key_result, definitions.c.id, definitions.c.digest, definitions.c.measure)
    query = select(*columns).where(definitions.c.id.in_(newest.scalar_subquery()))
    return {row.key_result: _Stored(row.id, row.digest, row.measure) for row in connection.execute(query)}
