"""The part of a service that a request is for: pages of a single project are at `/`, those of a workspace at
`/w/NAME/`.

ASGI's `root_path` is the prefix of the workspace, such as `/w/NAME`. Routes and all other code use the path after this
prefix.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

_PLACE = "syncd.place"


@dataclass(frozen=True, slots=True)
class Place:
    """The project, workspace or deployment that a page belongs to. `root` is the prefix of the project's addresses.

    In a deployment, `workspace` is the name of the workspace; None on the pages about all workspaces.
    """

    root: str = ""
    workspace: str | None = None
    in_deployment: bool = False

    @property
    def has_objectives(self) -> bool:
        """Whether the place has the pages of a project."""
        return self.workspace is not None or not self.in_deployment


ALONE = Place()
"""The place of the only project of a service."""

OF_ALL = Place(in_deployment=True)
"""The place of pages about a whole deployment."""


def enter(scope: Scope, place: Place, root_path: str) -> None:
    """Stores the place of a request, and the prefix of its path, in the scope.

    The function changes the scope in place, because the server reads the scope too.
    """
    scope["root_path"], scope[_PLACE] = root_path, place


def place_of(scope: Scope) -> Place:
    """The place of a request."""
    place = scope.get(_PLACE, ALONE)
    assert isinstance(place, Place)
    return place


def path_within(scope: Scope) -> str:
    """The path of a request after `root_path`, as routes see it."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) or "/"
