"""How the process gets memory from the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # mallopt(3)


def share_a_heap() -> None:
    """Lets all threads share one heap, if the C library is glibc.

    By default, glibc gives each thread its own heap. The heaps of threads that fetch pages of a megabyte are never
    returned to the system. A backfill then keeps 20 MB. Because of Python's lock, threads gain nothing from their own
    heaps.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
