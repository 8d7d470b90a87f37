"""Functions for the commands that store a person's request. The request is carried out at once, or by the next
cycle.
"""

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
    """A new id for a request. Each typed command makes a new request."""
    return secrets.token_urlsafe(16)


def take_now(config: Config, ledger: Ledger, clock: Callable[[], datetime], request: Request) -> str | None:
    """Carries out a stored request at once and returns None, or returns why the request waits for a later cycle.

    A request waits if a cycle runs now, or if the history must first be moved to a new id. Raises Refused if the
    request cannot be carried out, because something has changed since it was stored.
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
