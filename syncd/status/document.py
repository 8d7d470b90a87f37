"""A report as JSON: what `status --json`, `/api/` and whatever else prints a key result say."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Band, Level, Target
from syncd.okr.spans import Period
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.verdicts import document as link_document


def document(found: Report) -> dict[str, Any]:
    """The report as `status --json` prints it: the public contract of DESIGN.md."""
    period = found.period
    return {
        "period": {"id": period.id, "start": period.first.isoformat(), "end": period.last.isoformat()},
        "as_of": _time(found.as_of, period.zone),
        "objectives": [_objective(block, period) for block in found.objectives],
    }


def _objective(block: ObjectiveBlock, period: Period) -> dict[str, Any]:
    objective, stands = block.objective, block.standing
    return {
        "id": objective.id,
        "title": objective.title,
        "owner": objective.owner,
        "score": stands.score,
        "activity": stands.activity,
        "health": stands.health,
        "coverage": {"known": stands.scored, "of": stands.counted},
        "supports": objective.supports,
        "key_results": [key_result_document(line, period) for line in block.key_results],
        "alignment": [link_document(link) for link in block.alignment],
    }


def key_result_document(line: KeyResultLine, period: Period) -> dict[str, Any]:
    """A key result as `status --json` prints it."""
    kr = line.key_result
    aim = kr.goal
    return {
        "id": kr.id,
        "title": kr.title,
        "kind": kr.kind,
        "unit": kr.unit,
        "value": line.value,
        "baseline": aim.baseline if isinstance(aim, Target) else None,
        "target": aim.target if isinstance(aim, Target) else None,
        "progress": line.standing.progress,
        "score": line.standing.score,
        "expected": line.standing.expected,
        "health": line.standing.health,
        "quality": line.quality,
        "as_of": _time(line.as_of, period.zone) if line.as_of else None,
        "reason": line.reason,
        "confidence": line.confidence,
        "checkin": checkin_document(line.checkin, period.zone) if line.checkin else None,
        **({"candidate": line.candidate} if line.quality == "held" else {}),
        **({"level": level_of(line)} if isinstance(aim, Target) and aim.levels else {}),
        **({"guard": _guard(line.guard)} if line.guard else {}),
    }


def checkin_document(said: CheckIn, zone: ZoneInfo) -> dict[str, Any]:
    """A check-in as JSON documents show it."""
    return {
        "value": said.value,
        "note": said.note,
        "confidence": said.confidence,
        "author": said.author,
        "at": _time(said.at, zone),
        "expires_at": _time(said.expires_at, zone),
    }


def level_of(line: KeyResultLine) -> Level | None:
    """The last of its levels that a key result has reached; None before the first, or where it has none."""
    aim = line.key_result.goal
    return aim.level(line.value) if isinstance(aim, Target) and line.value is not None else None


def _guard(line: KeyResultLine) -> dict[str, Any]:
    band = line.key_result.goal
    assert isinstance(band, Band)
    return {
        "title": line.key_result.title,
        "value": line.value,
        "at_least": band.at_least,
        "at_most": band.at_most,
        "holds": None if line.standing.health == "unknown" else line.standing.progress == 1.0,
        "reason": line.reason,
    }


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")
