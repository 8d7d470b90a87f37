"""Ends a process that is stuck, so that systemd, Docker or Kubernetes starts it again."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

_LIMIT = 720.0  # seconds, after the three minutes at which /healthz fails
_PAUSE = 30.0  # seconds: after a longer time between two checks, the machine or the whole process slept
_PATIENCE = 2.0  # seconds that the reader of standard error may take
_CODE = 70  # EX_SOFTWARE of sysexits.h


class Watch:
    """Checks regularly whether the process is stuck. The checks run in another thread than the work."""

    def __init__(self, standstill: Callable[[], float | None]) -> None:
        """`standstill` is the function that /healthz calls."""
        self._standstill = standstill
        self._looked_at = self._since = time.monotonic()

    def look(self) -> None:
        """Ends the process if each check of the last `_LIMIT` seconds found it stuck."""
        now = time.monotonic()
        if self._standstill() is None or now - self._looked_at > _PAUSE:
            self._since = now
        self._looked_at = now
        if now - self._since > _LIMIT:
            _end()


def _end() -> None:
    """Ends the process at once, without a log line, because the log may be the cause of the standstill."""
    with suppress(Exception):
        writing = threading.Thread(target=_print_stacks, daemon=True)
        writing.start()
        writing.join(_PATIENCE)
    os._exit(_CODE)


def _print_stacks() -> None:
    """Prints the stack of each thread, without `faulthandler`, which stops all threads while it writes."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    text = "syncd has stood still, and ends so that it is started again; its threads:\n"
    for ident, frame in sys._current_frames().items():
        text += f"Thread {names.get(ident)}:\n" + "".join(traceback.format_stack(frame))
    with suppress(OSError):
        os.write(2, text.encode(errors="replace"))
