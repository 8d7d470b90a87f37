"""Turns pydantic's errors into sentences for people who edit YAML: the error, what to write instead, and the nearest
valid name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.config.document import Document, Place
from syncd.config.number_advice import instead_of
from syncd.config.replaced import instead_of_key
from syncd.sdk import Problem
from syncd.sdk.names import nearest_name


def validation_problems(
    error: ValidationError,
    model: type[BaseModel],
    document: Document,
    base: Place = (),
    lent: Mapping[str, Place] = MappingProxyType({}),
) -> Iterator[Problem]:
    """A problem for each error that pydantic reports about the data at `base` of a document.

    `lent` has the keys that come from another place, such as a file's defaults, each with that place.
    """
    messages: dict[tuple[Place, str], None] = {}
    for details in error.errors():
        loc = details["loc"]
        place = _in_document(document, lent.get(str(loc[0]), base) if loc else base, loc)
        messages[(place, _cut_at_comma(details, document, place) or _sentence(details, model, place))] = None
    mistyped = {(place[:-1], message.partition("did you mean ")[2]) for place, message in messages}
    for place, message in messages:
        if (place, message.replace(" is missing", "?")) not in mistyped:  # the typo is reported already
            yield document.problem(place, message)


def nearest(name: str, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?` with the nearest valid name. If no name is near, lists at most twenty valid names."""
    return _nearest(name, frozenset(valid))


@lru_cache(100)  # a thousand places may name the same missing name
def _nearest(name: str, valid: frozenset[str]) -> str:
    names = sorted(valid)
    if (match := nearest_name(name, names)) is not None:
        return f"; did you mean {match!r}?"
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return f"; known here: {', '.join(names[:20])}{more}" if names else ""


def alternatives(names: Collection[str]) -> str:
    """The names as `'a', 'b' or 'c'`."""
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _in_document(document: Document, base: Place, loc: tuple[int | str, ...]) -> Place:
    """pydantic's location as a place in the document, without the parts that pydantic adds for unions and
    validators.
    """
    place = base
    for part in loc:
        if document.has((*place, part)):
            place = (*place, part)
    return place


def _cut_at_comma(details: ErrorDetails, document: Document, place: Place) -> str | None:
    """The message about `{target: 4,000}`, where YAML reads a key `000`; None for any other problem."""
    key = str(details["loc"][-1]) if details["type"] == "extra_forbidden" else ""
    holder = document.at(place[:-1])
    if not re.fullmatch(r"\d+ ?[^\d ]*", key) or not isinstance(holder, dict) or holder.get(key) is not None:
        return None
    before = list(holder)[: list(holder).index(key)]
    if not before or not isinstance(holder[before[-1]], int | float):
        return None
    text = f"{holder[before[-1]]},{key}"
    return f"{before[-1]} is {text!r}; {instead_of(text)}"


def _sentence(details: ErrorDetails, model: type[BaseModel], place: Place) -> str:
    kind, loc, given = details["type"], details["loc"], details["input"]
    key = str(place[-1]) if place else "the file"
    if isinstance(place[-1] if place else "", int):
        key = f"{place[-2] if len(place) > 1 else 'list'} item {int(place[-1]) + 1}"
    context: dict[str, Any] = details.get("ctx", {})
    match kind:
        case "extra_forbidden":
            if len(loc) == 1 and (instead := instead_of_key(model, key, given)) is not None:
                return f"{key!r} is a key of an earlier version; write {instead}"
            return f"unknown key {loc[-1]!r}{nearest(str(loc[-1]), _valid_keys(model, loc[:-1]))}"
        case "timezone_aware":
            return f"{key} is {_shown(given)}, with no zone; write such as 2026-11-21T10:15+01:00"
        case "missing":
            return f"{str(loc[-1])!r} is missing"
        case "literal_error" | "enum":
            expected = re.findall(r"'([^']*)'", str(context.get("expected", "")))
            hint = nearest(given, expected) if isinstance(given, str) else ""
            if loc[-1:] == ("[key]",):
                return f"unknown key {given!r}{hint}"
            return (
                f"{key} is {_shown(given)}; write {alternatives(expected)}"
                if "did you mean" not in hint
                else (f"{key} is {_shown(given)}{hint}")
            )
        case "string_type":
            return (
                f"{key} must be a text, not {_describe(given)}{'' if isinstance(given, list | dict) else '; quote it'}"
            )
        case "float_type" | "finite_number" | "int_type" | "float_parsing" | "int_parsing" | "int_from_float":
            return f"{key} must be a number, not {_describe(given)}"
        case "bool_type" | "bool_parsing":
            return f"{key} must be true or false, not {_describe(given)}"
        case "list_type" | "tuple_type" | "sequence_type":
            return f"{key} must be a list, not {_describe(given)}{_as_list(given)}"
        case "dict_type" | "model_type" | "model_attributes_type" | "mapping_type":
            # A file that is only one value is not a file for syncd, and the value may be a secret.
            what = _describe(given) if loc or isinstance(given, list | dict) else "a single value"
            return f"{key} must be a block of keys, not {what}"
        case "too_short" | "string_too_short":
            return f"{key} is empty"
        case "string_too_long":
            return f"{key} has {len(given):,} characters; write at most {context['max_length']:,}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return f"{key} is {_shown(given)}; it must be {_bound(context)}"
        case "string_pattern_mismatch":
            return f"{key} is {_shown(given)}; write letters, digits, '-', '_' and '.' only"
        case "datetime_parsing" | "datetime_type" | "datetime_from_date_parsing" | "datetime_object_invalid":
            return f"{key} is {_shown(given)}; write a time with its zone, such as 2026-11-21T10:15+01:00"
        case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
            return f"{key} is {_shown(given)}; write a day as 2026-12-31"
    text = details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return text if text.startswith(("'", "write", "unknown")) or not place else f"{key} {_bind(text, given)}"


def _bind(text: str, given: Any) -> str:
    return text if re.match(r"(is|are|must|has|needs|counts|takes|ends|goes)\b", text) else f"is wrong: {text}"


def _bound(context: dict[str, Any]) -> str:
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    # pydantic gives the bound of a duration as a text, such as "0 seconds".
    bounds = {name: value if isinstance(value, str) else f"{value:g}" for name, value in context.items()}
    return " and ".join(f"{words[name]} {bound}" for name, bound in bounds.items() if name in words)


def _shown(given: Any) -> str:
    if isinstance(given, timedelta):
        return f"{given.total_seconds():g} seconds"
    text = repr(given)
    return text if len(text) <= 60 else text[:59] + "…"


def _as_list(given: Any) -> str:
    if isinstance(given, dict):
        return "; begin each entry with '- '"
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return ""
    plain = not isinstance(given, str) or re.match(r"\w", given)
    return f"; write [{given}]" if plain else f'; write ["{given}"]'


def _describe(given: Any) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, dict):
        return "a block of keys"
    if isinstance(given, list):
        return "a list"
    return _shown(given)


def _valid_keys(model: type[BaseModel], loc: Iterable[int | str]) -> set[str]:
    models: list[type[BaseModel]] = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        inner: list[type[BaseModel]] = []
        for candidate in models:
            for name, info in candidate.model_fields.items():
                if part in (name, info.alias):
                    inner.extend(_models_in(info.annotation))
        models = inner or [candidate for candidate in models if candidate.__name__ == part] or models
    return {info.alias or name for candidate in models for name, info in candidate.model_fields.items()}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
