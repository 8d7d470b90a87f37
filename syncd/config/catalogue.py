"""The installed connectors, by entry point: another package can add a connector without a change here."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from syncd.sdk import Connector

GROUP = "syncd.connectors"


class BrokenConnector(Exception):
    """A connector's package cannot be imported; the message says why."""


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def connector_types() -> list[str]:
    """The names that `type:` can take."""
    return list(_entries())


@cache
def connector(type_name: str) -> type[Connector]:
    """The connector of a type. Raises BrokenConnector if it does not load."""
    entry = _entries()[type_name]
    try:
        return cast("type[Connector]", entry.load())
    except Exception as error:  # another package: its import can raise anything
        raise BrokenConnector(f"the connector {type_name!r} ({entry.value}) does not load: {error}") from error
