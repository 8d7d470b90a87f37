"""The tables of the API's pages: its addresses, what they take, and the documents that they answer with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.web.openapi import openapi
from syncd.web.operations import ACTIONS, OPERATIONS


def addresses() -> str:
    """The addresses of the API, with the parameters that each takes."""
    lines = [
        [
            f"`{operation.path.replace('{id}', 'ID')}`",
            ", ".join(f"`{parameter.name}`" for parameter in operation.parameters),
            operation.meaning,
        ]
        for operation in OPERATIONS
    ]
    return table_of(["GET", "takes", "answers with"], lines)


def actions() -> str:
    """The addresses that take requests of people, with the keys of their bodies."""
    lines = [
        [
            f"`{action.path.replace('{id}', 'ID')}`",
            ", ".join(f"`{key}`" for key in sorted(action.body.__annotations__)),
            action.meaning,
        ]
        for action in ACTIONS
    ]
    return table_of(["POST", "takes", "does"], lines)


def documents() -> str:
    """The keys of each document of the API, and of each that stands within it."""
    sections = []
    for name, schema in openapi()["components"]["schemas"].items():
        needed = schema.get("required", ())
        lines = [
            [f"`{key}`" if key in needed else f"`{key}` (or absent)", _schema_words(part), part.get("description", "")]
            for key, part in schema["properties"].items()
        ]
        description = f"{schema['description']}\n\n" if "description" in schema else ""
        sections.append(f"### {name}\n\n{description}{table_of(['key', 'type', 'meaning'], lines)}\n")
    return "\n" + "\n".join(sections)


def _schema_words(schema: Mapping[str, Any]) -> str:
    """A type of JSON Schema in words."""
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"anyOf": list(choices)}:
            return " or ".join(map(_schema_words, choices))
        case {"enum": list(values)}:
            return ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"items": dict(items)}:
            return f"list of {_schema_words(items)}"
        case {"format": str(text), "type": [_, "null"]}:
            return f"{text} or null"
        case {"format": str(text)}:
            return text
        case {"type": list(types)}:
            return " or ".join(types)
        case {"type": str(kind)}:
            return kind
    return "any"


def table_of(heading: list[str], lines: list[list[str]]) -> str:
    """A table of Markdown."""
    written = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in lines)]
    return "\n".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in written)
