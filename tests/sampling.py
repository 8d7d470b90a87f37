"""What the gate takes of the variants of a test that is marked `sampled(COUNT)` or `nightly_with(PARAMETER, ...)`; the
nightly run takes all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest


def beyond_others(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """The items with a parameter of which the gate takes others: `nightly_with("postgresql")` leaves SQLite."""
    for item in items:
        call = getattr(item, "callspec", None)
        left = {name for marker in item.iter_markers("nightly_with") for name in marker.args}
        if any(isinstance(each, str) and each in left for each in (call.params.values() if call else ())):
            yield item


def beyond_samples(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """The items that the gate leaves out: of a test with more than COUNT variants, all but the first, the last, and
    others evenly between them. A variant that is nightly anyway is no part of this.
    """
    variants: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled") and not item.get_closest_marker("nightly"):
            variants[item.nodeid.partition("[")[0]].append(item)
    for of_test in variants.values():
        marker = of_test[0].get_closest_marker("sampled")
        assert marker is not None
        taken = sample(len(of_test), marker.args[0])
        yield from (item for place, item in enumerate(of_test) if place not in taken)


def sample(count: int, size: int) -> set[int]:
    """The places, from 0, of a sample of so many variants: at most `size`, evenly."""
    if count <= size:
        return set(range(count))
    return {round(step * (count - 1) / max(size - 1, 1)) for step in range(size)}
