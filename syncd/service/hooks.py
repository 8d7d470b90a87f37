"""Webhooks: a signed and new webhook starts a cycle at once. The data in its body are not used."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from syncd.config import Config
from syncd.ledger import Ledger
from syncd.sdk import ConfigError, can_notify

log = logging.getLogger("syncd.service")
_BETWEEN = 10.0  # seconds between two cycles that webhooks start: an edit of many issues sends many
_BETWEEN_LINES = 60.0  # seconds between two log lines about refusals, because anybody can cause them

Reply = tuple[int, str]
"""The HTTP status and the text of a response."""


class Hooks:
    """Receives the webhooks of all connections. Threads may call it at the same time."""

    def __init__(self, ledger: Ledger, start_cycle: Callable[[], None] | None) -> None:
        """Without `start_cycle`, a webhook marks the workspace in the ledger as due for workers."""
        self._ledger = ledger
        self._start_cycle = start_cycle
        self._lock = threading.Lock()
        self._waiting = False
        self._not_before = 0.0
        self._logged_at = -_BETWEEN_LINES

    def receive(self, config: Config, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Handles a webhook of a connection, and returns the reply. The names in `headers` are lower-case. Raises
        LedgerError.
        """
        connection = config.connections.get(name)
        try:
            secret = connection.webhook_secret() if connection is not None else None
        except ConfigError as error:
            log.error("webhook refused", extra={"connection": name, "reason": str(error)})
            return 503, "the secret of this webhook is not set; see the log of syncd"
        if connection is None or secret is None or not can_notify(connection.connector):
            return 404, "no connection of this name takes webhooks; write webhook_secret on it"
        webhook = connection.connector.webhook
        if not webhook.is_signed(headers, body, secret):
            self._log_refusal(name, webhook.signature)
            return 401, f"{webhook.signature} does not fit the body and the secret"
        delivery = headers.get(webhook.delivery, "")
        wake_in = self._next_wake() if self._start_cycle is None else None
        if not self._ledger.webhooks.is_new(name, delivery, body, datetime.now(UTC), wake_in=wake_in):
            return 200, "it came before"
        log.info("webhook", extra={"connection": name})
        if self._start_cycle is not None:
            self._start_soon(self._start_cycle)
        return 200, "a cycle starts"

    def _log_refusal(self, connection: str, header: str) -> None:
        if time.monotonic() - self._logged_at >= _BETWEEN_LINES:
            self._logged_at = time.monotonic()
            reason = f"{header} does not fit the body and webhook_secret: is the same secret set on both sides?"
            log.warning("webhook refused", extra={"connection": connection, "reason": reason})

    def _next_wake(self) -> timedelta:
        """The time to wait until a worker runs the next cycle. It is zero if no webhook has started a cycle in the last
        `_BETWEEN` seconds.
        """
        with self._lock:
            now = time.monotonic()
            if now < self._not_before:
                return timedelta(seconds=self._not_before - now)
            self._not_before = now + _BETWEEN
            return timedelta()

    def _start_soon(self, start_cycle: Callable[[], None]) -> None:
        """Starts a cycle at once, or some time after the last cycle that a webhook started."""

        def start() -> None:
            with self._lock:
                self._waiting = False
                self._not_before = time.monotonic() + _BETWEEN
            start_cycle()

        with self._lock:
            if self._waiting:
                return
            self._waiting = True
            timer = threading.Timer(max(0.0, self._not_before - time.monotonic()), start)
        timer.daemon, timer.name = True, "webhook"
        try:
            timer.start()
        except RuntimeError:  # the system has no thread left
            start()
