"""Shared by the commands by which people change something: their request is done at once, or by the next cycle."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from syncd.config import Config
from syncd.cycle.refusals import Refused
from syncd.cycle.take_requests import take_requests
from syncd.ledger import Ledger, LedgerBusy, cycle_lock
from syncd.ledger.requests import Request


def new_form() -> str:
    """The id of a request: each command that is typed counts."""
    return secrets.token_urlsafe(16)


def take_now(config: Config, ledger: Ledger, clock: Callable[[], datetime], request: Request) -> str | None:
    """Has a stored request done. If a cycle runs, which does it next time, returns who runs it, else None.

    Raises Refused if the request could not be done: something has changed since it was stored.
    """
    try:
        with cycle_lock(ledger.engine):
            take_requests(config, ledger, clock, command=request.id)
    except LedgerBusy as busy:
        return str(busy)
    done = ledger.requests.get(request.id)
    if done is not None and done.state == "refused":
        raise Refused(done.reason)
    return None if done is None or done.state == "applied" else "its history is carried over to the new id first"
