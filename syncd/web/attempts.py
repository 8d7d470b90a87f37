"""How often an address may try to log in: whoever guesses a token gets a few guesses a minute."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

_FAILURES = 10
_SECONDS = 60.0
_ADDRESSES = 10_000  # that are remembered; those that failed longest ago are forgotten first


class Attempts:
    """The failed attempts of the last minute, by address. It runs on the event loop alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """For how many seconds an address has to wait before its next attempt; 0 if it need not."""
        times = self._failed.get(address)
        if times is None or len(times) < _FAILURES:
            return 0.0
        return max(0.0, times[0] + _SECONDS - self._clock())

    def failed(self, address: str) -> None:
        """Notes that an attempt failed."""
        self._failed.setdefault(address, deque(maxlen=_FAILURES)).append(self._clock())
        self._failed.move_to_end(address)
        while len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)
