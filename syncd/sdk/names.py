"""Suggestions for mistyped names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The most similar of the `names`, ignoring upper and lower case; None if none is similar."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(set(names), reverse=True)}
    match = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[match[0]] if match else None


def nearest_hint(name: str, names: Iterable[str]) -> str:
    """A hint such as `; the nearest is 'Week'`; "" if no name is similar."""
    nearest = nearest_name(name, names)
    return f"; the nearest is {nearest!r}" if nearest is not None else ""
