"""How much a test that searches tries: little in every run, much in the nightly run."""

from __future__ import annotations

import os

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(number: int) -> int:
    """The number of examples that Hypothesis tries: `number`, and twenty times as many in the nightly run."""
    return number * 20 if NIGHTLY else number
