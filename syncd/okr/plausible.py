"""Plausible numbers of a key result. A number outside the bounds is held until somebody confirms it."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.sdk.figures import full_number, percent
from syncd.sdk.language import gettext as _
from syncd.sdk.numbers import difference, product

MANY = 3
"""If a stream had at least this many records or readings and now has none, a number from the stream is held."""

_FAR = 10.0  # 1,000 % as a share


@dataclass(frozen=True, slots=True)
class Plausible:
    """The bounds of a plausible number, both included, and the largest allowed step from the last complete number.

    `jump` is the largest step in the key result's unit. `jump_share` is the largest step as a share of the last number.
    """

    at_least: float | None = None
    at_most: float | None = None
    jump: float | None = None
    jump_share: float | None = None

    def outside(self, number: float) -> str | None:
        """The bound that a number breaks, such as `at most 1,500`; None if the number is within the bounds."""
        if self.at_least is not None and number < self.at_least:
            return f"at least {full_number(self.at_least)}"
        if self.at_most is not None and number > self.at_most:
            return f"at most {full_number(self.at_most)}"
        return None


def implausible(bounds: Plausible, candidate: float | None, last: float | None) -> str | None:
    """Why a measured number is not plausible, as a sentence without its full stop; None if the number is plausible.

    `last` is the last complete number of the same period under the same measure. If `last` is None, no step is too
    large. A number equal to `last` is plausible whatever the bounds are, because `last` was accepted before. An unknown
    number is plausible.
    """
    if candidate is None or candidate == last:
        return None
    broken = bounds.outside(candidate)
    if broken is None and last is not None:
        broken = _jump(bounds, abs(difference(candidate, last)), last)
    return f"{full_number(candidate)} is outside plausible ({broken})" if broken else None


def _jump(bounds: Plausible, step: float, last: float) -> str | None:
    jump = f"a jump of {full_number(step)} from {full_number(last)}, at most"
    if bounds.jump is not None and step > bounds.jump:
        return f"{jump} {full_number(bounds.jump)}"
    # No share of zero: the step from 0 to the first record of a quarter is allowed.
    if bounds.jump_share is not None and last and step > product(bounds.jump_share, abs(last)):
        return f"{jump} {full_number(product(bounds.jump_share, 100))}%"
    return None


def out_of_scale(progress: float | None) -> str | None:
    """A warning about a progress beyond 1,000 %, which is probably a mistake; None for any other progress.

    A baseline of 4 in place of 4,000 can cause such a progress.
    """
    if progress is None or abs(progress) <= _FAR:
        return None
    return _(
        "its progress is %(share)s: check that value, baseline and target have the same unit", share=percent(progress)
    )
