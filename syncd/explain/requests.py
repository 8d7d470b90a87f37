"""Requests of people, as of a snapshot and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.ledger import Ledger
from syncd.ledger.requests import Request
from syncd.okr.goals import KeyResult
from syncd.okr.spans import Span
from syncd.okr.words import day, percent, value_figure
from syncd.sdk.figures import full_number
from syncd.sdk.language import gettext as _
from syncd.sdk.language import original
from syncd.status.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Asked:
    """An event for a request that no other event shows, because it waits, was refused, or is about a delivery."""

    at: datetime
    request: Request


def request_words(request: Request, key_result: KeyResult | None, zone: ZoneInfo) -> str:
    """The content of a request in words, such as `check-in of 45, confidence 60 %`. Without a key result, a number has
    no unit.
    """
    body: Mapping[str, Any] = request.body
    match request.kind:
        case "check_in":
            parts = []
            if (value := body.get("value")) is not None:
                parts.append(_figure(key_result, value))
            if (confidence := body.get("confidence")) is not None:
                parts.append(_("confidence %(share)s", share=percent(confidence)))
            what = _("check-in of %(content)s", content=", ".join(parts)) if parts else _("check-in of a note")
            if body.get("dated"):
                last = datetime.fromisoformat(body["dated"]).astimezone(zone)
                what = _("%(what)s for %(day)s", what=what, day=day(last))
            return f"{what}: {body['note']}" if body.get("note") else what
        case "withdraw":
            what = _("withdrawal of a check-in")
            return f"{what}: {body['note']}" if body.get("note") else what
        case "approve":
            candidate = body.get("candidate")
            figure = _("an unknown number") if candidate is None else _figure(key_result, candidate)
            return _("approval of %(figure)s", figure=figure)
        case "allow":
            return _("leave to write over %(target)s", target=f"{body.get('to')}: {body.get('target')}")
        case "retry":
            return _("another try of %(target)s", target=f"{body.get('to')}: {body.get('target')}")


def state_words(request: Request) -> str:
    """The state of a request in words."""
    match request.state:
        case "waiting":
            return _("stored; it counts from the next cycle")
        case "applied":
            return _("done")
        case "refused":
            return _("refused: %(reason)s", reason=original(request.reason or ""))


def whole_words(request: Request, key_result: KeyResult | None, zone: ZoneInfo) -> str:
    """The content of a request, its author and its state, in words."""
    what = request_words(request, key_result, zone)
    return _("%(what)s, by %(person)s: %(state)s", what=what, person=request.by, state=state_words(request))


def requests_of(ledger: Ledger | None, end: Snapshot, key_result: str) -> Iterator[Request]:
    """Yields the requests about a key result that had been made at the moment of a snapshot, oldest first, each in its
    state at this moment.
    """
    if ledger is not None:
        yield from _as_of(ledger.requests.of_key_result(end.okrs.period.id, key_result), end)


def open_requests(ledger: Ledger | None, end: Snapshot, key_result: str) -> Iterator[Request]:
    """Yields the open requests about a key result: requests that wait, were refused, or are about a delivery. No value,
    check-in or approval shows them.
    """
    return filter(_is_open, requests_of(ledger, end, key_result))


def open_requests_of_period(ledger: Ledger | None, end: Snapshot, span: Span) -> Iterator[Request]:
    """Yields the open requests about a period that were made or ended within a span of time."""
    if ledger is not None:
        yield from filter(_is_open, _as_of(ledger.requests.of_period(end.okrs.period.id, span), end))


def _as_of(requests: Iterable[Request], end: Snapshot) -> Iterator[Request]:
    for request in requests:
        if request.at > end.last_instant:
            continue
        if request.ended_at is not None and request.ended_at > end.last_instant:
            yield replace(request, state="waiting", reason=None, ended_at=None, before=None, after=None)
        else:
            yield request


def _is_open(request: Request) -> bool:
    return request.state != "applied" or request.delivery is not None


def _figure(key_result: KeyResult | None, value: float) -> str:
    return full_number(value) if key_result is None else value_figure(key_result, value)
