"""Reads `publish:`, whose entries say where check-ins are written. The connector of an entry's connection declares the
entry's keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from syncd.config.connections import Connection
from syncd.config.document import Document, Place
from syncd.config.messages import nearest, validation_problems
from syncd.config.project import Publish
from syncd.sdk import Problem, Publishes, PublishKeys, can_publish

_OWN = frozenset(Publish.model_fields)

WHOLE = ""
"""Takes the place of a key result's id for a target that contains a whole period."""


@dataclass(frozen=True, slots=True)
class Publication:
    """An entry of `publish:`. `period` is the only period that the entry writes; None if the entry writes the periods
    of today.
    """

    connection: Connection
    keys: PublishKeys
    override: bool
    place: Place
    period: str | None = None

    def writes(self, period: str) -> bool:
        """Whether the entry writes the period with this id. `period` must be a period of today, or the period that the
        entry names.
        """
        return self.period in (None, period)

    def targets(self, key_results: Collection[str]) -> Mapping[str, str]:
        """The target of each of these key results, by id. If the target contains the whole period, only that target,
        under `WHOLE`.
        """
        if self.keys.states == "period":
            return {WHOLE: self.keys.target(WHOLE)}
        names = self.keys.names()
        return {name: self.keys.target(name) for name in key_results if names is None or name in names}


def publish_model(name: str, connector: type[Publishes]) -> type[BaseModel]:
    """The model that checks the keys of an entry that writes through a connector."""
    fields: dict[str, Any] = {field: (info.annotation, info) for field, info in Publish.model_fields.items()}
    return create_model(f"{name.capitalize()}PublishKeys", __base__=connector.Publish, **fields)


def read_publications(
    document: Document,
    written: Collection[Publish],
    connections: Mapping[str, Connection | None],
    by_period: Mapping[str, Collection[str]],
) -> Iterator[Publication | Problem]:
    """Yields each entry, or its problems. Two entries must not write to the same place.

    `by_period` has the ids of the key results of each period.
    """
    taken: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(written):
        place: Place = ("publish", index)
        connection = connections.get(entry.to)
        if connection is None:
            if entry.to not in connections:
                message = f"there is no connection {entry.to!r}{nearest(entry.to, connections)}"
                yield document.problem((*place, "to"), message)
            continue
        if entry.period is not None and entry.period not in by_period:
            message = f"there is no period {entry.period!r} in the mappings{nearest(entry.period, by_period)}"
            yield document.problem((*place, "period"), message)
            continue
        key_results = {name for period, names in by_period.items() if entry.period in (None, period) for name in names}
        connector = connection.connector
        if not can_publish(connector):
            writing = [other.name for other in connections.values() if other and can_publish(other.connector)]
            message = f"nothing can be written through a {connection.kind} connection{nearest(entry.to, writing)}"
            yield document.problem((*place, "to"), message)
            continue
        data = {key: value for key, value in document.data["publish"][index].items() if key not in _OWN}
        try:
            keys = connector.Publish.model_validate(data, context={"settings": connection.settings})
        except ValidationError as error:
            yield from validation_problems(error, publish_model(connection.kind, connector), document, place)
            continue
        unknown = sorted(set(keys.names() or ()) - set(key_results))
        for name in unknown:
            yield document.problem(place, f"there is no key result {name!r}{nearest(name, key_results)}")
        publication = Publication(connection, keys, entry.override, place, entry.period)
        targets = publication.targets(key_results)
        for target, names in _shared(targets):
            key_results_of_target = " and ".join(map(repr, names))
            yield document.problem(
                place, f"{target} would be written to by {key_results_of_target}; give each a place of its own"
            )
        for target in set(targets.values()):
            first = taken.setdefault((connection.name, target), index)
            if first != index:
                line = document.line(("publish", first))
                yield document.problem(place, f"{target} is written to by line {line} already; drop one of the entries")
                break
        if not unknown:
            yield publication


def _shared(targets: Mapping[str, str]) -> Iterator[tuple[str, Sequence[str]]]:
    """The targets that several key results share. These key results would overwrite each other's check-ins."""
    by_target: dict[str, list[str]] = {}
    for name, target in sorted(targets.items()):
        by_target.setdefault(target, []).append(name)
    return ((target, names) for target, names in by_target.items() if len(names) > 1)
