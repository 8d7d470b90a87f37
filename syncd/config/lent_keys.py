"""Rules of the JSON Schema about keys that several connectors have, made from the keys of the installed connectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncd.sdk.key_rules import Rule, both, has, has_any, refuse

Definitions = Mapping[str, Mapping[str, Any]]
"""The schema of the measures of each connector, by the connector's name. If a connector has a second kind of measure,
its schema is under `NAME_records`.
"""

Marks = Mapping[str, Sequence[str]]
"""For each connector, the keys that only its measures have."""

_OF_FORMULAS = ("use", "formula", "parts")


def lacking_keys(definitions: Definitions, needed: Mapping[str, Sequence[str]], marks: Marks) -> Rule:
    """A rule that refuses a measure that inherits no keys and has no key that identifies its connector.

    The rule is empty if the measures of a connector may lack all keys that identify the connector.
    """
    own = {name: [key for key in needed[name] if key in marks[name]] for name in definitions}
    if not all(own.values()):
        return {}
    holders: dict[str, list[str]] = {}
    for name, definition in definitions.items():
        for key in definition["properties"]:
            holders.setdefault(key, []).append(name)
    # The fewer connectors have a key, the better the key shows which connector is meant.
    shared = {key: names for key, names in holders.items() if len(names) > 1 and key not in _OF_FORMULAS}
    choice: Rule = {}
    for key, names in sorted(shared.items(), key=lambda item: -len(item[1])):
        ways = [f"{' and '.join(map(repr, own[name]))} of {_connector(name)}" for name in names]
        sentence = f"does not say what to read; write {', or '.join(dict.fromkeys(ways))}"
        choice = {**refuse(has(key), sentence), "else": choice}
    return choice


def lent_keys(definitions: Definitions, marks: Marks) -> Iterator[Rule]:
    """Rules that refuse a key of a formula if one of the formula's parts cannot have the key."""
    for name, keys in marks.items():
        is_a_part = {"type": "object", **has_any(*keys)} if keys else False
        some_part = {"required": ["parts"], "properties": {"parts": {"type": "object", "minProperties": 1}}}
        of_another = {"properties": {"parts": {"additionalProperties": {"not": is_a_part}}}}
        yield {
            "if": both(has("formula"), some_part, {"not": of_another}),
            "then": {
                "propertyNames": {
                    "enum": list(definitions[name]["properties"]),
                    "errorMessage": f"is no key of {_connector(name)}, which a part reads from; write it in the others",
                }
            },
        }


def _connector(name: str) -> str:
    return name.removesuffix("_records")
