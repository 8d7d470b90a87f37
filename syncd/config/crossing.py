"""Checks the key results that a workspace of a deployment exports, and adds the connection through which other
workspaces read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from syncd.config.catalogue import OTHERS, connection_model, connector
from syncd.config.composing import Lines
from syncd.config.connections import Connection, read_connections
from syncd.config.document import Document, Place
from syncd.config.messages import nearest
from syncd.config.project import ProjectFile
from syncd.okr.goals import PeriodOkrs
from syncd.sdk import Problem

if TYPE_CHECKING:
    from syncd.config.deployment import Workspace

_PLACE: Place = ("connections", OTHERS)


def project_connections(
    document: Document, settings: ProjectFile, workspace: Workspace | None, problems: list[Problem]
) -> dict[str, Connection | None]:
    """The connections of a project by name; None for an invalid connection. A workspace also has its connection to the
    other workspaces.
    """
    connections: dict[str, Connection | None] = dict.fromkeys(settings.connections)
    for connection in read_connections(document, settings.connections):
        if isinstance(connection, Problem):
            problems.append(connection)
        else:
            connections[connection.name] = connection
    if workspace is not None:
        if OTHERS in connections:
            message = f"connection {OTHERS!r}: by this name a workspace reads the others; choose another name"
            problems.append(document.problem(_PLACE, message))
        connections[OTHERS] = _connection_to_others(workspace, settings)
    return connections


def _connection_to_others(workspace: Workspace, reader: ProjectFile) -> Connection:
    """The connection through which a workspace reads the exports of other workspaces. This connection is not written in
    any file.
    """
    keys = {"type": OTHERS, "deployment": str(workspace.deployment), "reader": workspace.name}
    if reader.clock is not None:
        keys["clock"] = reader.clock.isoformat()
    document = Document(str(workspace.deployment), {"connections": {OTHERS: keys}}, Lines(0))
    loaded = connector(OTHERS)
    settings = connection_model(OTHERS, loaded).model_validate(keys)
    return Connection(OTHERS, OTHERS, loaded, settings, _PLACE, document)


def export_problems(settings: ProjectFile, document: Document, periods: Iterable[PeriodOkrs]) -> Iterator[Problem]:
    """A problem for each entry of `export:` whose key result is in no mapping file."""
    names = {key_result.id for okrs in periods for key_result in okrs.key_results}
    for index, name in enumerate(settings.export):
        if name not in names:
            yield document.problem(("export", index), f"there is no key result {name!r}{nearest(name, names)}")
