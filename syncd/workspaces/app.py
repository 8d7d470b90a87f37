"""The application of a deployment: the pages of each workspace below `/w/NAME/`, and the deployment's pages at `/`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.web.app import everybody_at
from syncd.web.attempts import Attempts
from syncd.web.bounded import Bounded
from syncd.web.deployment_key import DeploymentKey
from syncd.web.guard import Guard
from syncd.web.hooks import Receiver, hook_endpoint
from syncd.web.languages import Languages, Spoken
from syncd.web.login import LOG_OUT, LoginPages
from syncd.web.pages import HERE
from syncd.web.places import OF_ALL, enter
from syncd.web.probes import probe_routes
from syncd.web.project_routes import HANDLERS
from syncd.workspaces.company_page import deployment_routes
from syncd.workspaces.door import DeploymentDoor
from syncd.workspaces.entrance import DeploymentEntrance
from syncd.workspaces.mounts import Mounts
from syncd.workspaces.served import ServedWorkspaces

_OF_A_WORKSPACE = re.compile(r"/w/[^/]+(?=/|$)")
_REFUSED_HOOK = "no connection here takes this webhook: its name, or the secret that signs it, is another; see the log"


def make_company_app(
    company: ServedWorkspaces,
    listens_on: str = "127.0.0.1",
    *,
    insecure: bool = False,
    languages: Languages | None = None,
) -> ASGIApp:
    """Makes the application that shows the workspaces of `company`. `listens_on` is the host that its server listens
    on.

    With `insecure` and no login set, everybody who can connect may see and do everything, also from other machines.
    `languages` are the languages of the pages, by default all that syncd has.
    """
    entrance, attempts = DeploymentEntrance(lambda: company.deployment), Attempts()
    key, hooks = DeploymentKey(entrance), Bounded("hook", threads=2, seconds=8)
    login = LoginPages(entrance, attempts, key, lambda: door.others())

    def receiver(request: Request) -> Receiver:
        """Returns the function that receives the webhooks of the workspace in the address. The reason for a refusal is
        only in the log, because the sender does not log in.
        """
        root = request.scope["root_path"]
        if not root:
            raise HTTPException(404)

        def receive(connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
            answer = company.receive_webhook(root.rpartition("/")[2], connection, headers, body)
            return answer if answer[0] == 200 else (404, _REFUSED_HOOK)

        return receive

    mounts = Mounts(key, [Route(LOG_OUT, login.log_out, methods=["POST"])])
    app = Starlette(
        routes=[
            *deployment_routes(lambda: entrance.config, lambda: company.workers),
            *probe_routes(company, company.not_ready),
            *login.routes(),
            Route("/hooks/{connection}", hook_endpoint(receiver, hooks), methods=["POST"]),
        ],
        exception_handlers=HANDLERS,
    )
    door = DeploymentDoor(app, company, mounts, entrance, everybody_at(listens_on, insecure=insecure), attempts)
    guard = Guard(
        Spoken(door, languages or Languages(HERE / "locales")),
        listens_on,
        lambda: entrance.config.settings.web.address,
    )
    return _Placed(guard)


class _Placed:
    """Finds the workspace that the path of a request names. Does not check whether the workspace exists."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            match = _OF_A_WORKSPACE.match(scope["path"])
            enter(scope, OF_ALL, match[0] if match else "")
        await self._app(scope, receive, send)
