"""`syncd run`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import typer

from syncd.cli.log import set_up_log
from syncd.cli.memory import share_a_heap
from syncd.cli.opening import open_config, writing_ledger
from syncd.sdk import ConfigError
from syncd.service import Service
from syncd.web import make_app, serving


def run(path: Path, *, listen: str, log_format: str, new_ledger: bool) -> None:
    """Syncs on schedule and serves the pages until SIGTERM or SIGINT. SIGHUP starts a cycle at once."""
    share_a_heap()
    set_up_log(log_format)
    host, port = _address(listen)
    _on_stop(lambda: os._exit(0))  # nothing has begun that a kill could harm
    config, clock = open_config(path)
    service = Service(path, config, clock, writing_ledger(config, new=new_ledger))
    _on_stop(service.stop)
    signal.signal(signal.SIGHUP, lambda *_: service.reload())
    with ExitStack() as stack:
        try:
            stack.enter_context(serving(make_app(service, host), host, port))
        except OSError as error:
            raise ConfigError(f"--listen {listen} cannot be used: {(error.strerror or str(error)).lower()}") from None
        service.run()
    raise typer.Exit(0)


def _on_stop(action: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: action())


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen is {listen!r}; write HOST:PORT, such as 0.0.0.0:8321")
    return host.strip("[]"), int(port)
