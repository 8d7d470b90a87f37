"""Visits all workspaces in turn, for work that is short in most workspaces."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from syncd.cycle.current import works_for
from syncd.workspaces.member import Member

log = logging.getLogger("syncd.workspaces")
_EVERY = 1.0  # seconds between two visits of a workspace, if there are few
_BETWEEN = 0.05  # seconds, at least, between two visits, because visits of many workspaces cost much and find little

M = TypeVar("M", bound=Member)


class Rounds(Generic[M]):
    """Visits workspaces for one kind of work. Several threads may call `run`; no two visit the same workspace at
    once.
    """

    def __init__(
        self, members: Callable[[], Sequence[M]], visit: Callable[[M], None], stopping: threading.Event
    ) -> None:
        self._members = members
        self._visit = visit
        self._stopping = stopping
        self._mutex = threading.Lock()
        self._left: list[M] = []
        self._visited: set[M] = set()

    def run(self) -> None:
        """Visits workspaces until the process stops. An error in a visit ends only that visit."""
        pause = _EVERY
        while not self._stopping.wait(pause):
            member, count = self._next()
            pause = max(_EVERY / max(count, 1), _BETWEEN)
            if member is None:
                continue
            try:
                with works_for(member.name):
                    self._visit(member)
            except Exception:  # a bug here must not end the visits for ever
                log.exception("visit broken", extra={"workspace": member.name})
            finally:
                with self._mutex:
                    self._visited.discard(member)

    def _next(self) -> tuple[M | None, int]:
        """The next member to visit (None if there is none now), and the number of members."""
        with self._mutex:
            members = self._members()
            if not self._left:
                self._left = list(reversed(members))
            here = set(members)
            while self._left:
                member = self._left.pop()
                if member in here and member not in self._visited:
                    self._visited.add(member)
                    return member, len(members)
            return None, len(members)
