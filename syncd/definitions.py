"""Key results as dated facts: what a mapping file said of one, in a form that the ledger keeps and compares."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from syncd.ledger import Definition
from syncd.okr.goals import KeyResult, Shares
from syncd.okr.measures import Measure
from syncd.okr.spans import Period

_KEPT = 10_000  # a service says the same of its key results in each cycle


def definition(key_result: KeyResult, period: Period, shares: Shares, file: str) -> Definition:
    """A key result as its file says it now. The digest is of the days and the shares that it is judged by, too."""
    body, digest = _body(key_result, (period.first, period.last, period.zone.key), shares)
    return Definition(file, body, measure_digest(key_result.measure), digest)


@lru_cache(_KEPT)
def _body(key_result: KeyResult, days: tuple[date, date, str], shares: Shares) -> tuple[dict[str, Any], str]:
    body = _said(key_result)
    return body, _digest([body, _said(days), _said(shares)])


@lru_cache(_KEPT)
def measure_digest(measure: Measure | None) -> str:
    """Tells measures apart: values of different ones do not compare."""
    return _digest(_said(measure))


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """What differs between two definitions' bodies: the dotted key without types' names, the old and new value."""
    before, after = _flat(old), _flat(new)
    return [
        (".".join(part for part in name.split(".") if not part[:1].isupper()), before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        name: inner
        for key, child in value.items()
        for name, inner in _flat(child, f"{prefix}.{key}" if prefix else key).items()
    }


def _said(value: Any) -> Any:
    """What a mapping file says, as JSON: defaults are left out, so that a later version's new key changes nothing.

    So is what takes no part in comparisons: two that differ in it alone say the same.
    """
    if is_dataclass(value) and not isinstance(value, type):
        own = ((name, getattr(value, name), default) for name, default in _fields(type(value)))
        return {type(value).__name__: {name: _said(inner) for name, inner, default in own if inner != default}}
    if isinstance(value, tuple):
        return [_said(inner) for inner in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date) else value


@lru_cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass that it is compared by, each with its default."""
    return tuple((field.name, field.default) for field in fields(kind) if field.compare)


def _digest(body: Any) -> str:
    return blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
