"""Finds the installed connectors by entry point. Another package can add a connector without a change in syncd."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, create_model

from syncd.sdk import ConnectionSettings, Connector, Duration, Secret, all_measure_keys, can_notify, can_pull

GROUP = "syncd.connectors"
RECONCILE = timedelta(days=1)
SHRINK = "50%"
OTHERS = "workspace"
"""The name and the type of the connection through which a workspace reads other workspaces of its deployment. No
connection in a file can have this type.
"""

_OTHERS = EntryPoint(OTHERS, "syncd.workspaces.connector:OtherWorkspaces", GROUP)
_SHARE = re.compile(r"(\d{1,2}(?:\.\d+)?|100) ?%", re.ASCII)


class BrokenConnector(Exception):
    """A connector's package cannot be imported. The message says why."""


@cache
def _entries() -> dict[str, list[EntryPoint]]:
    entries: dict[str, list[EntryPoint]] = {}
    for entry in sorted(set(entry_points(group=GROUP)), key=lambda entry: (entry.name, entry.value)):
        entries.setdefault(entry.name, []).append(entry)
    return entries


@cache
def _own_entries() -> dict[str, EntryPoint]:
    """The entries of syncd itself. Finding these entries does not read the files of other installed packages."""
    own = Distribution.discover(name="syncd")
    return {entry.name: entry for package in own for entry in package.entry_points.select(group=GROUP)}


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


def connector_types() -> list[str]:
    """The names that `type:` can take."""
    return [name for name in _entries() if name != OTHERS]


def is_connector_type(name: object) -> bool:
    """Whether `type:` can take this name."""
    return isinstance(name, str) and name != OTHERS and (name in _own_entries() or name in _entries())


@cache
def connector(type_name: str) -> type[Connector]:
    """The connector of a type. Raises BrokenConnector if the connector cannot be imported, or if two packages have a
    connector of that type.

    A connector of syncd itself takes precedence over one of another package.
    """
    entry = _OTHERS if type_name == OTHERS else _own_entries().get(type_name)
    if entry is None:
        entry, *others = _entries()[type_name]
        if others:
            packages = " and ".join(sorted({_package(each) for each in (entry, *others)}))
            raise BrokenConnector(
                f"the connector {type_name!r} is named by {packages}, and it would get this connection's secrets; "
                "uninstall all but one"
            )
    try:
        return cast("type[Connector]", entry.load())
    except Exception as error:  # another package's import can raise anything
        raise BrokenConnector(f"the connector {type_name!r} ({entry.value}) does not load: {error}") from error


def _share(value: Any) -> str:
    if not isinstance(value, str) or not _SHARE.fullmatch(value):
        raise ValueError(f"is {value!r}; write a share from 0% to 100%, such as {SHRINK}")
    return value


@cache
def connection_model(name: str, connector: type[Connector]) -> type[ConnectionSettings]:
    """The model with every key that a connection of this type may have.

    A connection that pulls records always has `shrink` and `reconcile`, even if its connector does not declare
    `reconcile`: without a census, deleted records would always count. A connection whose system sends webhooks has
    `webhook_secret`.
    """
    keys = connector.Settings
    more: dict[str, Any] = {}
    if can_pull(connector) and any(keys.kind == "records" for keys in all_measure_keys(connector)):
        if "reconcile" not in keys.model_fields:
            more["reconcile"] = (Duration, Field(RECONCILE, description="How often to check for deleted records."))
        loss = (
            "The largest share of a list's records that may disappear at once. After a larger loss, the number is held."
        )
        more["shrink"] = (Annotated[str, BeforeValidator(_share)], Field(SHRINK, description=loss))
    if can_notify(connector):
        more["webhook_secret"] = (
            Secret | None,
            Field(None, description="The secret with which the system signs its webhooks."),
        )
    return cast(
        "type[ConnectionSettings]", create_model(f"{name}_connection", __base__=keys, __doc__=keys.__doc__, **more)
    )
