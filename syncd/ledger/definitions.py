"""The definition of a key result in a mapping file, in a form that the ledger stores and compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import orjson

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
"""The key in a definition's body that holds the days and health shares by which the period's key results are judged."""

_RULES = ("period.start", "period.end", "timezone", "health.on_track", "health.at_risk")

_KEPT = 100_000  # a service reads the same key results in each cycle; a smaller cache would always miss


@dataclass(frozen=True, slots=True)
class Definition:
    """A key result as its mapping file defines it. `measure` is a digest of its measure, and `digest` a digest of the
    whole definition.
    """

    file: str
    body: Mapping[str, Any]
    measure: str
    digest: str

    @property
    def title(self) -> str:
        """The key result's title."""
        title: str = self.body["KeyResult"]["title"]
        return title

    def key_result(self, today: KeyResult | None) -> KeyResult | None:
        """The key result as it was defined.

        `today` is the key result with the same id in the present files, or None. If this syncd cannot read all of the
        body, returns `today` with the goal, pace, guard and age from the body; None if `today` is None.
        """
        return _key_result(self.body, self.measure) or (_as_judged(today, self.body) if today else None)

    def judged_by(self, period: Period, shares: Shares) -> tuple[Period, Shares]:
        """The days and shares that judged the key result. If an early version of syncd stored none, the present days
        and shares.
        """
        if (days := self.days(period.id)) is None:
            return period, shares
        rules = self.body[JUDGED_BY]
        return days, Shares(rules["health.on_track"], rules["health.at_risk"])

    def days(self, period: str) -> Period | None:
        """The days of the definition's period, whose id is `period`; None if an early version of syncd stored no
        days.
        """
        rules = self.body.get(JUDGED_BY)
        if rules is None:
            return None
        first, last = (date.fromisoformat(rules[f"period.{edge}"]) for edge in ("start", "end"))
        return Period(period, first, last, ZoneInfo(rules["timezone"]))


def definition(key_result: KeyResult, period: Period, shares: Shares, file: str) -> Definition:
    """The definition of a key result in its file now."""
    body, digest = _body(key_result, (period.first, period.last, period.zone.key), shares)
    return Definition(file, body, measure_digest(key_result.measure), digest)


@lru_cache(_KEPT)
def _body(key_result: KeyResult, days: tuple[date, date, str], shares: Shares) -> tuple[dict[str, Any], str]:
    body = _dump(key_result)
    judged_by = {
        "period.start": days[0].isoformat(),
        "period.end": days[1].isoformat(),
        "timezone": days[2],
        "health.on_track": shares.on_track,
        "health.at_risk": shares.at_risk,
    }
    return {**body, JUDGED_BY: judged_by}, _digest([body, _dump(days), _dump(shares)])


@lru_cache(_KEPT)
def measure_digest(measure: Measure | None) -> str:
    """The digest of a measure. Values of measures with different digests cannot be compared."""
    return _digest(_dump(measure, measured_alone=True))


def _as_judged(key_result: KeyResult, body: Mapping[str, Any]) -> KeyResult:
    """The present key result, with the goal, pace, guard and age from a definition's body.

    Used if this syncd cannot read a body completely, because an older version wrote it. The result has the present
    measure.
    """
    model = body["KeyResult"]
    kinds = _kinds(KeyResult)
    judged_by = {name: _parse(model[name], kinds[name]) for name in ("title", "goal") if name in model}
    judged_by |= {name: _parse(model.get(name), kinds[name]) for name in ("unit", "stale_after")}
    judged_by["pace"] = _parse(model.get("pace", "linear"), kinds["pace"])
    guard = model.get("guard")
    own = key_result.guard or replace(key_result, id=guard_id(key_result.id))
    return replace(key_result, **judged_by, guard=_as_judged(own, guard) if guard else None)


def _key_result(body: Mapping[str, Any], measure: str) -> KeyResult | None:
    """The key result in a definition's body, with the measure that it had at that time.

    `measure` is the digest that the measure must have. The result is None if the measure cannot be read or has another
    digest. This happens if an older version of syncd wrote the measure in another form.
    """
    try:
        key_result: KeyResult = _parse({"KeyResult": body["KeyResult"]}, KeyResult)
    except (KeyError, TypeError, ValueError):
        return None
    return key_result if measure_digest(key_result.measure) == measure else None


_MODELS = {
    kind.__name__: kind
    for kind in (
        KeyResult, Target, Band, Milestones, Milestone, Steps, Link, Plausible, FormulaMeasure, RecordMeasure,
        ReadingMeasure, Filter, Window,
    )
}  # fmt: skip


def in_written_order(body: Mapping[str, Any]) -> dict[str, Any]:
    """A definition's body with its keys in the order in which they were written, because PostgreSQL sorts the keys of
    JSON.
    """
    ordered: dict[str, Any] = {}
    for key in (key for key in dict.fromkeys(["KeyResult", JUDGED_BY, *body]) if key in body):
        value = body[key]
        if key == JUDGED_BY:
            value = {name: value[name] for name in dict.fromkeys([*_RULES, *value]) if name in value}
        ordered[key] = _ordered(key, value) if key in _MODELS else value
    return ordered


def _ordered(model: str, json: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys([*(name for name, _ in _fields(_MODELS[model])), *json])
    return {name: _ordered_value(json[name]) for name in names if name in json}


def _ordered_value(json: Any) -> Any:
    if isinstance(json, list):
        return [_ordered_value(value) for value in json]
    if isinstance(json, dict):
        return {name: _ordered(name, fields) if name in _MODELS else fields for name, fields in json.items()}
    return json


def _parse(json: Any, kind: Any) -> Any:
    """The value of the type `kind` that `_dump` turned into this JSON."""
    if isinstance(json, dict):
        ((name, own),) = json.items()
        types = _kinds(_MODELS[name])
        return _MODELS[name](**{key: _parse(value, types[key]) for key, value in own.items()})
    inner = get_args(kind)
    if isinstance(json, list):
        members = [inner[0]] * len(json) if inner[-1] is Ellipsis else inner
        return tuple(_parse(value, kind) for value, kind in zip(json, members, strict=True))
    kinds_of = inner or (kind,)
    if json is None or not {timedelta, datetime, date} & set(kinds_of):
        return json
    if timedelta in kinds_of:
        return timedelta(seconds=json)
    return datetime.fromisoformat(json) if datetime in kinds_of else date.fromisoformat(json)


@lru_cache
def _kinds(model: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(model)


def _dump(value: Any, *, measured_alone: bool = False) -> Any:
    """A value from a mapping file as JSON. With `measured_alone`, fields whose value a connection sets are left out.

    Defaults are left out, so that a new key in a later version changes no digest. Fields that comparisons ignore are
    left out too: key results that differ only in such fields have the same digest.
    """
    if is_dataclass(value) and not isinstance(value, type):
        own = ((name, getattr(value, name), default) for name, default in _fields(type(value), measured_alone))
        dumped = {name: _dump(inner, measured_alone=measured_alone) for name, inner, default in own if inner != default}
        return {type(value).__name__: dumped}
    if isinstance(value, tuple):
        return [_dump(inner, measured_alone=measured_alone) for inner in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date) else value


@lru_cache
def _fields(kind: type[Any], measured_alone: bool = False) -> tuple[tuple[str, Any], ...]:
    """The fields that a dataclass compares, each with its default."""
    return tuple(
        (field.name, field.default)
        for field in fields(kind)
        if field.compare and not (measured_alone and field.metadata.get("unmeasured"))
    )


def _digest(body: Any) -> str:
    return blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
