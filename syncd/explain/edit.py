"""An edit: one key of a mapping file got another value at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.okr.measures import scalar_text
from syncd.okr.words import change
from syncd.sdk.language import gettext

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one key of a definition. `old` is None if the key was absent before; `new` is None if the key was
    removed.

    `at` is the end of the cycle that first saw the edit. Values that were stored later have the new definition.
    """

    at: datetime
    file: str
    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {change(_shown(self.old), _shown(self.new))}"


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The keys whose values differ, each as (key, old value, new value). A missing value is None."""
    return [
        (key, before.get(key), after.get(key))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def duration_text(seconds: float) -> str:
    """A duration as mapping files write it, such as `36h`."""
    unit, length = next((unit, length) for unit, length in _UNITS if not seconds % length or length == 1)
    return f"{seconds / length:g}{unit}"


def _shown(value: Any) -> str:
    if value is None:
        return gettext("none")
    if isinstance(value, list):
        return gettext(" or ").join(map(_shown, value))
    if isinstance(value, bool):
        return str(value).lower()
    return scalar_text(value) if isinstance(value, str | int | float) else str(value)
