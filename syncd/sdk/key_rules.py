"""Rules between the keys of a block of YAML, as JSON Schema: editors show their sentences while people type.

`validate` checks the same and more; a rule here only says earlier what it would say. `errorMessage` is what the
language servers of VS Code show in place of their own sentence (code.visualstudio.com, "JSON editing").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

Rule = dict[str, Any]
"""A JSON Schema of the block, which holds the sentence for whoever breaks the rule."""


def text(pattern: str, sentence: str, **more: Any) -> dict[str, Any]:
    """The schema of a text of this form; the sentence says what to write."""
    return {"type": "string", "pattern": pattern, "errorMessage": sentence, **more}


def texts(pattern: str, sentence: str) -> dict[str, Any]:
    """The schema of a text of this form, or of a list of them that is not empty; the sentence says what to write."""
    item = text(pattern, sentence)
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "errorMessage": f"is empty; {sentence}"}]}


def all_match(pattern: str, sentence: str) -> Callable[[str | list[str]], str | list[str]]:
    """What checks a text or a list of them as `texts` does, for pydantic."""

    def check(value: str | list[str]) -> str | list[str]:
        for item in [value] if isinstance(value, str) else value or [""]:
            if not re.fullmatch(pattern, item):
                raise ValueError(f"is {item!r}; {sentence}")
        return value

    return check


def has(*keys: str) -> Rule:
    """Whether a block has all of these keys, with a value."""
    return {"required": list(keys), "properties": {key: {"not": {"type": "null"}} for key in keys}}


def has_any(*keys: str) -> Rule:
    """Whether a block has one of these keys, with a value."""
    return {"anyOf": [has(key) for key in keys]}


def holds(key: str, *values: Any) -> Rule:
    """Whether a key is written and has one of these values."""
    return {"required": [key], "properties": {key: {"enum": list(values)}}}


def matches(key: str, pattern: str) -> Rule:
    """Whether a key is written and has a text of this form."""
    return {"required": [key], "properties": {key: {"type": "string", "pattern": pattern}}}


def is_empty(key: str) -> Rule:
    """Whether a key holds a list without items."""
    return {"required": [key], "properties": {key: {"type": "array", "maxItems": 0}}}


def both(*conditions: Rule) -> Rule:
    """Whether a block meets all of these conditions."""
    return {"allOf": list(conditions)}


def lacks(*keys: str) -> Rule:
    """Whether a block has none of these keys."""
    return {"not": has_any(*keys)}


def refuse(condition: Rule, sentence: str) -> Rule:
    """No block may meet the condition."""
    return {"if": condition, "then": _never(sentence)}


def needs(condition: Rule, sentence: str) -> Rule:
    """Every block must meet the condition."""
    return {"if": condition, "else": _never(sentence)}


def fits(key: str, schema: Rule) -> Rule:
    """What a key holds, where it is written, must fit a schema that has its own sentence."""
    return {"properties": {key: schema}}


def each_of(names: Sequence[str], sentence: str) -> Rule:
    """A value, or a list of values, that are all names of these, or no value at all."""
    value = {"enum": [*names, None], "errorMessage": sentence}
    return {"if": {"type": "array"}, "then": {"items": value}, "else": value}


def _never(sentence: str) -> Rule:
    """What no block is. The language server shows the sentence of a type, and none of a `not`."""
    return {"type": "null", "errorMessage": sentence}


def single(*keys: str) -> list[Rule]:
    """At most one of these keys may be there."""
    pairs = [(first, second) for index, first in enumerate(keys) for second in keys[index + 1 :]]
    return [refuse(has(*pair), f"has {pair[0]!r} and {pair[1]!r}; keep one of them") for pair in pairs]
