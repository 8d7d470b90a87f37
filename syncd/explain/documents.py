"""Makes the JSON documents of explanations and histories, which `explain --json`, `history --json` and the API show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from syncd.explain.approvals import PastApproval
from syncd.explain.deliveries import newest_deliveries
from syncd.explain.document_types import (
    ApprovalDocument,
    DeliveryDocument,
    EditDocument,
    EventDocument,
    EvidenceDocument,
    ExplainedLinkDocument,
    ExplanationDocument,
    HistoryDocument,
    ItemDocument,
    PointDocument,
    RequestDocument,
    RestatementDocument,
    StreamDocument,
    WindowDocument,
)
from syncd.explain.edit import Edit
from syncd.explain.evidence import Evidence, StreamSeen
from syncd.explain.evidence import evidence as evidence_of
from syncd.explain.history import CheckedIn, Point, Restated, Series, SeriesEvent
from syncd.explain.items import Item
from syncd.explain.links import LinkEvidence, links_of
from syncd.explain.requests import Asked, requests_of
from syncd.explain.restatements import Restatement
from syncd.ledger import Delivery, Ledger
from syncd.ledger.requests import Request
from syncd.okr.goals import KeyResult
from syncd.okr.spans import Span
from syncd.sdk import Json
from syncd.status.document import checkin_document, period_document
from syncd.status.snapshot import Snapshot
from syncd.status.verdicts import lag_days, trend_document


def explanation(snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult) -> ExplanationDocument:
    """The document that `explain --json` prints: all the evidence of a key result in a snapshot. Its form is a public
    contract.
    """
    zone = snapshot.rules.zone
    return {
        **_evidence(evidence_of(snapshot, ledger, key_result), snapshot.last_instant, zone),
        "alignment": [_link(link) for link in links_of(snapshot, ledger, key_result)],
        "written": [_delivery(delivery, zone) for delivery in newest_deliveries(snapshot, ledger, key_result.id)],
        "requests": [request_document(request, zone) for request in requests_of(ledger, snapshot, key_result.id)],
    }


def series_document(series: Series) -> HistoryDocument:
    """The document that `history --json` prints for a series."""
    return {
        "key_result": series.key_result.id,
        "title": series.key_result.title,
        "period": period_document(series.period),
        "unit": series.key_result.unit,
        "points": [point_document(point, series) for point in series.points],
        "events": [_event(event, series) for event in series.events],
    }


def point_document(point: Point, series: Series) -> PointDocument:
    """The JSON form of a point, one day of a series."""
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
        "measured_at": _time(point.measured_at, series.period.zone) if point.measured_at else None,
        "reason": point.reason,
    }


def _event(event: SeriesEvent, series: Series) -> EventDocument:
    zone = series.period.zone
    at, day = _time(event.at, zone), event.at.astimezone(zone).date().isoformat()
    if isinstance(event, Edit):
        return {**_edit(event, zone), "day": day, "event": "edited"}
    if isinstance(event, Restated):
        before, after = event.before, event.after
        return {"at": at, "day": day, "event": "restated", "count": event.count, "before": before, "after": after}
    if isinstance(event, CheckedIn):
        checkin = checkin_document(event.checkin, zone)
        what: Literal["checked_in", "withdrawn"] = "withdrawn" if event.withdrawn else "checked_in"
        return {"at": at, "day": day, "event": what, "checkin": checkin, "before": event.before, "after": event.after}
    if isinstance(event, Asked):
        return {**request_document(event.request, zone), "day": day, "event": "asked"}
    return {**approval_document(event, zone), "day": day, "event": "approved"}


def request_document(request: Request, zone: ZoneInfo) -> RequestDocument:
    """The JSON form of a request."""
    return {
        "id": request.id,
        "kind": request.kind,
        "period": request.period,
        "key_result": request.key_result or None,
        "delivery": request.delivery,
        "asked": _ordered(request.body),
        "author": request.author,
        "entered_by": request.entered_by,
        "at": _time(request.at, zone),
        "state": request.state,
        "reason": request.reason,
        "ended_at": _time(request.ended_at, zone) if request.ended_at else None,
        "before": None if request.before is None else _ordered(request.before),
        "after": None if request.after is None else _ordered(request.after),
    }


def _ordered(body: Mapping[str, Json]) -> dict[str, Json]:
    """A JSON object with its keys in alphabetical order, because databases and exports change the order of keys."""
    return dict(sorted(body.items()))


def _evidence(evidence: Evidence, now: datetime, zone: ZoneInfo) -> EvidenceDocument:
    line = evidence.line
    return {
        "key_result": evidence.key_result.id,
        "title": evidence.key_result.title,
        "as_of": _time(now, zone),
        "value": line.value,
        "quality": line.quality,
        "reason": line.reason,
        "candidate": line.candidate,
        "progress": line.standing.progress,
        "score": line.standing.score,
        "expected": line.standing.expected,
        "health": line.standing.health,
        "window": window_document(evidence.parts[0].window, zone) if evidence.parts else None,
        "parts": [
            {"name": part.name, "window": window_document(part.window, zone), "arithmetic": part.arithmetic}
            for part in evidence.parts
        ],
        "streams": [_stream(stream, zone) for stream in evidence.streams],
        "arithmetic": evidence.arithmetic,
        "counted": [item_document(item, zone) for item in evidence.counted],
        "left_out": [
            {**item_document(item, zone), "rule": item.left_out} for item in evidence.items if item.left_out is not None
        ],
        "candidate_counted": [item_document(item, zone) for item in evidence.candidate],
        "approvals": [approval_document(approval, zone) for approval in evidence.approvals],
        "checkins": [{**checkin_document(checkin, zone), "expired": expired} for checkin, expired in evidence.checkins],
        "restatements": [_restatement(restatement, zone) for restatement in evidence.restatements],
        "definition_changes": [_edit(edit, zone) for edit in evidence.definition_changes],
        "guard": _evidence(evidence.guard, now, zone) if evidence.guard else None,
    }


def window_document(window: Span, zone: ZoneInfo) -> WindowDocument:
    """The JSON form of a window."""
    return {"start": _time(window.start, zone), "end": _time(window.end, zone)}


def _stream(stream: StreamSeen, zone: ZoneInfo) -> StreamDocument:
    return {
        "connection": stream.connection,
        "key": stream.key,
        "completed_at": _time(stream.completed_at, zone) if stream.completed_at else None,
        "quality": stream.quality,
        "reason": stream.reason,
        "got": stream.got,
        "expected": stream.expected,
        "notes": list(stream.notes),
    }


def item_document(item: Item, zone: ZoneInfo) -> ItemDocument:
    """The JSON form of a record or reading."""
    shown: ItemDocument = {
        "label": item.label,
        "title": item.title,
        "url": item.url or None,
        "at": _time(item.at, zone) if item.at else None,
        "brings": item.brings,
    }
    if item.part:
        shown["part"] = item.part
    if item.remark:
        shown["remark"] = item.remark
    return shown


def approval_document(approval: PastApproval, zone: ZoneInfo) -> ApprovalDocument:
    """The JSON form of an approval."""
    shown: ApprovalDocument = {
        "at": _time(approval.at, zone),
        "author": approval.author,
        "old": approval.old,
        "new": approval.new,
        "reason": approval.reason,
    }
    if approval.entered_by is not None:
        shown["entered_by"] = approval.entered_by
    return shown


def _restatement(restatement: Restatement, zone: ZoneInfo) -> RestatementDocument:
    return {
        "at": _time(restatement.at, zone),
        "label": restatement.label,
        "title": restatement.title,
        "url": restatement.url or None,
        "of": _time(restatement.of, zone) if restatement.of else None,
        "why": restatement.why,
        "before": restatement.before,
        "after": restatement.after,
    }


def _edit(edit: Edit, zone: ZoneInfo) -> EditDocument:
    return {"at": _time(edit.at, zone), "file": edit.file, "key": edit.key, "old": edit.old, "new": edit.new}


def _link(link: LinkEvidence) -> ExplainedLinkDocument:
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


def _delivery(delivery: Delivery, zone: ZoneInfo) -> DeliveryDocument:
    return {
        "to": delivery.connection,
        "target": delivery.target,
        "value": delivery.statement.get("value"),
        "state": delivery.state,
        "reason": delivery.reason,
        "at": _time(delivery.tried_at or delivery.made_at, zone),
    }


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")
