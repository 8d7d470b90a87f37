"""Calls the heartbeat address after a good cycle, so that a monitoring service notices if the calls stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from syncd.config import Config
from syncd.config.references import RESOLVED
from syncd.cycle.current import for_this_cycle
from syncd.sdk import ConfigError, Context, RetryPolicy, SourceError, WebSettings, failure
from syncd.sdk.credentials import keys_in_address

log = logging.getLogger("syncd.service")
_SECONDS = 10.0


class Heartbeat:
    """Calls the address in a separate thread, so that no server delays a cycle. There is one call at a time."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        """`sleep` is the function that waits between two tries."""
        self._sleep = sleep
        self._calling: threading.Thread | None = None

    def beat(self, config: Config) -> None:
        """Calls the address, if there is one and the last call has ended. A failure is logged."""
        reference = config.settings.heartbeat
        if reference is None or (self._calling is not None and self._calling.is_alive()):
            return
        self._calling = threading.Thread(
            target=for_this_cycle(lambda: self._call(config, reference)), name="heartbeat", daemon=True
        )
        self._calling.start()

    def _call(self, config: Config, reference: str) -> None:
        try:
            address = _address(config, reference)
            policy = RetryPolicy(attempts=3, longest_wait=_SECONDS, deadline=3 * _SECONDS, sleep=self._sleep)
            policy.call(lambda: _get(address, Context(policy, config.zone)))
        except (ConfigError, SourceError) as error:
            log.warning("heartbeat failed", extra={"reason": str(error)})
        except Exception as error:  # its text may contain the address, which may be a secret
            log.error("heartbeat failed", extra={"reason": f"internal error: {type(error).__name__}"})


def _address(config: Config, reference: str) -> str:
    address = config.address("heartbeat", reference)
    if not address.startswith(("http://", "https://")):
        raise ConfigError("what heartbeat refers to is no address; it begins with https://")
    RESOLVED.learn(keys_in_address(address))
    return address


def _get(address: str, context: Context) -> None:
    """Calls the address once. Raises SourceError if the server does not answer with a 2xx in time."""
    from syncd.sdk.exchange import Exchange

    limit = timedelta(seconds=_SECONDS)
    settings = WebSettings(type="heartbeat", url=address, timeout=_SECONDS, deadline=limit, largest_answer="1 MB")
    with closing(Exchange(settings, context, {"User-Agent": "syncd"}, keep_alive=False)) as exchange:
        answer = exchange("GET", address, {}, None, repeatable=True)
    if not 200 <= answer.status < 300:
        raise failure(answer.status, answer.headers, "", datetime.now(UTC))
