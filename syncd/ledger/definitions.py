"""Key results as dated facts: what a mapping file said of one, in a form that the ledger keeps and compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import orjson

from syncd.ledger import Definition
from syncd.okr.goals import (
    Band,
    KeyResult,
    Link,
    Milestone,
    Milestones,
    Shares,
    Steps,
    Target,
    guard_id,
)
from syncd.okr.measures import Filter, FormulaMeasure, Measure, ReadingMeasure, RecordMeasure
from syncd.okr.plausible import Plausible
from syncd.okr.spans import Period, Window

JUDGED_BY = "judged_by"
"""In a definition's body, beside the key result: the days and shares that all of its period are judged by."""

_KEPT = 10_000  # a service says the same of its key results in each cycle


def definition(key_result: KeyResult, period: Period, shares: Shares, file: str) -> Definition:
    """A key result as its file says it now. The digest is of the days and the shares that it is judged by, too."""
    body, digest = _body(key_result, (period.first, period.last, period.zone.key), shares)
    return Definition(file, body, measure_digest(key_result.measure), digest)


@lru_cache(_KEPT)
def _body(key_result: KeyResult, days: tuple[date, date, str], shares: Shares) -> tuple[dict[str, Any], str]:
    body = _said(key_result)
    judged_by = {
        "period.start": days[0].isoformat(),
        "period.end": days[1].isoformat(),
        "timezone": days[2],
        "health.on_track": shares.on_track,
        "health.at_risk": shares.at_risk,
    }
    return {**body, JUDGED_BY: judged_by}, _digest([body, _said(days), _said(shares)])


@lru_cache(_KEPT)
def measure_digest(measure: Measure | None) -> str:
    """Tells measures apart: values of different ones do not compare."""
    return _digest(_said(measure))


def as_defined(key_result: KeyResult, body: Mapping[str, Any]) -> KeyResult:
    """A key result with what it was judged by when its definition had this body: goal, pace, guard, age.

    It is measured as it is now: `key_result_of` says how it was then.
    """
    said = body["KeyResult"]
    kinds = _kinds(KeyResult)
    judged_by = {name: _meant(said[name], kinds[name]) for name in ("title", "goal") if name in said}
    judged_by |= {name: _meant(said.get(name), kinds[name]) for name in ("unit", "stale_after")}
    judged_by["pace"] = _meant(said.get("pace", "linear"), kinds["pace"])
    guard = said.get("guard")
    own = key_result.guard or replace(key_result, id=guard_id(key_result.id))
    return replace(key_result, **judged_by, guard=as_defined(own, guard) if guard else None)


def key_result_of(body: Mapping[str, Any], measure: str) -> KeyResult | None:
    """The key result that a definition's body says, measured as it was then.

    None where an older version wrote it in a form that is not read any more: `measure` is the digest that it must have.
    """
    try:
        found: KeyResult = _meant({"KeyResult": body["KeyResult"]}, KeyResult)
    except (KeyError, TypeError, ValueError):
        return None
    return found if measure_digest(found.measure) == measure else None


def judged_by(body: Mapping[str, Any], period: Period, shares: Shares) -> tuple[Period, Shares]:
    """The days and shares that a definition was judged by; these here where an early version did not keep them."""
    said = body.get(JUDGED_BY)
    if said is None:
        return period, shares
    first, last = (date.fromisoformat(said[f"period.{edge}"]) for edge in ("start", "end"))
    zone = ZoneInfo(said["timezone"])
    return Period(period.id, first, last, zone), Shares(said["health.on_track"], said["health.at_risk"])


_MODELS = {
    kind.__name__: kind
    for kind in (
        KeyResult, Target, Band, Milestones, Milestone, Steps, Link, Plausible, FormulaMeasure, RecordMeasure,
        ReadingMeasure, Filter, Window,
    )
}  # fmt: skip


def _meant(said: Any, kind: Any) -> Any:
    """What `_said` made into JSON; `kind` is the type that it had."""
    if isinstance(said, dict):
        ((name, own),) = said.items()
        types = _kinds(_MODELS[name])
        return _MODELS[name](**{key: _meant(value, types[key]) for key, value in own.items()})
    inner = get_args(kind)
    if isinstance(said, list):
        kinds = [inner[0]] * len(said) if inner[-1] is Ellipsis else inner
        return tuple(_meant(value, kind) for value, kind in zip(said, kinds, strict=True))
    one_of = inner or (kind,)
    if said is None or not {timedelta, datetime, date} & set(one_of):
        return said
    if timedelta in one_of:
        return timedelta(seconds=said)
    return datetime.fromisoformat(said) if datetime in one_of else date.fromisoformat(said)


@lru_cache
def _kinds(model: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(model)


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
