"""A daemon that stands still, for the pages: what they show is what was reported."""

from __future__ import annotations

from syncd.status.report import Report


class Standings:
    """A daemon that stands still."""

    config_problem = backup_problem = cycle_problem = address = None
    stopping = False

    def __init__(self, found: Report) -> None:
        self._found = found

    def report(self, period: str | None = None) -> Report:
        return self._found

    def troubles(self) -> tuple[()]:
        return ()

    def scrape(self) -> bytes:
        return b""
