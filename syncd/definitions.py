"""Key results as dated facts: what a mapping file said of one, in a form that the ledger keeps and compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from syncd.ledger import Definition
from syncd.okr.goals import (
    Band,
    Goal,
    KeyResult,
    Milestone,
    Milestones,
    Pace,
    Shares,
    Steps,
    Target,
    guard_id,
)
from syncd.okr.measures import Measure
from syncd.okr.spans import Period

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

    How it was measured then is not in it: the ledger keeps what came of that.
    """
    said = body["KeyResult"]
    guard = said.get("guard")
    return replace(
        key_result,
        title=said["title"],
        unit=said.get("unit"),
        goal=_goal(said["goal"]),
        pace=_pace(said.get("pace", "linear")),
        stale_after=timedelta(seconds=said["stale_after"]) if "stale_after" in said else None,
        guard=as_defined(key_result.guard or replace(key_result, id=guard_id(key_result.id)), guard) if guard else None,
    )


def _goal(said: Mapping[str, Any]) -> Goal:
    ((kind, keys),) = said.items()
    if kind == "Milestones":
        return Milestones(tuple(_milestone(step["Milestone"]) for step in keys["steps"]))
    return Band(**keys) if kind == "Band" else Target(**keys)


def _milestone(said: Mapping[str, Any]) -> Milestone:
    by = said.get("by")
    return Milestone(**{**said, "by": datetime.fromisoformat(by) if by else None})


def _pace(said: Any) -> Pace:
    if isinstance(said, dict):
        return Steps(tuple((datetime.fromisoformat(by), value) for by, value in said["Steps"]["points"]))
    return "end" if said == "end" else "linear"


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
