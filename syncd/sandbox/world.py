"""The company's state: all that the sandbox's systems hold, behind one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date, datetime

from syncd.sandbox.clock import Clock
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.gitlab.forge import Forge
from syncd.sandbox.jira.tickets import Tickets
from syncd.sandbox.sheets.workbook import Workbooks


@dataclass
class Metrics:
    """The content of the metrics API: an error rate, and an uptime for each day (None if monitoring was down)."""

    error_rate: float = 0.0
    uptime: dict[date, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class CostRow:
    """A line of `costs.csv` as finance writes it: German dates and decimals; a missing amount is an empty text."""

    week: date
    amount: str
    comment: str


@dataclass(frozen=True)
class Search:
    """A search of the help pages; `opened` is the article that it led to, None if it led to none."""

    at: datetime
    words: str
    opened: str | None


class World:
    """`github`, `gitlab`, `jira` (Cloud), `jira_dc` (Data Center), `sheets`, `metrics`, `costs`, `searches`, with their
    mutations.

    Hold `lock` to read several things that belong together; every mutation takes the lock itself.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = Clock(now)
        self.github = CodeHost(self.clock, self.lock)
        self.gitlab = Forge(self.clock, self.lock)
        # Neither account is in the company's own zone, so that a JQL date read in the wrong zone shows.
        self.jira = Tickets(self.clock, self.lock, cloud=True, zone="America/New_York", page_cap=40)
        self.jira_dc = Tickets(self.clock, self.lock, cloud=False, zone="Asia/Tokyo", page_cap=100)
        self.sheets = Workbooks(self.clock, self.lock)
        self.metrics = Metrics()
        self.costs: list[CostRow] = []
        self.searches: list[Search] = []
