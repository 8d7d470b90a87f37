"""What a thread works for: the number of a cycle, and a workspace. Each line that it writes to the log has both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial

_CYCLE: ContextVar[int | None] = ContextVar("cycle", default=None)
_WORKSPACE: ContextVar[str | None] = ContextVar("workspace", default=None)


def current_cycle() -> int | None:
    """The cycle that this thread works for; None if it works for none."""
    return _CYCLE.get()


def begin_cycle(number: int) -> None:
    """This thread works for a cycle from now on."""
    _CYCLE.set(number)


@contextmanager
def cycle_ends() -> Iterator[None]:
    """Once the block is left, this thread works for no cycle that began in it."""
    token = _CYCLE.set(None)
    try:
        yield
    finally:
        _CYCLE.reset(token)


def current_workspace() -> str | None:
    """The workspace that this thread works for; None where a process has a single ledger."""
    return _WORKSPACE.get()


@contextmanager
def works_for(workspace: str) -> Iterator[None]:
    """Within the block, this thread works for a workspace."""
    token = _WORKSPACE.set(workspace)
    try:
        yield
    finally:
        _WORKSPACE.reset(token)


def for_this_cycle(target: Callable[[], None]) -> Callable[[], None]:
    """The target of a new thread that works for the cycle and the workspace of this thread."""
    return partial(copy_context().run, target)
