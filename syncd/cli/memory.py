"""How memory is taken from the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # mallopt(3)


def one_arena() -> None:
    """One heap for all threads, where the C library is glibc.

    It would give each thread a heap of its own, and those that fetch pages of a megabyte keep what they once took:
    20 MB in a backfill. Under Python's lock threads gain nothing by it.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
