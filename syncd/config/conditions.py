"""Reads the conditions of `where`. Refuses a value that would mean something else than what is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from syncd.config.document import Document, Place
from syncd.config.measure_keys import Value
from syncd.okr.filters import Filter, is_day, is_day_or_time, scalar_text
from syncd.sdk import FieldType, Problem, RecordKeys, Scalar
from syncd.sdk.number_texts import quoted

BOUNDS: Mapping[FieldType | None, str] = {
    "days": "write a number of days, such as 1",
    "number": "write a number",
    "text": "write a day such as 2026-11-01, or a time, because the field holds texts",
    "truth": "a field that is true or false has none, so write FIELD: true or FIELD: false",
    None: "write a number, a day such as 2026-11-01, or a time",
}
"""What to write as the bound of a field, by what the field holds. None stands for a field that only the server
knows.
"""

TRUTH = "write true or false"
"""What to write as the value of a field that is true or false. YAML reads `no` and `off` as texts."""


def parts_of_condition(key: str, fields: Collection[str] | None) -> tuple[str, bool, str]:
    """The field that a key of `where` filters, whether the key negates the condition, and the bound that the key sets
    ("" if none).
    """
    if fields is not None and key in fields:
        return key, False, ""
    for suffix in ("_at_least", "_at_most"):
        if key.endswith(suffix):
            return key.removesuffix(suffix), False, suffix
    return (key.removeprefix("not_"), True, "") if key.startswith("not_") else (key, False, "")


def read_values(key: str, given: Value | list[Value], keys: RecordKeys, zone: str) -> Filter | str:
    """The filter of `FIELD` or `not_FIELD`, or the sentence that refuses it."""
    name, negated, _ = parts_of_condition(key, keys.fields())
    values = given if isinstance(given, list) else [given]
    if not values:
        return f"{key} is an empty list, which nothing matches; write at least one value"
    if keys.field_types.get(name) == "truth":
        for value in values:
            if value is None or compared_text(value) not in ("true", "false"):
                return f"{key} is {_shown(value)}; {TRUTH}"
    rule = Filter(name, tuple(map(_scalar, values)), negated, ignores_case=keys.ignores_case(name))
    if (objection := keys.objection(name, rule.texts)) is not None:
        return f"{key} {objection}"
    return replace(rule, zone=zone) if any(map(is_day, rule.any_of)) else rule


def read_bound(key: str, given: Value | list[Value], keys: RecordKeys, zone: str) -> Filter | str:
    """The filter of `FIELD_at_least` or `FIELD_at_most`, or the sentence that refuses it."""
    name, _, bound = parts_of_condition(key, keys.fields())
    field_type = keys.field_types.get(name)
    if field_type == "truth":
        return f"{key} sets a bound; {BOUNDS[field_type]}"
    if isinstance(given, list | bool) or given is None:
        return f"{key} must be one number or one day"
    if isinstance(given, str):
        fits = field_type not in ("days", "number") and is_day_or_time(given)
    else:
        fits = field_type != "text"
    if not fits:
        return f"{key} is {_shown(given)}; {BOUNDS[field_type]}"
    rule = Filter(name, at_least=given) if bound == "_at_least" else Filter(name, at_most=given)
    return replace(rule, zone=zone) if isinstance(given, str) else rule


def misread(document: Document, block: Place, text_of: Callable[[str, Any], str | None]) -> Iterator[Problem]:
    """A problem for each number or truth value below a block that stands for another text than the file has: YAML
    reads `1.10` as the number 1.1. `text_of` returns the text for which a value below a key of the block stands; None
    if the value is not used as a text.
    """
    for place, text in document.written(block):
        key, value = str(place[len(block)]), document.at(place)
        read = text_of(key, value)
        if read is not None and read != text:
            kind = "truth value" if isinstance(value, bool) else "number"
            message = f"{key} is {text}, which is read as the {kind} {read}"
            yield document.problem(place, f'{message}; write "{text}" for this text, or {read} for the {kind}')


def compared_text(value: str | bool | float) -> str:
    """The text with which a value of a condition is compared."""
    return str(value).lower() if isinstance(value, bool) else scalar_text(value)


def _shown(value: Value | None) -> str:
    if value is None:
        return "empty"
    return quoted(value) if isinstance(value, str) else repr(value)


def _scalar(value: Value) -> Scalar | None:
    return compared_text(value) if isinstance(value, bool) else value
