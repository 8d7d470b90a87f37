"""The cycle number and the workspace that a thread works for. Every log line of the thread has this number and
workspace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial

_CYCLE: ContextVar[int | None] = ContextVar("cycle", default=None)
_WORKSPACE: ContextVar[str | None] = ContextVar("workspace", default=None)


def current_cycle() -> int | None:
    """The number of the cycle that this thread works for, or None."""
    return _CYCLE.get()


def begin_cycle(number: int) -> None:
    """Sets the cycle that this thread works for from now on."""
    _CYCLE.set(number)


@contextmanager
def cycle_ends() -> Iterator[None]:
    """At the end of the block, clears the cycle that this thread works for, if the cycle began within the block."""
    token = _CYCLE.set(None)
    try:
        yield
    finally:
        _CYCLE.reset(token)


def current_workspace() -> str | None:
    """The workspace that this thread works for; None in a process with a single ledger."""
    return _WORKSPACE.get()


@contextmanager
def works_for(workspace: str) -> Iterator[None]:
    """Sets the workspace of this thread within the block."""
    token = _WORKSPACE.set(workspace)
    try:
        yield
    finally:
        _WORKSPACE.reset(token)


def for_this_cycle(target: Callable[[], None]) -> Callable[[], None]:
    """Wraps the target of a new thread, so that the new thread works for the cycle and the workspace of this thread."""
    return partial(copy_context().run, target)
