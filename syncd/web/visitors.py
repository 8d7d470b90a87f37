"""Who asks: the person or program behind a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "syncd.visitor"


class Role(IntEnum):
    """What a visitor may do; each role may do what the ones before it may."""

    VIEWER = 1
    """Looks."""
    EDITOR = 2
    """Checks in."""
    OPERATOR = 3
    """Approves, and decides about deliveries."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, under the name that is kept beside what they do."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the visitor may do what this role may."""
        return self.role >= role


class OpenDoor:
    """Lets everybody in who reaches a loopback port: an operator, as on the command line of the same machine."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what lies behind the door."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        scope[_KEY] = Visitor("loopback", Role.OPERATOR)
        await self._app(scope, receive, send)


def visitor_of(request: Request) -> Visitor:
    """Who asks."""
    visitor = request.scope[_KEY]
    assert isinstance(visitor, Visitor)
    return visitor
