"""The key that signs data that browsers store and send back. All processes that use the same ledger share it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from syncd.ledger import LedgerError
from syncd.web.bounded import Bounded, Overdue
from syncd.web.daemon import Entrance


class DeploymentKey:
    """Keys that are made from the ledger's random id, so that signatures stay valid after a restart."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._look_up = Bounded("key", threads=2, seconds=5, ledger=lambda: entrance.ledger).run
        self._random = secrets.token_bytes(32)

    async def of(self, purpose: str) -> bytes:
        """The key for a purpose, such as `login`. A signature with this key is not valid for another purpose.

        Without a ledger that responds, the key is random, and only this process has it.
        """
        try:
            ledger = await self._look_up(lambda: self._entrance.ledger)
        except (LedgerError, Overdue):
            ledger = None
        secret = ledger.identity.id.encode() if ledger is not None else self._random
        return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()
