"""A daemon that stands still, for the pages: they show what its configuration and ledger hold at its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from starlette.testclient import TestClient

from syncd.config import Config
from syncd.ledger import Ledger
from syncd.sdk.quota import QuotaLeft
from syncd.status.unwritten import Trouble, troubles
from syncd.web import make_app


class StandingStill:
    """A daemon that stands still."""

    config_problem: str | None = None
    backup_problem: str | None = None
    cycle_problem: str | None = None
    ledger_problem: str | None = None
    standing_by: str | None = None
    starting = False
    stopping = False

    def __init__(self, config: Config, ledger: Ledger | None, now: datetime) -> None:
        self.config = config
        self.ledger = ledger
        self._now = now

    def now(self) -> datetime:
        return self._now

    def standstill(self) -> float | None:
        return None

    def check_ledger(self) -> None:
        if self.ledger is not None:
            self.ledger.check_in_place()

    def troubles(self) -> list[Trouble]:
        return list(troubles(self.ledger))

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        return 404, ""

    def quota_left(self, connection: str) -> QuotaLeft | None:
        return None

    def scrape(self, *, ledger: bool = True) -> bytes:
        return b""


def browser(
    config: Config,
    ledger: Ledger | None,
    now: datetime,
    listens_on: str = "127.0.0.1",
    *,
    insecure: bool = False,
    peer: str = "127.0.0.1",
) -> TestClient:
    """A client, at the address `peer`, of the pages that a daemon with this configuration and ledger serves."""
    app = make_app(StandingStill(config, ledger, now), listens_on, insecure=insecure)
    return TestClient(app, base_url="http://localhost", client=(peer, 50_000), follow_redirects=False)
