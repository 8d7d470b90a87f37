"""How the process takes memory from the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # mallopt(3)


def share_a_heap() -> None:
    """Lets all threads share one heap, if the C library is glibc.

    By default glibc gives each thread a heap of its own. Threads that fetch pages of a megabyte never give that memory
    back: 20 MB in a backfill. Under Python's lock threads gain nothing from a heap of their own.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
