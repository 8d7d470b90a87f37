"""Waiting for what must come about: progress ends each wait, and a loaded machine only makes it longer."""

from __future__ import annotations

import time
from collections.abc import Callable

HANG = 240
"""Seconds that nothing takes but what hangs for ever: the bound of every wait in the tests."""


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until something holds. It rests as long as a look takes, so that looking holds nobody up."""
    end = time.monotonic() + HANG
    while True:
        began = time.monotonic()
        if condition():
            return
        looked = time.monotonic()
        assert looked < end, "it did not come about"
        time.sleep(max(0.02, looked - began))
