"""Limits login attempts: each address may fail ten times a minute, counted over all pages and programs."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from syncd.sdk import SyncdError

_FAILURES = 10
_SECONDS = 60.0
_ADDRESSES = 10_000  # the most addresses to remember; the address that failed longest ago is forgotten first


class TooManyAttempts(SyncdError):
    """Refuses an attempt of an address that must wait this many `seconds` first."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts; the next one counts in {seconds} s")
        self.seconds = seconds


class Attempt:
    """An attempt that counts as failed until it is taken back."""

    def __init__(self, take_back: Callable[[], None]) -> None:
        self._take_back = take_back

    def take_back(self) -> None:
        """Stops counting the attempt as failed: the attempt succeeded, or could not be checked."""
        self._take_back()


class Attempts:
    """The attempts of the last minute that failed or have not ended, by address. Only code on the event loop may use
    it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, dict[Hashable, float]] = OrderedDict()

    def begin(self, address: str, guess: str | None = None) -> Attempt:
        """Counts an attempt when it begins. Parallel attempts therefore have the same limit as successive attempts.

        Attempts with the same `guess` count as one attempt. A program that repeats an old token learns nothing, and
        must not lock out the other programs at its address. Many requests with a valid token must not lock out other
        programs either. Raises TooManyAttempts.
        """
        key: Hashable = object() if guess is None else hash(guess)  # salted: it reveals nothing about the guess
        if key not in self._live(address):
            if wait := math.ceil(self.wait(address)):
                raise TooManyAttempts(wait)
            self.failed(address, key)
        return Attempt(lambda: self._take_back(address, key))

    def wait(self, address: str) -> float:
        """The seconds that an address has to wait before its next attempt; 0 if it need not wait."""
        times = self._live(address).values()
        return 0.0 if len(times) < _FAILURES else max(0.0, min(times) + _SECONDS - self._clock())

    def failed(self, address: str, key: Hashable | None = None) -> None:
        """Counts a failed attempt."""
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
