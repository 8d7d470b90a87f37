"""A report as JSON, and its parts: `status --json`, `/api/status` and every other document of a key result."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.okr.goals import Band, Level, Target
from syncd.okr.spans import Period
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.verdicts import link_document


def document(report: Report) -> dict[str, Any]:
    """The report as `status --json` prints it: a public contract."""
    period = report.period
    return {
        "period": {"id": period.id, "start": period.first.isoformat(), "end": period.last.isoformat()},
        "as_of": _time(report.as_of, period.zone),
        "objectives": [_objective(block, period) for block in report.objectives],
    }


def _objective(block: ObjectiveBlock, period: Period) -> dict[str, Any]:
    objective, standing = block.objective, block.standing
    return {
        "id": objective.id,
        "title": objective.title,
        "owner": objective.owner,
        "score": standing.score,
        "activity": standing.activity,
        "health": standing.health,
        "coverage": {"known": standing.scored, "of": standing.counted},
        "supports": objective.supports,
        "key_results": [key_result_document(line, period) for line in block.key_results],
        "alignment": [link_document(link) for link in block.alignment],
    }


def key_result_document(line: KeyResultLine, period: Period) -> dict[str, Any]:
    """A key result as `status --json` prints it."""
    kr, goal, standing = line.key_result, line.key_result.goal, line.standing
    return {
        "id": kr.id,
        "title": kr.title,
        "kind": kr.kind,
        "unit": kr.unit,
        "value": line.value,
        "baseline": goal.baseline if isinstance(goal, Target) else None,
        "target": goal.target if isinstance(goal, Target) else None,
        "progress": standing.progress,
        "score": standing.score,
        "expected": standing.expected,
        "health": standing.health,
        "quality": line.quality,
        "as_of": _time(line.as_of, period.zone) if line.as_of else None,
        "reason": line.reason,
        "confidence": line.confidence,
        "checkin": checkin_document(line.checkin, period.zone) if line.checkin else None,
        **({"owner": kr.owner} if kr.owner else {}),
        **({"candidate": line.candidate} if line.quality == "held" else {}),
        **({"level": level_of(line)} if isinstance(goal, Target) and goal.levels else {}),
        **({"guard": _guard(line.guard)} if line.guard else {}),
    }


def checkin_document(checkin: CheckIn, zone: ZoneInfo) -> dict[str, Any]:
    """A check-in as JSON documents show it. `as_of` is there only if it is of a past day, `withdrawn` only if it is."""
    return {
        "value": checkin.value,
        "note": checkin.note,
        "confidence": checkin.confidence,
        **signature_document(checkin),
        "at": _time(checkin.at, zone),
        "expires_at": _time(checkin.expires_at, zone),
        **({"as_of": _time(checkin.dated, zone)} if checkin.dated else {}),
        **({"withdrawn": _withdrawal(checkin.withdrawn, zone)} if checkin.withdrawn else {}),
    }


def _withdrawal(withdrawal: Withdrawal, zone: ZoneInfo) -> dict[str, Any]:
    return {
        **signature_document(withdrawal),
        "at": _time(withdrawal.at, zone),
        "note": withdrawal.note,
    }


class Signed(Protocol):
    """What a person enters: a check-in, a withdrawal, an approval."""

    @property
    def author(self) -> str:
        """The name that the person gave."""
        ...

    @property
    def entered_by(self) -> str | None:
        """Who ran the command or was logged in."""
        ...


def signature_document(entry: Signed) -> dict[str, Any]:
    """The author of an entry, and `entered_by` only if it is known: early versions did not keep it."""
    return {"author": entry.author, **({} if entry.entered_by is None else {"entered_by": entry.entered_by})}


def level_of(line: KeyResultLine) -> Level | None:
    """The last level that a key result has reached; None before the first level, or if it has no levels."""
    goal = line.key_result.goal
    return goal.level(line.value) if isinstance(goal, Target) and line.value is not None else None


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
