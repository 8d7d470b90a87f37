"""`syncd worker`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import typer

from syncd.cli.log import set_up_log
from syncd.cli.memory import share_a_heap
from syncd.cli.opening import check_is_file
from syncd.cli.run import address, on_stop, serve_while
from syncd.workspaces.worker import Worker
from syncd.workspaces.worker_probes import make_probes


def run(path: Path, *, listen: str | None, log_format: str) -> None:
    """Takes jobs of a deployment's workspaces until SIGTERM or SIGINT."""
    share_a_heap()
    set_up_log(log_format)
    at = None if listen is None else address(listen)
    on_stop(lambda: os._exit(0))  # a kill does no harm yet: nothing has begun
    check_is_file(path)
    worker = Worker(path.absolute())
    on_stop(worker.stop)
    signal.signal(signal.SIGHUP, lambda *_: worker.reload())
    if at is None:
        worker.run()
    else:
        serve_while(worker.run, make_probes(worker), *at)
    raise typer.Exit(0)
