"""Edits of a key result: which file changed which of its keys, when, and from what to what.

The ledger keeps definitions as the domain's models say them; here they are told by the keys of a mapping file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson

from syncd.ledger import Ledger
from syncd.ledger.definitions import JUDGED_BY
from syncd.okr.measures import scalar_text

_RENAMED = {"connection": "from", "expression": "formula"}
_DURATIONS = ("stale_after", "lag")
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Edit:
    """One key of a definition that a file changed; `old` or `new` is None where it was not said.

    `at` is when the cycle that met it ended: from there on values are of the new definition.
    """

    at: datetime
    file: str
    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.old)} → {_shown(self.new)}"


def edits(ledger: Ledger, period: str, key_result: str, until: int | None = None) -> list[Edit]:
    """Every edit of a key result up to a cycle, oldest first; those of what all of its period are judged by, too."""
    found: list[Edit] = []
    for before, after in pairwise(ledger.definitions.of(period, key_result, until)):
        at, file, old, new = after.ended_at, after.definition.file, before.definition.body, after.definition.body
        found.extend(Edit(at, file, *change) for change in changes(old, new))
        if JUDGED_BY in old and JUDGED_BY in new:  # definitions kept by an early version lack it
            found.extend(
                Edit(at, file if key.startswith("period.") else "syncd.yaml", key, was, now)
                for key, was, now in _differing(old[JUDGED_BY], new[JUDGED_BY])
            )
    return found


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """What two definitions' bodies say otherwise of their key result: the dotted key, the old and the new value."""
    return _differing(*(dict(_said({"KeyResult": body["KeyResult"]})) for body in (old, new)))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [
        (key, before.get(key), after.get(key))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _said(model: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of a model, `{its type's name: its fields}`, each with its value."""
    ((kind, fields),) = model.items()
    for name, value in fields.items():
        key = _joined(place, _RENAMED.get(name, name))
        match kind, name:
            case "KeyResult", "id" | "kind" if place:  # a guard has them of the key result that it guards
                pass
            case "KeyResult", "goal":
                yield from _said(value, place)
            case "KeyResult", "drives":
                for link in value:
                    yield f"{key}.{link['Link']['outcome']}.lag", _duration(link["Link"].get("lag", 0))
            case "Target", "commit" | "stretch":
                yield _joined(place, f"levels.{name}"), value
            case "Band", _:
                yield _joined(place, f"keep.{name}"), value
            case "Milestones", "steps":
                for number, step in enumerate(value, 1):
                    yield from _said(step, _joined(place, f"milestones.{number}"))
            case "Steps", "points":
                for number, (by, expected) in enumerate(value, 1):
                    yield _joined(place, f"steps.{number}"), f"{scalar_text(expected)} before {by}"
            case "FormulaMeasure", "parts":
                for part, measure in value:
                    yield from _said(measure, f"{key}.{part}")
            case "RecordMeasure", "filters":
                for rule in value:
                    yield _condition(rule["Filter"], _joined(place, "where"))
            case "ReadingMeasure", "part":
                yield from _plain(orjson.loads(value), place)
            case "ReadingMeasure", "many":  # follows from the other keys
                pass
            case "Window", "days":
                yield place, f"{value}d"
            case "Window", "settled":
                yield key, f"{value}d"
            case _ if name in _DURATIONS:
                yield key, _duration(value)
            case _ if isinstance(value, dict):
                yield from _said(value, key)
            case _:
                yield key, _one_or_all(value) if isinstance(value, list) else value


def _condition(rule: Mapping[str, Any], place: str) -> tuple[str, Any]:
    field = rule["field"]
    for bound in ("at_least", "at_most"):
        if bound in rule:
            return f"{place}.{field}_{bound}", rule[bound]
    return f"{place}.{'not_' * rule.get('negated', False)}{field}", _one_or_all(rule.get("any_of", []))


def _one_or_all(values: list[Any]) -> Any:
    """As a file says them; a list of nothing but none stays one, for none alone is a key that was not said."""
    return values[0] if len(values) == 1 and values[0] is not None else values


def _plain(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield place, value
        return
    for name, inner in value.items():
        yield from _plain(inner, _joined(place, name))


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _duration(seconds: float) -> str:
    unit, length = next((unit, length) for unit, length in _UNITS if not seconds % length or length == 1)
    return f"{seconds / length:g}{unit}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return " or ".join(map(_shown, value))
    if isinstance(value, bool):
        return str(value).lower()
    return scalar_text(value) if isinstance(value, str | int | float) else str(value)
