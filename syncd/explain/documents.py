"""Explanations and histories as JSON documents: what `explain --json`, `history --json` and the API show."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.explain.approvals import PastApproval
from syncd.explain.deliveries import newest_deliveries
from syncd.explain.edit import Edit
from syncd.explain.evidence import Evidence
from syncd.explain.evidence import evidence as evidence_of
from syncd.explain.history import CheckInCorrected, Point, Restated, Series, SeriesEvent
from syncd.explain.items import Item
from syncd.explain.links import LinkEvidence, links_of
from syncd.ledger import Delivery, Ledger
from syncd.okr.goals import KeyResult
from syncd.okr.spans import Span
from syncd.status.document import checkin_document, signature_document
from syncd.status.snapshot import Snapshot
from syncd.status.verdicts import lag_days, trend_document


def explanation(snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult) -> dict[str, Any]:
    """All the evidence of a key result in a snapshot, as `explain --json` prints it: a public contract."""
    zone = snapshot.rules.zone
    return {
        **_evidence(evidence_of(snapshot, ledger, key_result), snapshot.last_instant, zone),
        "alignment": [_link(link) for link in links_of(snapshot, ledger, key_result)],
        "written": [_delivery(delivery, zone) for delivery in newest_deliveries(snapshot, ledger, key_result.id)],
    }


def series_document(series: Series) -> dict[str, Any]:
    """The series as `history --json` prints it."""
    period = series.period
    return {
        "key_result": series.key_result.id,
        "title": series.key_result.title,
        "period": {"id": period.id, "start": period.first.isoformat(), "end": period.last.isoformat()},
        "unit": series.key_result.unit,
        "points": [point_document(point, series) for point in series.points],
        "events": [_event(event, series) for event in series.events],
    }


def point_document(point: Point, series: Series) -> dict[str, Any]:
    """A day of a history."""
    return {
        "day": point.day.isoformat(),
        "value": point.value,
        "change": point.change,
        "progress": point.progress,
        "score": point.score,
        "expected": point.expected,
        "health": point.health,
        "quality": point.quality,
        "source": point.source,
        "measured_at": _time(point.measured_at, series) if point.measured_at else None,
        "reason": point.reason,
    }


def _event(event: SeriesEvent, series: Series) -> dict[str, Any]:
    when = {"at": _time(event.at, series), "day": event.at.astimezone(series.period.zone).date().isoformat()}
    if isinstance(event, Edit):
        return when | {"event": "edited", "file": event.file, "key": event.key, "old": event.old, "new": event.new}
    if isinstance(event, Restated):
        return when | {"event": "restated", "count": event.count, "before": event.before, "after": event.after}
    if isinstance(event, CheckInCorrected):
        what = "checked_in" if event.withdrawn is None else "withdrawn"
        return when | {"event": what, "checkin": checkin_document(event.checkin, series.period.zone)}
    return when | {"event": "approved", **approval_document(event)}


def approval_document(approval: PastApproval) -> dict[str, Any]:
    """An approval as JSON documents show it, without its time."""
    return {
        **signature_document(approval),
        "old": approval.old,
        "new": approval.new,
        "reason": approval.reason,
    }


def _evidence(evidence: Evidence, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    def time(moment: datetime | None) -> str | None:
        return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None

    line = evidence.line
    return {
        "key_result": evidence.key_result.id,
        "title": evidence.key_result.title,
        "as_of": time(now),
        "value": line.value,
        "quality": line.quality,
        "reason": line.reason,
        "candidate": line.candidate,
        "progress": line.standing.progress,
        "score": line.standing.score,
        "expected": line.standing.expected,
        "health": line.standing.health,
        "window": _window(evidence.parts[0].window, zone) if evidence.parts else None,
        "parts": [
            {"name": part.name, "window": _window(part.window, zone), "arithmetic": part.arithmetic}
            for part in evidence.parts
        ],
        "streams": [
            {
                "connection": stream.connection,
                "key": stream.key,
                "completed_at": time(stream.completed_at),
                "quality": stream.quality,
                "reason": stream.reason,
                "got": stream.got,
                "expected": stream.expected,
                "notes": list(stream.notes),
            }
            for stream in evidence.streams
        ],
        "arithmetic": evidence.arithmetic,
        "counted": [_item(item, time(item.at)) for item in evidence.counted],
        "left_out": [
            {**_item(item, time(item.at)), "rule": item.left_out}
            for item in evidence.items
            if item.left_out is not None
        ],
        "candidate_counted": [_item(item, time(item.at)) for item in evidence.candidate],
        "approvals": [{"at": time(approval.at), **approval_document(approval)} for approval in evidence.approvals],
        "checkins": [{**checkin_document(checkin, zone), "expired": expired} for checkin, expired in evidence.checkins],
        "restatements": [
            {
                "at": time(restatement.at),
                "label": restatement.label,
                "title": restatement.title,
                "url": restatement.url or None,
                "of": time(restatement.of),
                "why": restatement.why,
                "before": restatement.before,
                "after": restatement.after,
            }
            for restatement in evidence.restatements
        ],
        "definition_changes": [
            {"at": time(edit.at), "file": edit.file, "key": edit.key, "old": edit.old, "new": edit.new}
            for edit in evidence.definition_changes
        ],
        "guard": _evidence(evidence.guard, now, zone) if evidence.guard else None,
    }


def _window(window: Span, zone: ZoneInfo) -> dict[str, str]:
    return {
        "start": window.start.astimezone(zone).isoformat(timespec="seconds"),
        "end": window.end.astimezone(zone).isoformat(timespec="seconds"),
    }


def _item(item: Item, at: str | None) -> dict[str, Any]:
    fields = {"label": item.label, "title": item.title, "url": item.url or None, "at": at, "brings": item.brings}
    return fields | ({"part": item.part} if item.part else {}) | ({"remark": item.remark} if item.remark else {})


def _link(link: LinkEvidence) -> dict[str, Any]:
    return {
        "output": link.output,
        "outcome": link.outcome,
        "verdict": link.verdict,
        "verdict_since": link.verdict_since.isoformat() if link.verdict_since else None,
        "since": link.since.isoformat() if link.since else None,
        "lag_days": lag_days(link.lag),
        "trend": trend_document(link.trend),
        "why": link.why,
        "weeks": [
            {
                "first": output.first.isoformat(),
                "last": output.last.isoformat(),
                "output": output.value,
                "outcome": outcome.value,
            }
            for output, outcome in link.weeks
        ],
    }


def _delivery(delivery: Delivery, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "to": delivery.connection,
        "target": delivery.target,
        "value": delivery.statement.get("value"),
        "state": delivery.state,
        "reason": delivery.reason,
        "at": (delivery.tried_at or delivery.made_at).astimezone(zone).isoformat(timespec="seconds"),
    }


def _time(moment: datetime, series: Series) -> str:
    return moment.astimezone(series.period.zone).isoformat(timespec="seconds")
