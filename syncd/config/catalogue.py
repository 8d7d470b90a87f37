"""The installed connectors: found by entry point, so that another package adds a system with no change here."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from pydantic import Field, create_model

from syncd.sdk import ConnectionSettings, Connector, Duration, can_pull

GROUP = "syncd.connectors"
RECONCILE = timedelta(days=1)


class BrokenConnector(Exception):
    """A connector's package cannot be imported; the text says why."""


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def connector_types() -> list[str]:
    """What `type:` may say."""
    return list(_entries())


@cache
def connector(type_name: str) -> type[Connector]:
    """The connector that `type:` calls by this name; BrokenConnector where it does not load."""
    entry = _entries()[type_name]
    try:
        return cast("type[Connector]", entry.load())
    except Exception as error:  # somebody else's package: whatever its import does wrong
        raise BrokenConnector(f"the connector {type_name!r} ({entry.value}) does not load: {error}") from error


@cache
def connection_model(name: str, connector: type[Connector]) -> type[ConnectionSettings]:
    """Every key that a connection of this type may have.

    If it pulls records it has `reconcile`, whether its connector declares that key (for a default of its own) or not:
    without a census, records that were deleted would count for ever.
    """
    keys = connector.Settings
    more: dict[str, Any] = {}
    if can_pull(connector) and connector.Measure.kind == "records" and "reconcile" not in keys.model_fields:
        more["reconcile"] = (Duration, Field(RECONCILE, description="How often to check for deleted records."))
    return cast(
        "type[ConnectionSettings]", create_model(f"{name}_connection", __base__=keys, __doc__=keys.__doc__, **more)
    )
