"""How often an address may try to get in: whoever guesses a token gets a few guesses a minute, wherever they try."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from syncd.sdk import SyncdError

_FAILURES = 10
_SECONDS = 60.0
_ADDRESSES = 10_000  # that are remembered; those that failed longest ago are forgotten first


class TooManyAttempts(SyncdError):
    """An address has to wait before its next attempt, for so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts; the next one counts in {seconds} s")
        self.seconds = seconds


class Attempt:
    """An attempt that counts as failed, until it turns out that it was none."""

    def __init__(self, take_back: Callable[[], None]) -> None:
        self._take_back = take_back

    def take_back(self) -> None:
        """It succeeded, or nobody could tell whether it would have."""
        self._take_back()


class Attempts:
    """The attempts of the last minute that failed or have not ended, by address. It runs on the event loop alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, dict[Hashable, float]] = OrderedDict()

    def begin(self, address: str, guess: str | None = None) -> Attempt:
        """Counts an attempt at once, so that a thousand at the same time are no more than ten.

        The same `guess` counts once: a program with an old token teaches nobody anything, and must not keep out the
        other programs at its address; nor must many requests with a right one. Raises TooManyAttempts.
        """
        key: Hashable = object() if guess is None else hash(guess)  # salted: it tells nothing of the guess
        if key not in self._live(address):
            if wait := math.ceil(self.wait(address)):
                raise TooManyAttempts(wait)
            self.failed(address, key)
        return Attempt(lambda: self._take_back(address, key))

    def wait(self, address: str) -> float:
        """For how many seconds an address has to wait before its next attempt; 0 if it need not."""
        times = self._live(address).values()
        return 0.0 if len(times) < _FAILURES else max(0.0, min(times) + _SECONDS - self._clock())

    def failed(self, address: str, key: Hashable | None = None) -> None:
        """Notes that an attempt failed."""
        self._failed.setdefault(address, {})[object() if key is None else key] = self._clock()
        self._failed.move_to_end(address)
        while len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)

    def _live(self, address: str) -> dict[Hashable, float]:
        """The attempts of an address that are younger than a minute."""
        times = self._failed.get(address, {})
        for key in [key for key, began in times.items() if began + _SECONDS <= self._clock()]:
            del times[key]
        return times

    def _take_back(self, address: str, key: Hashable) -> None:
        times = self._failed.get(address, {})
        times.pop(key, None)
        if not times:
            self._failed.pop(address, None)
