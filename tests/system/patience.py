"""A cycle's patience with a connection that hangs, without the wait for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from syncd.cycle import pull as pulling
from syncd.cycle.model import Watcher


@contextmanager
def out_of_patience_with(connections: Collection[str]) -> Iterator[Watcher]:
    """The watcher of a cycle that gives these connections up once all others have ended, however long that takes."""
    others = 0
    with pytest.MonkeyPatch.context() as patch:

        def give_up_alone() -> None:
            if others == 0:
                patch.setattr(pulling, "_PATIENCE", 0.1)

        def began(pulls: Collection[pulling.Pull]) -> None:
            nonlocal others
            others = sum(pull.connection not in connections for pull in pulls)
            give_up_alone()

        def ended(result: pulling.PullResult) -> None:
            nonlocal others
            others -= result.pull.connection not in connections
            give_up_alone()

        yield Watcher(pulling=began, ended=ended)
