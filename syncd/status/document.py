"""A report as JSON, and its parts: `status --json`, `/api/status` and every other document of a key result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.okr.goals import Band, Level, Target
from syncd.okr.spans import Period
from syncd.okr.work import Work
from syncd.status.document_types import (
    CheckInDocument,
    GuardDocument,
    KeyResultDocument,
    ObjectiveDocument,
    PeriodDocument,
    ReportDocument,
    StatusDocument,
    WithdrawalDocument,
)
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.unwritten import Trouble, trouble_document
from syncd.status.verdicts import link_document
from syncd.status.work_words import work_document


def status_document(report: Report, troubles: Sequence[Trouble], work: Work | None) -> StatusDocument:
    """The document of `status --json`: the report, the check-ins that were not written, and where the work went."""
    return {
        **document(report),
        "unwritten": [trouble_document(trouble) for trouble in troubles],
        "work": work_document(work) if work else None,
    }


def document(report: Report) -> ReportDocument:
    """The report as `status --json` prints it: a public contract."""
    period = report.period
    return {
        "period": period_document(period),
        "as_of": _time(report.as_of, period.zone),
        "objectives": [_objective(block, period) for block in report.objectives],
    }


def period_document(period: Period) -> PeriodDocument:
    """A period as every document shows it."""
    return {"id": period.id, "start": period.first.isoformat(), "end": period.last.isoformat()}


def _objective(block: ObjectiveBlock, period: Period) -> ObjectiveDocument:
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


def key_result_document(line: KeyResultLine, period: Period) -> KeyResultDocument:
    """A key result as `status --json` prints it."""
    kr, goal, standing = line.key_result, line.key_result.goal, line.standing
    shown: KeyResultDocument = {
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
    }
    if kr.owner:
        shown["owner"] = kr.owner
    if line.quality == "held":
        shown["candidate"] = line.candidate
    if isinstance(goal, Target) and goal.levels:
        shown["level"] = level_of(line)
    if line.guard:
        shown["guard"] = _guard(line.guard)
    return shown


def checkin_document(checkin: CheckIn, zone: ZoneInfo) -> CheckInDocument:
    """The JSON form of a check-in."""
    shown: CheckInDocument = {
        "value": checkin.value,
        "note": checkin.note,
        "confidence": checkin.confidence,
        "author": checkin.author,
        "at": _time(checkin.at, zone),
        "expires_at": _time(checkin.expires_at, zone),
    }
    if checkin.entered_by is not None:
        shown["entered_by"] = checkin.entered_by
    if checkin.dated:
        shown["as_of"] = _time(checkin.dated, zone)
    if checkin.withdrawn:
        shown["withdrawn"] = _withdrawal(checkin.withdrawn, zone)
    return shown


def _withdrawal(withdrawal: Withdrawal, zone: ZoneInfo) -> WithdrawalDocument:
    shown: WithdrawalDocument = {
        "author": withdrawal.author,
        "at": _time(withdrawal.at, zone),
        "note": withdrawal.note,
    }
    if withdrawal.entered_by is not None:
        shown["entered_by"] = withdrawal.entered_by
    return shown


def level_of(line: KeyResultLine) -> Level | None:
    """The last level that a key result has reached; None before the first level, or if its goal has no levels."""
    goal = line.key_result.goal
    return goal.level(line.value) if isinstance(goal, Target) and line.value is not None else None


def _guard(line: KeyResultLine) -> GuardDocument:
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
