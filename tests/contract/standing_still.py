"""A daemon that runs no cycles, for tests of the pages: it always gives the same report."""

from __future__ import annotations

from syncd.status.report import Report


class StillDaemon:
    """A daemon that always gives the same report."""

    config_problem = cycle_problem = None
    stopping = False

    def __init__(self, found: Report) -> None:
        self._found = found

    def report(self, period: str | None = None) -> Report:
        return self._found

    def troubles(self) -> tuple[()]:
        return ()

    def scrape(self) -> bytes:
        return b""
