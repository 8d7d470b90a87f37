"""Compares an old and a new set of evidence. Finds the items that count in only one of the two sets, and those that add
a different number in the new set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from syncd.explain.items import Item
from syncd.explain.restatements import GONE
from syncd.sdk.language import gettext


@dataclass(frozen=True, slots=True)
class Differences:
    """The items that count only in the new set (`enters`), only in the old set (`leaves`), or in both with different
    numbers (`brings`, as pairs of old and new).

    An item in `leaves` has its former time and number, and the reason why it does not count now.
    """

    enters: Sequence[Item] = ()
    leaves: Sequence[Item] = ()
    brings: Sequence[tuple[Item, Item]] = ()

    def __bool__(self) -> bool:
        return bool(self.enters or self.leaves or self.brings)


def differences(old: Iterable[Item], new: Iterable[Item]) -> Differences:
    """The differences between the items that count in the old evidence and in the new evidence."""
    before = {(item.part, item.key): item for item in old if item.left_out is None}
    now: dict[tuple[str | None, str], Item] = {}
    for item in new:
        key = (item.part, item.key)
        if item.left_out is None or key in before:
            now[key] = item
    return Differences(
        [item for key, item in now.items() if item.left_out is None and key not in before],
        [
            replace(item, left_out=left.left_out if left else gettext(GONE))
            for key, item in before.items()
            if (left := now.get(key)) is None or left.left_out is not None
        ],
        [
            (item, now[key])
            for key, item in before.items()
            if key in now and now[key].left_out is None and now[key].brings != item.brings
        ],
    )
