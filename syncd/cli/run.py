"""`syncd run` and `syncd serve`."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import typer
from starlette.types import ASGIApp

from syncd.cli.log import set_up_log
from syncd.cli.memory import share_a_heap
from syncd.cli.opening import check_is_file, check_may_write, open_config, writing_ledger
from syncd.config import Config
from syncd.config.deployment import Deployment, read_deployment
from syncd.config.web_secrets import web_secret_problems
from syncd.sdk import ConfigError
from syncd.service import LedgerReader, Service
from syncd.web import make_app, serving
from syncd.web.guard import is_loopback
from syncd.workspaces.app import make_company_app
from syncd.workspaces.company import Company
from syncd.workspaces.entrance import config_of_deployment
from syncd.workspaces.member import ShownMember
from syncd.workspaces.synced_member import SyncedMember

log = logging.getLogger("syncd.web")
_PATIENCE = 25  # seconds; shorter than the limits in our files for systemd, Docker and Kubernetes


def run(
    path: Path,
    *,
    listen: str,
    insecure: bool,
    log_format: str,
    new_ledger: bool,
    for_developers: bool = False,
    workspace: str | None = None,
) -> None:
    """Syncs on schedule and serves the pages until SIGTERM or SIGINT. SIGHUP starts a cycle at once.

    With `for_developers`, the pages include the page of the design system.
    """
    share_a_heap()
    set_up_log(log_format)
    host, port = address(listen)
    on_stop(lambda: os._exit(0))  # a kill does no harm yet: nothing has begun
    signal.signal(signal.SIGHUP, _reads_the_files_anyway)
    deployment = _deployment(path)
    if deployment is not None and workspace is None:
        if new_ledger:
            raise ConfigError("--new-ledger begins the ledger of one workspace; name it with --workspace")
        _serve_company(_company(deployment), host, port, insecure=insecure)
    if deployment is not None and deployment.settings.runner != "threads":
        message = "workers run the cycles of every workspace; leave out --workspace, and this process is a worker too"
        raise ConfigError(problems=[deployment.document.problem(("runner",), message)])
    config, clock = open_config(path, workspace)
    _check_secrets(config)
    _check_login(config, host, insecure=insecure)
    service = Service(path, config, clock, writing_ledger(config, new=new_ledger))
    on_stop(service.stop)
    signal.signal(signal.SIGHUP, lambda *_: service.reload())
    serve_while(service.run, make_app(service, host, insecure=insecure, for_developers=for_developers), host, port)
    raise typer.Exit(0)


def serve(path: Path, *, listen: str, insecure: bool, log_format: str, workspace: str | None = None) -> None:
    """Serves only the pages, from the ledger and the mapping files, until SIGTERM or SIGINT."""
    set_up_log(log_format)
    host, port = address(listen)
    signal.signal(signal.SIGHUP, _reads_the_files_anyway)
    if workspace is None and (deployment := _deployment(path)) is not None:
        _serve_company(Company(deployment, ShownMember), host, port, insecure=insecure)
    config, _ = open_config(path, workspace)
    check_may_write(path, workspace)  # the pages store requests of people
    _check_secrets(config)
    _check_login(config, host, insecure=insecure)
    reader = LedgerReader(path, config)
    on_stop(reader.stop)
    serve_while(reader.run, make_app(reader, host, insecure=insecure), host, port)
    raise typer.Exit(0)


def _deployment(path: Path) -> Deployment | None:
    """The deployment in this file; None for a single project."""
    check_is_file(path)
    deployment = read_deployment(path.absolute())
    return deployment and deployment.with_workspaces()


def _company(deployment: Deployment) -> Company:
    """The workspaces, synced by threads of this process or by workers. If workers sync them, this process is also a
    worker.
    """
    if deployment.settings.runner == "threads":
        return Company(deployment, SyncedMember)
    from syncd.workspaces.worked_company import WorkedCompany  # here, because only workers need the queue

    return WorkedCompany(deployment)


def _serve_company(company: Company, host: str, port: int, *, insecure: bool) -> NoReturn:
    """Serves all workspaces of a deployment until SIGTERM or SIGINT."""
    config = config_of_deployment(company.deployment)
    _check_secrets(config)
    _check_login(config, host, insecure=insecure)
    on_stop(company.stop)
    signal.signal(signal.SIGHUP, lambda *_: company.reload())
    serve_while(company.run, make_company_app(company, host, insecure=insecure), host, port)
    raise typer.Exit(0)


def serve_while(run: Callable[[], None], app: ASGIApp, host: str, port: int) -> None:
    """Serves the application while a function runs. Raises ConfigError if the address cannot be used."""
    with ExitStack() as stack:
        try:
            stack.enter_context(serving(app, host, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"--listen {host}:{port} cannot be used: {reason}") from None
        run()


def _check_secrets(config: Config) -> None:
    """Raises ConfigError if a secret of `web:` is too short. If a secret is not set, logs this: nobody can log in then,
    but syncs go on.
    """
    if problems := list(web_secret_problems(config, short=True)):
        raise ConfigError(problems=problems)
    for problem in web_secret_problems(config):
        log.error("a secret of the pages is not set", extra={"reason": str(problem)})


def _check_login(config: Config, host: str, *, insecure: bool) -> None:
    """Warns if the pages have no login, and their public address is open to other machines."""
    web = config.settings.web
    if web.leaves_others_unasked and (insecure or is_loopback(host)):
        log.warning(
            "whoever gets to the pages may do everything", extra={"at": web.address, "login": "none is set in web:"}
        )


def _reads_the_files_anyway(*_: object) -> None:
    """Ignores SIGHUP: a process that is starting, or that only watches the files, reads the files anyway."""


def on_stop(action: Callable[[], None]) -> None:
    """From now on, runs `action` at SIGTERM and SIGINT."""

    def act(*_: object) -> None:
        # The kernel then ends a process that hangs. Docker and Kubernetes themselves end process 1 of a container.
        signal.alarm(_PATIENCE)
        action()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, act)


def address(listen: str) -> tuple[str, int]:
    """The host and the port of `--listen`. Raises ConfigError if the text is not HOST:PORT."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        raise ConfigError(f"--listen is {listen!r}; write HOST:PORT, such as 0.0.0.0:8321")
    if len(port) > len("65535") or int(port) > 65535:
        raise ConfigError(f"--listen names the port {port[:20]}; the highest is 65535, and 8321 is usual")
    return host.strip("[]"), int(port)
