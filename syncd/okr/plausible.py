"""What a key result's number can plausibly be: a number outside waits until somebody says that it is true."""

from __future__ import annotations

from dataclasses import dataclass

MANY = 3
"""So many records or readings are many: a stream that held them and holds none has fallen empty."""

_ROUNDING = 1e-9  # so that a step from 1.2 to 1.3 is one of 0.1 whatever its last bit says


@dataclass(frozen=True, slots=True)
class Plausible:
    """The bounds of a plausible number, both included, and of the step from the last complete one.

    `jump` is in the key result's unit, `jump_share` a share of the last number.
    """

    at_least: float | None = None
    at_most: float | None = None
    jump: float | None = None
    jump_share: float | None = None

    def outside(self, number: float) -> str | None:
        """The bound that a number breaks, such as `at most 1,500`; None where it breaks none."""
        if self.at_least is not None and number < self.at_least:
            return f"at least {shown(self.at_least)}"
        if self.at_most is not None and number > self.at_most:
            return f"at most {shown(self.at_most)}"
        return None


def implausible(bounds: Plausible, candidate: float | None, last: float | None) -> str | None:
    """Why a number that was just measured is not plausible, as a sentence without its full stop; None where it is.

    `last` is the last complete number of the same period, measured in the same way; None where there is none, and a
    step is then no jump. The same number again is plausible whatever the bounds are: somebody took it once. What is
    unknown breaks no bound.
    """
    if candidate is None or candidate == last:
        return None
    broken = bounds.outside(candidate)
    if broken is None and last is not None:
        broken = _jump(bounds, abs(candidate - last), last)
    return f"{shown(candidate)} is outside plausible ({broken})" if broken else None


def _jump(bounds: Plausible, step: float, last: float) -> str | None:
    said = f"a jump of {shown(step)} from {shown(last)}, at most"
    if bounds.jump is not None and step > bounds.jump * (1 + _ROUNDING):
        return f"{said} {shown(bounds.jump)}"
    # Of nothing there is no share: the first record of a quarter is no jump.
    if bounds.jump_share is not None and last and step > bounds.jump_share * abs(last) * (1 + _ROUNDING):
        return f"{said} {shown(bounds.jump_share * 100)}%"
    return None


def shown(number: float) -> str:
    """A number exactly enough to tell it from a bound beside it: `1,500`, `1,500.004`."""
    return f"{number:,.12g}"
