"""`syncd mcp`."""

from __future__ import annotations

import os
import signal
import threading
from importlib.util import find_spec
from pathlib import Path

from syncd.cli.log import set_up_log
from syncd.cli.opening import open_config
from syncd.sdk import ConfigError
from syncd.service import LedgerReader


def run(path: Path, *, workspace: str | None = None) -> None:
    """Answers an assistant on standard input and output, until the assistant closes them or ends the process."""
    if find_spec("mcp") is None:
        raise ConfigError("`syncd mcp` needs the package mcp, which is not installed; run: pip install 'syncd[mcp]'")
    from syncd.cli.mcp_tools import make_server

    set_up_log("text")
    config, _ = open_config(path, workspace, thorough=False)
    reader = LedgerReader(path, config)
    watching = threading.Thread(target=reader.run, name="reader", daemon=True)
    watching.start()

    def stop() -> None:
        reader.stop()
        watching.join(timeout=3)  # the thread closes the ledger

    def end(*_: object) -> None:
        stop()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        make_server(reader).run("stdio")
    finally:
        stop()
