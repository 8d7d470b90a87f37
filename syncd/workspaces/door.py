"""The login check of a deployment. Visitors without a role in a workspace cannot find out whether the workspace exists.

First the workspace's own `web:` identifies the visitor. A visitor without a role gets the same response as for an
unknown workspace. If the visitor has logged in anywhere in the deployment, this response is 404. Otherwise it is the
login of the deployment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.config import Config
from syncd.config.web_keys import LoginKeys
from syncd.ledger.sessions import Session
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.attempts import Attempts
from syncd.web.callers import Caller, Callers, let_in
from syncd.web.daemon import Daemon
from syncd.web.door import PROBES, MetricsToken, answered, closed, no_role
from syncd.web.login import LOG_OUT, PUBLIC
from syncd.web.places import Place, enter, path_within
from syncd.web.problems import refused
from syncd.web.visitors import Role, Visitor, admit
from syncd.workspaces.entrance import DeploymentEntrance
from syncd.workspaces.mounts import Mounts
from syncd.workspaces.served import ServedWorkspaces

_HOOKS = "/hooks/"
_NOBODY = Visitor("", Role.NONE)
_VISIBLE, _APP = "syncd.visible", "syncd.app"
_OPENING = marked("this team is being opened; load the page again in a moment")
_NO_WORKSPACE = marked("there is no such page, or you have no role in its team; ask whoever runs syncd for one")


@dataclass(frozen=True, slots=True)
class Visible:
    """The data that a visitor may see. `workspaces` are the workspaces in which the visitor has a role. `broken` has
    the problems of workspaces that cannot be shown, None while a workspace is being opened. `problem` is the problem of
    the deployment's own file. Only operators of the deployment see `broken` and `problem`.
    """

    workspaces: Mapping[str, Daemon]
    broken: Mapping[str, str | None]
    problem: str | None


def visible_of(request: Request) -> Visible:
    """The data that the visitor of a page of the deployment may see."""
    visible = request.scope[_VISIBLE]
    assert isinstance(visible, Visible)
    return visible


@dataclass(frozen=True, slots=True)
class _Identified:
    """A visitor, and the login with which they are logged in. `login` is None if no login is set."""

    login: LoginKeys | None
    caller: Caller


class DeploymentDoor:
    """Identifies visitors, and lets them into the workspaces in which they have a role."""

    def __init__(
        self,
        app: ASGIApp,
        company: ServedWorkspaces,
        mounts: Mounts,
        entrance: DeploymentEntrance,
        everybody: Visitor | None,
        attempts: Attempts,
    ) -> None:
        """`app` answers requests that belong to no workspace. `everybody` is the visitor if no login is set; with None,
        nobody gets in without a login.
        """
        self._app = app
        self._company = company
        self._mounts = mounts
        self._entrance = entrance
        self._everybody = everybody
        self._callers = Callers(entrance, attempts)
        self._metrics = MetricsToken(self._callers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        await answered(self._chosen, self._answer, scope, receive, send)

    async def _chosen(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope.pop(_APP, self._app)(scope, receive, send)

    def others(self) -> Sequence[Config]:
        """A configuration for each `login` of a workspace that differs from the deployment's `login`."""
        return [config for config in self._logins() if config is not self._entrance.config]

    async def _answer(self, request: Request) -> Response | Receive:
        """Returns the refusal of a request, or the channel from which the application reads the body."""
        root = request.scope["root_path"]
        return await (self._in_workspace(request, root) if root else self._at_root(request))

    async def _in_workspace(self, request: Request, root: str) -> Response | Receive:
        if path_within(request.scope).startswith(_HOOKS):
            is_open = self._everybody is not None or self._entrance.config.settings.web.login is not None
            return request.receive if is_open else closed(request)
        name = root.rpartition("/")[2]
        daemon = self._company.daemon(name)
        if daemon is not None:
            caller = await self._caller(request, daemon)
            if isinstance(caller, Response):
                return caller
            visitor = self._visitor(daemon.config, caller)
            if caller is not None and visitor.may(Role.VIEWER):
                mount = self._mounts.of(name, daemon)
                enter(request.scope, Place(root, name, in_deployment=True), root)
                request.scope[_APP] = mount.app
                return await let_in(request, caller, visitor, mount.key)
        return await self._outside(request, name)

    async def _outside(self, request: Request, name: str) -> Response:
        """The response if no workspace has the name, or if the visitor has no role in the workspace."""
        identified = await self._identified(request)
        if isinstance(identified, Response):
            return identified
        broken = self._broken(identified)
        if name in broken:
            return refused(request, HTTPException(503, broken[name] or _(_OPENING)))
        return refused(request, HTTPException(404, _(_NO_WORKSPACE)))

    async def _caller(self, request: Request, daemon: Daemon) -> Caller | Response | None:
        """The caller according to the workspace's own `web:`; None if the caller is not logged in there."""
        login = daemon.config.settings.web.login
        if login is not None:
            caller = await self._callers.logged_in(request, daemon.config, login)
            return caller if isinstance(caller, Caller) else None
        if self._everybody is None:
            return None
        return await self._callers.on_this_machine(request, self._everybody, lambda: daemon.ledger)

    def _visitor(self, config: Config, caller: Caller | None) -> Visitor:
        """The visitor for a caller, with the role that a configuration gives them. A caller of None has no role."""
        if caller is None:
            return _NOBODY
        if config.settings.web.login is not None:
            return caller.visitor(config.settings.web)
        return _NOBODY if self._everybody is None else replace(self._everybody, name=caller.session.name)

    async def _at_root(self, request: Request) -> Response | Receive:
        config, path = self._entrance.config, request.scope["path"]
        everybody = self._everybody if config.settings.web.login is None else None
        if path in PROBES or path.startswith("/static/"):
            if everybody is not None:
                admit(request.scope, everybody, "")
            return request.receive
        if path == "/metrics":
            return request.receive if everybody is not None else await self._metrics.check(request, config)
        if path in PUBLIC and self._logins():
            return request.receive
        identified = await self._identified(request)
        if isinstance(identified, Response):
            return identified
        visitor = self._of_deployment(identified)
        problem = self._company.config_problem if visitor.may(Role.OPERATOR) else None
        visible = Visible(dict(self._workspaces(identified)), self._broken(identified), problem)
        request.scope[_VISIBLE] = visible
        first = next((each.caller for each in identified if each.caller.secret), identified[0].caller)
        visitor = replace(visitor, name=first.session.name, has_session=first.secret is not None)
        if not (visible.workspaces or visible.broken or visitor.may(Role.VIEWER) or path == LOG_OUT):
            return await no_role(request, first, visitor, config, self._mounts.key)
        if first.secret is not None:
            return await let_in(request, first, visitor, self._mounts.key)
        admit(request.scope, visitor, "")  # visitors without a session have no forms
        return request.receive

    # -- for all workspaces together

    def _logins(self) -> Sequence[Config]:
        """One configuration for each different `login`. The configuration with the deployment's own `login` comes
        first.
        """
        daemons = filter(None, map(self._company.daemon, self._company.names()))
        configs: list[Config] = []
        for config in (self._entrance.config, *(daemon.config for daemon in daemons)):
            login = config.settings.web.login
            if login is not None and all(login != other.settings.web.login for other in configs):
                configs.append(config)
        return configs

    async def _identified(self, request: Request) -> Sequence[_Identified] | Response:
        """The visitor, once for each login with which they are logged in; or the response to a visitor who is not
        logged in.
        """
        own = self._entrance.config
        identified: list[_Identified] = []
        stranger = closed(request)
        if own.settings.web.login is None and self._everybody is not None:
            identified.append(_Identified(None, Caller(Session(self._everybody.name, ""))))
        for config in self._logins():
            login = config.settings.web.login
            assert login is not None
            caller = await self._callers.logged_in(request, config, login)
            if isinstance(caller, Caller):
                identified.append(_Identified(login, caller))
            elif config is own:
                stranger = caller
        return identified or stranger

    def _by_login(self, config: Config, identified: Sequence[_Identified]) -> Visitor:
        """The visitor with the role that a configuration gives them by its own login."""
        login = config.settings.web.login
        callers = (each.caller for each in identified if login is None or each.login == login)
        return self._visitor(config, next(callers, None))

    def _of_deployment(self, identified: Sequence[_Identified]) -> Visitor:
        return self._by_login(self._entrance.config, identified)

    def _workspaces(self, identified: Sequence[_Identified]) -> Iterator[tuple[str, Daemon]]:
        for name in self._company.names():
            daemon = self._company.daemon(name)
            if daemon is not None and self._by_login(daemon.config, identified).may(Role.VIEWER):
                yield name, daemon

    def _broken(self, identified: Sequence[_Identified]) -> Mapping[str, str | None]:
        """The reasons why workspaces are not served. Only operators of the deployment see these reasons, because the
        roles of such workspaces cannot be read.
        """
        if not self._of_deployment(identified).may(Role.OPERATOR):
            return {}
        names = self._company.names()
        return {name: self._company.problem(name) for name in names if self._company.daemon(name) is None}
