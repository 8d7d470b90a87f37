"""Ledgers, opened for tests."""

from __future__ import annotations

from syncd.ledger import Ledger, open_ledger


def create_ledger(url: str) -> Ledger:
    ledger = open_ledger(url)
    assert ledger is not None
    return ledger


def url_of(ledger: Ledger) -> str:
    return ledger.engine.url.render_as_string(hide_password=False)
