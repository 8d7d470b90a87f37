"""Rules for the keys of a YAML block, as JSON Schema. Editors show a rule's sentence while people type.

`syncd validate` checks all of these rules, and more. The language servers of VS Code show `errorMessage` in place of
their own sentence (code.visualstudio.com, "JSON editing").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

Rule = dict[str, Any]
"""A JSON Schema of the block, with the sentence that is shown if a block breaks the rule."""


def text(pattern: str, sentence: str, **more: Any) -> dict[str, Any]:
    """The schema of a text that matches a pattern; the sentence says what to write."""
    return {"type": "string", "pattern": pattern, "errorMessage": sentence, **more}


def texts(pattern: str, sentence: str) -> dict[str, Any]:
    """The schema of a text that matches a pattern, or of a non-empty list of them; the sentence says what to write."""
    item = text(pattern, sentence)
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "errorMessage": f"is empty; {sentence}"}]}


def all_match(pattern: str, sentence: str) -> Callable[[str | list[str]], str | list[str]]:
    """A validator for pydantic that checks a text, or a list of texts, by the same rule as `texts`."""

    def check(value: str | list[str]) -> str | list[str]:
        for item in [value] if isinstance(value, str) else value or [""]:
            if not re.fullmatch(pattern, item):
                raise ValueError(f"is {item!r}; {sentence}")
        return value

    return check


def has(*keys: str) -> Rule:
    """The condition that a block has all of these keys, with a value."""
    return {"required": list(keys), "properties": {key: {"not": {"type": "null"}} for key in keys}}


def has_any(*keys: str) -> Rule:
    """The condition that a block has one of these keys, with a value."""
    return {"anyOf": [has(key) for key in keys]}


def holds(key: str, *values: Any) -> Rule:
    """The condition that a key is written and has one of these values."""
    return {"required": [key], "properties": {key: {"enum": list(values)}}}


def matches(key: str, pattern: str) -> Rule:
    """The condition that a key is written and its text matches a pattern."""
    return {"required": [key], "properties": {key: {"type": "string", "pattern": pattern}}}


def is_empty(key: str) -> Rule:
    """The condition that the value of a key is an empty list."""
    return {"required": [key], "properties": {key: {"type": "array", "maxItems": 0}}}


def both(*conditions: Rule) -> Rule:
    """The condition that a block meets all of these conditions."""
    return {"allOf": list(conditions)}


def lacks(*keys: str) -> Rule:
    """The condition that a block has none of these keys."""
    return {"not": has_any(*keys)}


def refuse(condition: Rule, sentence: str) -> Rule:
    """The rule that no block may meet the condition."""
    return {"if": condition, "then": _never(sentence)}


def needs(condition: Rule, sentence: str) -> Rule:
    """The rule that every block must meet the condition."""
    return {"if": condition, "else": _never(sentence)}


def fits(key: str, schema: Rule) -> Rule:
    """The rule that the value of a key, if the key is written, matches a schema. The schema has its own sentence."""
    return {"properties": {key: schema}}


def each_of(names: Sequence[str], sentence: str) -> Rule:
    """The schema of a value, or a list of values, that are all in `names`; null is allowed."""
    value = {"enum": [*names, None], "errorMessage": sentence}
    return {"if": {"type": "array"}, "then": {"items": value}, "else": value}


def _never(sentence: str) -> Rule:
    """A schema that no block matches. The schema uses a type, because the language server shows no sentence for a
    `not`.
    """
    return {"type": "null", "errorMessage": sentence}


def single(*keys: str) -> list[Rule]:
    """The rules that at most one of these keys may be written."""
    pairs = [(first, second) for index, first in enumerate(keys) for second in keys[index + 1 :]]
    return [refuse(has(*pair), f"has {pair[0]!r} and {pair[1]!r}; keep one of them") for pair in pairs]
