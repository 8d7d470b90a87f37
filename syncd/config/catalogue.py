"""The installed connectors, by entry point: another package can add a connector without a change here."""

from __future__ import annotations

from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import cast

from syncd.sdk import Connector

GROUP = "syncd.connectors"


class BrokenConnector(Exception):
    """A connector's package cannot be imported; the message says why."""


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


@cache
def _own_entries() -> dict[str, EntryPoint]:
    """The entries of syncd itself. They are found without reading the files of every other installed package."""
    own = Distribution.discover(name="syncd")
    return {entry.name: entry for package in own for entry in package.entry_points.select(group=GROUP)}


def connector_types() -> list[str]:
    """The names that `type:` can take."""
    return list(_entries())


def is_connector_type(name: object) -> bool:
    """Whether `type:` can take this name."""
    return isinstance(name, str) and (name in _own_entries() or name in _entries())


@cache
def connector(type_name: str) -> type[Connector]:
    """The connector of a type. Raises BrokenConnector if it does not load."""
    entry = _own_entries().get(type_name) or _entries()[type_name]
    try:
        return cast("type[Connector]", entry.load())
    except Exception as error:  # another package: its import can raise anything
        raise BrokenConnector(f"the connector {type_name!r} ({entry.value}) does not load: {error}") from error
