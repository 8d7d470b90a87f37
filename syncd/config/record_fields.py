"""Rules of the JSON Schema about the record fields that measures may name. Each connector declares its fields by kind
of record.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from syncd.config.conditions import BOUNDS, TRUTH
from syncd.sdk import FieldType, MeasureKeys, RecordKeys
from syncd.sdk.key_rules import Rule, fits, holds

_TRUTH: Rule = {"enum": [True, False, "true", "false"], "errorMessage": TRUTH}
_TRUTHS: Rule = {"if": {"type": "array"}, "then": {"minItems": 1, "items": _TRUTH}, "else": _TRUTH}
_FORMS: Mapping[FieldType | None, Rule] = {
    "days": {"type": "number"},
    "number": {"type": "number"},
    "text": {"type": "string"},
    "truth": {"not": {}},
    None: {"type": ["number", "string"], "pattern": r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$"},
}


def conditions(keys: type[MeasureKeys]) -> list[Rule]:
    """The rules of `where` and `of` in a connector's measures of records."""
    assert issubclass(keys, RecordKeys)  # `conditions` is called only for measures of records
    fields: dict[FieldType | None, list[str]] = {None: [".*"]}
    for name, field_type in sorted(keys.field_types.items()):
        fields.setdefault(field_type, []).append(re.escape(name))
    bounds = {
        f"^({'|'.join(names)})_at_(least|most)$": {**_FORMS[field_type], "errorMessage": BOUNDS[field_type]}
        for field_type, names in fields.items()
    }
    values = {f"^(not_)?({'|'.join(names)})$": _TRUTHS for field_type, names in fields.items() if field_type == "truth"}
    where = {"patternProperties": {**bounds, **values}, "additionalProperties": {"minItems": 1}}
    return [fits("where", where), *_by_kind(keys)]


def _by_kind(keys: type[MeasureKeys]) -> Iterator[Rule]:
    """The rules about the field names of each kind of record, if a single key with fixed values determines the kind."""
    kinds = [name for name, info in keys.model_fields.items() if get_origin(info.annotation) is Literal]
    if len(kinds) != 1:
        return
    (key,) = kinds
    for value in get_args(keys.model_fields[key].annotation):
        fields = _fields(keys, {key: value})
        if fields is not None:
            yield {"if": holds(key, value), "then": {"properties": _named(fields, str(value))}}


def _fields(keys: type[MeasureKeys], values: dict[str, Any]) -> Collection[str] | None:
    """The fields of records of the measures with these values. None if only the server can list the fields, or if they
    depend on other keys too.
    """
    measure = keys.model_construct(**values)
    assert isinstance(measure, RecordKeys)  # `conditions` is called only for measures of records
    try:
        return measure.fields()
    except AttributeError:  # the fields depend on other keys
        return None


def _named(fields: Collection[str], kind: str) -> dict[str, Any]:
    names = sorted(fields)
    either = "|".join(map(re.escape, names))
    sentence = f"there is no such field; {kind} have {', '.join(names)}"
    values: dict[str, Any] = {name: {} for name in names}
    return {
        "where": {
            "propertyNames": {"pattern": f"^((not_)?({either})|({either})_at_(least|most))$", "errorMessage": sentence},
            "properties": values,  # editors complete these
        },
        "of": {
            "if": {"type": "string"},
            "then": {"enum": names, "errorMessage": sentence},
            "else": {"items": {"enum": names, "errorMessage": sentence}},
        },
    }
