"""A cycle's patience with a connection that hangs, without the wait for it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from syncd.cycle.background import Background
from syncd.cycle.model import Watcher


@contextmanager
def out_of_patience_with(connections: Collection[str]) -> Iterator[Watcher]:
    """The watcher of a cycle that gives these connections up once all others have ended, however long that takes."""
    hanging, patient = {f"pull-{name}" for name in connections}, Background.silent
    with pytest.MonkeyPatch.context() as patch:

        def look() -> None:
            pulling = {thread.name for thread in threading.enumerate() if thread.name.startswith("pull-")}
            patch.setattr(Background, "silent", 0.1 if pulling <= hanging else patient)

        yield Watcher(moves=look)
