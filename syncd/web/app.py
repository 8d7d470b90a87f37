"""The application: pages for people, and answers for probes, Prometheus and programs."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from syncd.web.attempts import Attempts
from syncd.web.bounded import Bounded
from syncd.web.daemon import Daemon
from syncd.web.deployment_key import DeploymentKey
from syncd.web.door import Door
from syncd.web.events import Streams
from syncd.web.guard import Guard, is_loopback
from syncd.web.hooks import hook_endpoint
from syncd.web.languages import Languages, Spoken
from syncd.web.login import LoginPages
from syncd.web.pages import HERE
from syncd.web.probes import probe_routes
from syncd.web.project_routes import HANDLERS, project_routes
from syncd.web.styleguide import styleguide
from syncd.web.visitors import Role, Visitor


def make_app(
    daemon: Daemon,
    listens_on: str = "127.0.0.1",
    *,
    insecure: bool = False,
    for_developers: bool = False,
    languages: Languages | None = None,
) -> ASGIApp:
    """The application that shows the state of `daemon`. `listens_on` is the host that its server listens on.

    With `insecure` and no login set, everybody who can connect may see and do everything, also from other machines.
    With `for_developers`, the application also serves the page of the design system. `languages` are the languages of
    the pages, by default all that syncd has.
    """
    attempts, key = Attempts(), DeploymentKey(daemon)
    hooks = Bounded("hook", threads=2, seconds=8, ledger=lambda: daemon.ledger)
    app = Starlette(
        routes=[
            *project_routes(daemon, Streams()),
            *probe_routes(daemon, lambda: _not_ready(daemon), lambda: daemon.ledger),
            *LoginPages(daemon, attempts, key).routes(),
            Route("/hooks/{connection}", hook_endpoint(lambda _: daemon.receive_webhook, hooks), methods=["POST"]),
            *([Route("/styleguide", styleguide)] if for_developers else ()),
        ],
        exception_handlers=HANDLERS,
    )
    door = Door(app, daemon, everybody_at(listens_on, insecure=insecure), attempts, key)
    spoken = Spoken(door, languages or Languages(HERE / "locales"))
    return Guard(spoken, listens_on, lambda: daemon.config.settings.web.address)


def everybody_at(listens_on: str, *, insecure: bool) -> Visitor | None:
    """The visitor that every request counts as if no login is set: an operator on loopback or with `insecure`, else
    None.
    """
    trusted = "loopback" if is_loopback(listens_on) else "anybody" if insecure else None
    return Visitor(trusted, Role.OPERATOR) if trusted else None


def _not_ready(daemon: Daemon) -> str | None:
    """The reason why the daemon is not ready; None if it is ready. Raises LedgerError."""
    if daemon.ledger_problem is not None:
        return daemon.ledger_problem
    daemon.check_ledger()
    if daemon.standing_by is not None:
        return f"standing by: {daemon.standing_by}"
    if daemon.starting:
        return "starting"
    if daemon.ledger is None or daemon.ledger.cycles.last(pulled=True) is None:
        return "no cycle has ended yet"
    return None
