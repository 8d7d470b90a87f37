"""Ledgers, opened for tests."""

from __future__ import annotations

from datetime import datetime

from syncd.ledger import Ledger, open_ledger
from syncd.ledger.outbox import STUCK


def create_ledger(url: str) -> Ledger:
    ledger = open_ledger(url)
    assert ledger is not None
    return ledger


def url_of(ledger: Ledger) -> str:
    return ledger.engine.url.render_as_string(hide_password=False)


def retry_stuck(ledger: Ledger, now: datetime, key_result: str | None = None) -> None:
    """Puts the deliveries that wait for a person back into the outbox, of all key results or of a single one."""
    stuck = ledger.outbox.in_state(STUCK)
    ledger.outbox.again([each.id for each in stuck if key_result in (None, each.key_result)], now)
