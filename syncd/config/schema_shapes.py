"""Turns the alternatives of pydantic's JSON Schemas into a choice by shape. An editor then shows the errors of the
alternative that has the value's shape. Otherwise an editor would only show that no alternative matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

DURATION = {
    "type": "string",
    "pattern": r"^\d+(\.\d+)?[smhdw]$",
    "examples": ["15m", "10d", "3w"],
    "errorMessage": "write a number and s, m, h, d or w, such as 15m or 10d",
}
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def shaped(schema: Any, definitions: Mapping[str, Schema]) -> Any:
    """The schema and all nested schemas, with a choice by shape in place of each list of alternatives.

    `definitions` has the schemas that references name. A list of alternatives is not changed if two of them have the
    same shape.
    """
    if isinstance(schema, list):
        return [shaped(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "duration":
        return {**{key: value for key, value in schema.items() if key == "description"}, **DURATION}
    made = {
        _BOUNDS.get(key, key): shaped(value, definitions)
        for key, value in schema.items()
        if not (key == "default" and _is_iso(value))
    }
    for key in ("anyOf", "oneOf"):
        if key in made and (choice := _choice(made[key], definitions)) is not None:
            del made[key]
            # Keys beside the alternatives, such as a description or a default, belong to the key itself.
            made |= {name: value for name, value in choice.items() if name != "allOf"}
            made["allOf"] = [*made.get("allOf", []), *choice.get("allOf", [])]
    if made.get("allOf") == []:
        del made["allOf"]
    return made


def _choice(members: list[Schema], definitions: Mapping[str, Schema]) -> Schema | None:
    """A choice by shape; None if two members have the same shape, or if the shape of a member is unclear."""
    types = [_types(member, definitions) for member in members]
    if {"type": "number"} in members:
        members = [member for member in members if member != {"type": "integer"}]
        types = [_types(member, definitions) for member in members]
    names = [name for each in types for name in each]
    if not all(types) or len(set(names)) < len(names):
        return None
    rules = [
        {"if": {"type": sorted(each) if len(each) > 1 else next(iter(each))}, "then": member}
        for member, each in zip(members, types, strict=True)
        if member.keys() != {"type"}
    ]
    return {"type": names if len(names) > 1 else names[0], **({"allOf": rules} if rules else {})}


def _types(member: Schema, definitions: Mapping[str, Schema]) -> set[str]:
    if "$ref" in member:
        return _types(definitions.get(member["$ref"].rpartition("/")[2], {}), definitions)
    given = member.get("type", ())
    types = {given} if isinstance(given, str) else set(given)
    if not types and "const" in member:
        types = {"boolean"} if isinstance(member["const"], bool) else {"string"}
    return {"number" if name == "integer" else name for name in types}


def _is_iso(value: Any) -> bool:
    return (isinstance(value, str) and value.startswith("P") and value[1:2].isdigit()) or value == "PT0S"
