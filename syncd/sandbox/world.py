"""The company's state: the data of all systems of the sandbox, protected by one lock."""

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
    """A row of `costs.csv`, with German dates and decimals. A missing amount is an empty text."""

    week: date
    amount: str
    comment: str


@dataclass(frozen=True)
class Search:
    """A search in the help pages. `opened` is the article that the search led to; None if the search led to no
    article.
    """

    at: datetime
    words: str
    opened: str | None


class World:
    """The company's systems: `github`, `gitlab`, `jira` (Cloud), `jira_dc` (Data Center), `sheets`, `metrics`, `costs`
    and `searches`.

    Acquire `lock` to read several values that belong together. Every method that changes a system acquires the lock
    itself.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = Clock(now)
        self.github = CodeHost(self.clock, self.lock)
        self.gitlab = Forge(self.clock, self.lock)
        # Neither account is in the company's zone, so that a JQL date in the wrong zone is noticed.
        self.jira = Tickets(self.clock, self.lock, cloud=True, zone="America/New_York", page_cap=40)
        self.jira_dc = Tickets(self.clock, self.lock, cloud=False, zone="Asia/Tokyo", page_cap=100)
        self.sheets = Workbooks(self.clock, self.lock)
        self.metrics = Metrics()
        self.costs: list[CostRow] = []
        self.searches: list[Search] = []
