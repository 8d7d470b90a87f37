"""Limits the requests of a connection. The server's quota, less a reserve, is divided among the connection's streams.

Servers that limit requests tell in the headers of each answer how many requests are left: `X-RateLimit-Limit`,
`-Remaining` and `-Reset` (docs.github.com "Rate limits for the REST API"; developer.atlassian.com "Rate limiting"), or
the same without `X-` (docs.gitlab.com "User and IP rate limits"). If a server tells no quota, the budget delays no
request. syncd still obeys the answers 403 and 429.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from syncd.sdk.answers import quota_reset, rate_limit, server_time
from syncd.sdk.errors import RetryLater
from syncd.sdk.quota import RESERVE, Quota, QuotaLeft, Seen, kept_for_people

_LONGEST_WINDOW = 86400.0  # seconds; a reset later than that is a mistake


@dataclass(slots=True)
class Budget:
    """Counts the requests of one connection in one cycle. The connection's threads share the budget.

    `quota` is the quota of the credential; None until the connection is opened. Other connections, workspaces and
    processes may use the same credential. A stream that begins gets its share of the remaining quota, so that a long
    backfill does not starve the streams after it. The requests that a stream does not use are left for the streams
    after it.
    """

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    quota: Quota | None = None
    _waited: bool = field(default=False, init=False)
    _seen: Seen | None = field(default=None, init=False)
    _left: float = field(default=math.inf, init=False)
    _limit: float = field(default=math.inf, init=False)
    _reset: datetime = field(default=datetime.max.replace(tzinfo=UTC), init=False)
    _share: float = field(default=math.inf, init=False)
    _waiting: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Notes the quota in an answer's headers (lower-case names)."""
        try:
            left, limit = float(rate_limit(headers, "remaining")), float(rate_limit(headers, "limit"))
        except ValueError:
            return
        wait = quota_reset(headers, server_time(headers) or self.now())
        if wait is None or limit <= 0:
            return
        wait = min(wait, _LONGEST_WINDOW)
        with self._lock:
            self._seen = Seen(left, limit, wait)
            self._left, self._limit = left, limit
            self._reset = self.now() + timedelta(seconds=wait)
            if math.isinf(self._share):
                self._divide()

    def begin(self, waiting: int) -> None:
        """Notes that a stream begins; `waiting` is the number of streams after it."""
        with self._lock:
            self._waiting = waiting
            self._divide()

    def spend(self) -> None:
        """Counts a request before it is made. Raises RetryLater if the request must wait."""
        with self._lock:
            if self.now() >= self._reset:
                self._forget()
            wait = (self._reset - self.now()).total_seconds()
            if self._left <= self._reserve:
                raise RetryLater(kept_for_people(self._left, self._limit), wait)
            if self._share < 1:
                raise RetryLater("its share of the quota is used up, and other streams wait for theirs", wait)
            self._left -= 1
            self._share -= 1
            waited, self._waited = self._waited, False
        if self.quota is not None:
            self.quota.begin(waited=waited)

    def settle(self) -> None:
        """Notes that a counted request has ended, with or without an answer."""
        with self._lock:
            seen, self._seen = self._seen, None
        if self.quota is not None:
            self.quota.end(seen)

    @property
    def left(self) -> QuotaLeft | None:
        """The server's quota; None if the server tells none."""
        return None if math.isinf(self._left) else QuotaLeft(self._left, self._limit, self._reset)

    def forget(self) -> None:
        """Forgets the quota, because the wait that the server asked for has passed. The next answer tells the quota
        again.
        """
        with self._lock:
            self._forget()
            self._waited = True

    def _forget(self) -> None:
        self._left = self._limit = self._share = math.inf
        self._reset = datetime.max.replace(tzinfo=UTC)

    @property
    def _reserve(self) -> float:
        return 0.0 if math.isinf(self._limit) else RESERVE * self._limit

    def _divide(self) -> None:
        free = max(0.0, self._left - self._reserve)
        whole = self._waiting == 0 or math.isinf(free)
        self._share = free if whole else max(1.0, free // (self._waiting + 1))
