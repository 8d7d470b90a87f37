"""The actions on the page of a key result: the check-in form, the approval, and the results of earlier requests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from syncd.explain.requests import whole_words
from syncd.ledger.requests import Request
from syncd.okr.goals import KeyResult, is_guard
from syncd.status.report import KeyResultLine
from syncd.web.actions import owner_of
from syncd.web.view import View
from syncd.web.visitors import Role

_SHOWN = timedelta(days=14)
"""How long the page shows a refusal. The history always shows refusals."""

_CONFIDENCES = tuple(share / 10 for share in range(1, 11))


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that could not be stored: the sent fields and the reason. The page shows both."""

    action: str
    fields: Mapping[str, str | None]
    problem: str
    may_force: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """The result of a request, in a sentence."""

    words: str
    state: str


@dataclass(frozen=True, slots=True)
class CheckInForm:
    """The fields of the check-in form with their contents. `asks_name` is true if no login says who the sender is.

    `day` is the day that the check-in describes; None during the period, when a check-in describes the present.
    """

    value: str
    note: str
    confidence: float | None
    confidences: Sequence[float]
    author: str
    asks_name: bool
    day: str | None
    problem: str | None = None
    may_force: bool = False


@dataclass(frozen=True, slots=True)
class Actions:
    """What the visitor may do with a key result now, and earlier requests. `form_id` is the id of the page's forms.

    `candidate` is the number that the visitor may approve, in the form's format. `candidate` is None if the visitor may
    approve nothing, and empty if the held number is unknown.
    """

    form_id: str
    check_in: CheckInForm | None = None
    candidate: str | None = None
    approval_problem: str | None = None
    done: Notice | None = None
    notices: Sequence[Notice] = field(default=())


def actions_of(view: View, line: KeyResultLine, done: str | None, sent: Sent | None) -> Actions:
    """The actions on the page of a key result; none for a past day."""
    ledger, key_result = view.daemon.ledger, line.key_result
    if view.day is not None or ledger is None:
        return Actions("")
    requests = ledger.requests.of_key_result(view.okrs.period.id, key_result.id)
    own = next((each for each in requests if str(each.id) == done), None)
    listed = [each for each in _worth_a_look(view, requests) if each is not own]
    return Actions(
        form_id=_form_id(view.okrs.period.id, key_result.id, requests),
        check_in=_check_in_form(view, line, sent),
        candidate=_candidate(view, line, requests),
        approval_problem=sent.problem if sent is not None and sent.action == "approve" else None,
        done=_notice(view, key_result, own) if own is not None else None,
        notices=[_notice(view, key_result, request) for request in listed],
    )


def _form_id(period: str, key_result: str, requests: Sequence[Request]) -> str:
    """The id of the page's forms. Each key result has its own form id, and a new request changes the id."""
    of = hashlib.sha256(f"{period}/{key_result}".encode()).hexdigest()[:16]
    return f"page-{of}-{requests[-1].id if requests else 0}"


def _worth_a_look(view: View, requests: Sequence[Request]) -> Sequence[Request]:
    """The waiting requests, and a recent refusal if no other request ended after it."""
    waiting = [request for request in requests if request.state == "waiting"]
    ended = [request for request in requests if request.state != "waiting"]
    last = ended[-1] if ended else None
    if last is not None and last.state == "refused" and (last.ended_at or last.at) > view.now - _SHOWN:
        return [last, *waiting]
    return waiting


def _notice(view: View, key_result: KeyResult, request: Request) -> Notice:
    return Notice(whole_words(request, key_result, view.okrs.period.zone), request.state)


def _check_in_form(view: View, line: KeyResultLine, sent: Sent | None) -> CheckInForm | None:
    key_result = line.key_result
    if is_guard(key_result.id) or not view.visitor.may_check_in(owner_of(view.okrs, key_result)):
        return None
    asks_name = view.daemon.config.settings.web.login is None
    period = view.okrs.period
    day = period.last.isoformat() if view.now >= period.span.end else None
    if sent is not None and sent.action == "check-in":
        text = {name: value or "" for name, value in sent.fields.items()}
        confidence = _share(text.get("confidence", ""))
        return CheckInForm(
            text.get("value", ""),
            text.get("note", ""),
            confidence,
            _confidences(confidence),
            text.get("author", ""),
            asks_name,
            text.get("date") or day,
            sent.problem,
            sent.may_force,
        )
    return CheckInForm(_plain(line.value), "", line.confidence, _confidences(line.confidence), "", asks_name, day)


def _candidate(view: View, line: KeyResultLine, requests: Sequence[Request]) -> str | None:
    if line.quality != "held" or not view.visitor.may(Role.OPERATOR):
        return None
    asked = [each for each in requests if each.state == "waiting" and each.kind == "approve"]
    if any(each.body.get("candidate") == line.candidate for each in asked):
        return None
    return _plain(line.candidate)


def _confidences(stated: float | None) -> Sequence[float]:
    return sorted({*_CONFIDENCES, *(() if stated is None else (stated,))})


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _plain(value: float | None) -> str:
    """A number in the format of a form field, with all digits and without an exponent; empty if it is unknown."""
    if value is None:
        return ""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
