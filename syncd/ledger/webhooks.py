"""The ids of the webhooks that arrived in the last days, so that a repeated webhook is ignored."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, or_, select

from syncd.ledger.schema import webhooks
from syncd.ledger.wake import wake_worker

KEPT = timedelta(days=3)
"""How long the ids of webhooks are kept: external systems repeat a webhook only within this time."""


class Webhooks:
    """Reads and writes the ids of webhooks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_new(
        self, connection_name: str, delivery: str, body: bytes, now: datetime, *, wake_in: timedelta | None = None
    ) -> bool:
        """Whether a webhook is new: neither its delivery id nor its body arrived in the last days. Stores the id and a
        digest of the body of a new webhook.

        With `wake_in`, the same transaction makes the workspace due for workers after this time, so that no stored
        webhook is forgotten. The body is compared too, because only the body is signed: an attacker can repeat a body
        with another delivery id. An empty body is not compared, because different webhooks may have an empty body.
        """
        digest = hashlib.sha256(body).hexdigest() if body else None
        same = [webhooks.c.delivery == delivery] if delivery else []
        same += [webhooks.c.body == digest] if digest else []
        earlier = select(webhooks.c.id).where(webhooks.c.connection == connection_name, or_(*same)) if same else None
        with self._engine.begin() as connection:
            connection.execute(delete(webhooks).where(webhooks.c.received_at < now - KEPT))
            if earlier is not None and connection.execute(earlier).first():
                return False
            row = {"connection": connection_name, "delivery": delivery, "body": digest, "received_at": now}
            connection.execute(insert(webhooks).values(row))
            if wake_in is not None:
                wake_worker(connection, wake_in)
        return True
