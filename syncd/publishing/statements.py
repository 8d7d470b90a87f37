"""What syncd states of key results: where each stands, by a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import datetime, time
from typing import Any

from syncd.config import Config
from syncd.okr.goals import Target, expected
from syncd.okr.spans import Period
from syncd.sdk import Json, Statement, Summary
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report


def statements(config: Config, found: Report, now: datetime) -> Iterator[Statement]:
    """What is stated of every key result of a report, watermelons first."""
    for block in found.watermelons_first:
        for line in block.key_results:
            yield _statement(config, found.period, block, line, now)


def _statement(config: Config, period: Period, block: ObjectiveBlock, line: KeyResultLine, now: datetime) -> Statement:
    kr, objective, stands = line.key_result, block.objective, line.standing
    aim = kr.goal if isinstance(kr.goal, Target) else None
    day = now.astimezone(config.zone).date()
    dawn = datetime.combine(day, time(), config.zone)
    known = line.value is not None
    address = config.settings.address
    return Statement(
        key_result=kr.id,
        title=kr.title,
        kind=kr.kind,
        unit=kr.unit,
        objective=objective.id,
        objective_title=objective.title,
        owner=objective.owner,
        period=period.id,
        value=line.value,
        baseline=aim.baseline if aim else None,
        target=aim.target if aim else None,
        progress=stands.progress if known else None,
        score=stands.score if known else None,
        expected=expected(kr, period.span, max(dawn, period.span.start)),
        health=stands.health,
        quality=line.quality or "unknown",
        reason=line.reason,
        confidence=line.confidence,
        note=line.checkin.note if line.checkin else None,
        as_of=line.as_of.astimezone(config.zone) if line.as_of else None,
        updated=now.astimezone(config.zone),
        evidence=f"{address}/?period={period.id}#{kr.id}" if address else None,
    )


def as_json(said: Statement | Summary) -> dict[str, Json]:
    """A statement as the ledger keeps it."""
    if isinstance(said, Summary):
        return {"document": said.document, "statements": [as_json(one) for one in said.statements]}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(said).items()}


def of_json(kept: Mapping[str, Any]) -> Statement | Summary:
    """A statement that the ledger kept, `as_json` said how. What a later version added is not known of an older one."""
    if "document" in kept:
        parts = [_of_json(one) for one in kept["statements"]]
        return Summary(kept["document"], parts)
    return _of_json(kept)


def _of_json(kept: Mapping[str, Any]) -> Statement:
    known = {field.name: kept.get(field.name) for field in fields(Statement)}
    for name in ("as_of", "updated"):
        known[name] = datetime.fromisoformat(str(kept[name])) if kept.get(name) else None
    return Statement(**known)  # type: ignore[arg-type]
