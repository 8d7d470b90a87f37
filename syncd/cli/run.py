"""`syncd run` and `syncd serve`."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import typer
from starlette.types import ASGIApp

from syncd.cli.log import set_up_log
from syncd.cli.memory import share_a_heap
from syncd.cli.opening import open_config, writing_ledger
from syncd.config import Config
from syncd.config.web_secrets import web_secret_problems
from syncd.sdk import ConfigError
from syncd.service import LedgerReader, Service
from syncd.web import make_app, serving
from syncd.web.guard import is_loopback

log = logging.getLogger("syncd.web")


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

    `for_developers`: the pages include that of the design system.
    """
    share_a_heap()
    set_up_log(log_format)
    host, port = address(listen)
    on_stop(lambda: os._exit(0))  # nothing has begun that a kill could harm
    config, clock = open_config(path, workspace)
    _check_secrets(config)
    _check_login(config, host, insecure=insecure)
    service = Service(path, config, clock, writing_ledger(config, new=new_ledger))
    on_stop(service.stop)
    signal.signal(signal.SIGHUP, lambda *_: service.reload())
    serve_while(service.run, make_app(service, host, insecure=insecure, for_developers=for_developers), host, port)
    raise typer.Exit(0)


def serve(path: Path, *, listen: str, insecure: bool, log_format: str, workspace: str | None = None) -> None:
    """Serves the pages alone, from the ledger and the mapping files, until SIGTERM or SIGINT."""
    set_up_log(log_format)
    host, port = address(listen)
    config, _ = open_config(path, workspace)
    _check_secrets(config)
    _check_login(config, host, insecure=insecure)
    reader = LedgerReader(path, config)
    on_stop(reader.stop)
    serve_while(reader.run, make_app(reader, host, insecure=insecure), host, port)
    raise typer.Exit(0)


def serve_while(run: Callable[[], None], app: ASGIApp, host: str, port: int) -> None:
    """Serves the application while a function runs. ConfigError if the address cannot be used."""
    with ExitStack() as stack:
        try:
            stack.enter_context(serving(app, host, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"--listen {host}:{port} cannot be used: {reason}") from None
        run()


def _check_secrets(config: Config) -> None:
    """Raises ConfigError if a secret of `web:` is too short. One that is not set lets nobody in, and syncs go on."""
    if problems := list(web_secret_problems(config, short=True)):
        raise ConfigError(problems=problems)
    for problem in web_secret_problems(config):
        log.error("a secret of the pages is not set", extra={"reason": str(problem)})


def _check_login(config: Config, host: str, *, insecure: bool) -> None:
    """Warns where the pages are open and, by their public address, not to this machine alone."""
    web = config.settings.web
    if web.leaves_others_unasked and (insecure or is_loopback(host)):
        log.warning(
            "whoever gets to the pages may do everything", extra={"at": web.address, "login": "none is set in web:"}
        )


def on_stop(action: Callable[[], None]) -> None:
    """Does this at SIGTERM and SIGINT, from now on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: action())


def address(listen: str) -> tuple[str, int]:
    """The host and the port of `--listen`. ConfigError if it names none."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        raise ConfigError(f"--listen is {listen!r}; write HOST:PORT, such as 0.0.0.0:8321")
    if len(port) > len("65535") or int(port) > 65535:
        raise ConfigError(f"--listen names the port {port[:20]}; the highest is 65535, and 8321 is usual")
    return host.strip("[]"), int(port)
