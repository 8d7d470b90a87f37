"""Compares two definitions of a key result, and names the differences by the keys of the mapping file.

The ledger stores a definition by the names of model classes and their fields, which differ from these keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from syncd.explain.edit import differing, duration_text
from syncd.okr.measures import scalar_text

_RENAMED = {"connection": "from", "expression": "formula"}
_DURATIONS = ("stale_after", "lag")


def key_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The differences between two definitions of a key result, each as (dotted key, old value, new value)."""
    return differing(keys_of(old), keys_of(new))


def keys_of(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Maps the dotted keys of the mapping file to the values of a definition from the ledger."""
    return dict(_keys({"KeyResult": definition["KeyResult"]}))


def _keys(model: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    ((kind, fields),) = model.items()
    for name, value in fields.items():
        key = _joined(place, _RENAMED.get(name, name))
        match kind, name:
            case "KeyResult", "id" | "kind" if place:  # a guard has the id and kind of its key result
                pass
            case "KeyResult", "goal":
                yield from _keys(value, place)
            case "KeyResult", "drives":
                for link in value:
                    yield f"{key}.{link['Link']['outcome']}.lag", duration_text(link["Link"].get("lag", 0))
            case "Target", "commit" | "stretch":
                yield _joined(place, f"levels.{name}"), value
            case "Band", _:
                yield _joined(place, f"keep.{name}"), value
            case "Milestones", "steps":
                for number, step in enumerate(value, 1):
                    yield from _keys(step, _joined(place, f"milestones.{number}"))
            case "Steps", "points":
                for number, (by, expected) in enumerate(value, 1):
                    yield _joined(place, f"steps.{number}"), f"{scalar_text(expected)} before {by}"
            case "FormulaMeasure", "parts":
                for part, measure in value:
                    yield from _keys(measure, f"{key}.{part}")
            case "RecordMeasure", "filters":
                for rule in value:
                    yield _condition(rule["Filter"], _joined(place, "where"))
            case "ReadingMeasure", "part":
                yield from _plain(orjson.loads(value), place)
            case ("ReadingMeasure", "many") | ("RecordMeasure", "of_ignores_case"):  # the other keys determine these
                pass
            case "ReadingMeasure" | "RecordMeasure", "asks_days":
                pass
            case "RecordMeasure", "of":
                yield key, _scalar_or_list([value, *fields.get("else_of", ())])
            case "RecordMeasure", "else_of":
                pass
            case "Window", "days":
                yield place, f"{value}d"
            case "Window", "settled":
                yield key, f"{value}d"
            case _ if name in _DURATIONS:
                yield key, duration_text(value)
            case _ if isinstance(value, dict):
                yield from _keys(value, key)
            case _:
                yield key, _scalar_or_list(value) if isinstance(value, list) else value


def _condition(rule: Mapping[str, Any], place: str) -> tuple[str, Any]:
    field = rule["field"]
    for bound in ("at_least", "at_most"):
        if bound in rule:
            return f"{place}.{field}_{bound}", rule[bound]
    return f"{place}.{'not_' * rule.get('negated', False)}{field}", _scalar_or_list(rule.get("any_of", []))


def _scalar_or_list(values: list[Any]) -> Any:
    """The values as a mapping file has them: a single value without a list. `[None]` stays a list, because None alone
    means that the key is absent.
    """
    return values[0] if len(values) == 1 and values[0] is not None else values


def _plain(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield place, value
        return
    for name, inner in value.items():
        yield from _plain(inner, _joined(place, name))


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
