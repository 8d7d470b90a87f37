"""How much a test that searches tries: little in every run, much in the nightly run."""

from __future__ import annotations

import os

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(number: int, nightly: int | None = None) -> int:
    """How many examples Hypothesis tries: `number`; in the nightly run `nightly`, or twenty times as many."""
    if NIGHTLY:
        return number * 20 if nightly is None else nightly
    return number
