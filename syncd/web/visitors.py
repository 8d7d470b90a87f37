"""Visitors: the person or program behind a request, and what they may do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum

from starlette.requests import Request
from starlette.types import Scope

from syncd.config.web_keys import ANYBODY, GROUP, WebKeys

_VISITOR, _FORM_TOKEN = "syncd.visitor", "syncd.form_token"


class Role(IntEnum):
    """What a visitor may do; each role includes the rights of the roles before it."""

    NONE = 0
    """May do nothing: a person who has logged in and is in no list of `roles:`."""
    VIEWER = 1
    """May look at the pages."""
    EDITOR = 2
    """May check in."""
    OPERATOR = 3
    """May approve numbers, and decide about deliveries."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person or program behind a request, with the name that is stored beside their requests.

    If the owner of a key result is one of `owner_names`, the visitor may check in. A visitor with a session can log
    out.
    """

    name: str
    role: Role
    owner_names: frozenset[str] = frozenset()
    has_session: bool = False

    def may(self, role: Role) -> bool:
        """Whether the visitor has the rights of this role."""
        return self.role >= role

    def may_check_in(self, owner: str | None) -> bool:
        """Whether the visitor may check in a key result of this owner: an editor may, and so may a viewer who is the
        owner.
        """
        if self.may(Role.EDITOR):
            return True
        return self.may(Role.VIEWER) and owner is not None and _alike(owner) in self.owner_names


def visitor_by_roles(
    name: str,
    web: WebKeys,
    *,
    also: Iterable[str] = (),
    groups: Collection[str] = frozenset(),
    has_session: bool = False,
) -> Visitor:
    """A visitor with the highest role that `web: roles:` gives to one of their names or groups."""
    names = {alike for text in (name, *also) if not (alike := _alike(text)).startswith(GROUP)}
    by_group = {_alike(group) for group in groups}
    entries = {ANYBODY} | names | {f"{GROUP}{group}" for group in by_group}
    lists = {Role.VIEWER: web.roles.viewer, Role.EDITOR: web.roles.editor, Role.OPERATOR: web.roles.operator}
    roles = [role for role, members in lists.items() if entries & {_alike(entry) for entry in members}]
    role, owner_names = max(roles, default=Role.NONE), names | by_group if web.owners_check_in else ()
    return Visitor(name, role, frozenset(owner_names), has_session)


def _alike(text: str) -> str:
    """A name or a mail address in a form for comparisons that ignore case."""
    return text.strip().casefold()


def admit(scope: Scope, visitor: Visitor, form_token: str) -> None:
    """Stores the visitor, and the token of their forms, in the scope of a request."""
    scope[_VISITOR], scope[_FORM_TOKEN] = visitor, form_token


def visitor_of(request: Request) -> Visitor:
    """The visitor of a request."""
    visitor = request.scope[_VISITOR]
    assert isinstance(visitor, Visitor)
    return visitor


def is_anonymous(request: Request) -> bool:
    """Whether the request has no visitor, as at addresses that need no login, such as `/healthz`."""
    return _VISITOR not in request.scope


def form_token(request: Request) -> str:
    """The token that a form sends in its field `form_token`, and a script in the header `X-Form-Token`."""
    return str(request.scope[_FORM_TOKEN])
