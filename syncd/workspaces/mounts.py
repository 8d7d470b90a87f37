"""The application of each workspace: the pages and the API of a project, below `/w/NAME/`."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from syncd.web.daemon import Daemon
from syncd.web.deployment_key import DeploymentKey
from syncd.web.events import Streams
from syncd.web.project_routes import HANDLERS, project_routes


@dataclass(frozen=True, slots=True)
class Mount:
    """The application that shows a daemon, and the key of its forms."""

    daemon: Daemon
    app: ASGIApp
    key: DeploymentKey


class Mounts:
    """Makes the application of a workspace at the first request for it, and makes a new one when another daemon serves
    the workspace.

    Each request also drops the applications of removed workspaces.
    """

    def __init__(self, key: DeploymentKey, more: list[BaseRoute]) -> None:
        """`key` is the key for forms that belong to no workspace. `more` are routes that each application has in
        addition to its own.
        """
        self.key = key
        self._more = more
        self._streams = Streams()
        self._mounts: dict[str, Mount] = {}

    def of(self, name: str, daemon: Daemon) -> Mount:
        """The application of a workspace."""
        for other, mount_of_other in list(self._mounts.items()):
            if other != name and mount_of_other.daemon.stopping:
                del self._mounts[other]
        mount = self._mounts.get(name)
        if mount is None or mount.daemon is not daemon:
            routes = [*project_routes(daemon, self._streams), *self._more]
            app = Starlette(routes=routes, exception_handlers=HANDLERS)
            mount = self._mounts[name] = Mount(daemon, app, DeploymentKey(daemon))
        return mount
