"""The requests that people send from pages, and programs through the API: to check in, approve, allow or retry.

syncd stores a request at once; the next cycle carries it out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Required

from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from syncd.cycle.ask import Desk, Form, ask_about_delivery
from syncd.cycle.check_in import LONGEST_AUTHOR, Implausible
from syncd.cycle.check_in_texts import CheckInTexts, check_day, check_takes_check_ins, end_of_day, number_of
from syncd.cycle.refusals import Refused
from syncd.cycle.stuck import Decision
from syncd.ledger import Delivery, Ledger
from syncd.ledger.requests import FormReused, Request
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.sdk import ConfigError
from syncd.sdk.language import gettext as _
from syncd.status.document_types import Day
from syncd.web.posted import Posted, check_names
from syncd.web.view import View
from syncd.web.visitors import Role

_LONGEST_FORM = 200
_LARGEST_ID = 2**31 - 1  # the largest `integer` of PostgreSQL
_YES, _NO = ("true", "on", "1"), ("false", "off", "0", None)


class DecisionBody(TypedDict, total=False):
    """The body of a request to retry or allow a delivery. Every key may be absent."""

    author: str | None
    """The name of the person who makes the request; by default the name of the logged-in visitor."""
    form: str | None
    """An id of your choice for the request. syncd stores only one request with the same id."""


class ApprovalBody(DecisionBody, total=False):
    """The body of a request to approve a held number."""

    candidate: Required[float | None]
    """The held number, or null if the held number is unknown. If another number is held, syncd refuses the approval."""


class CheckInBody(DecisionBody, total=False):
    """The body of a check-in, with at least one of `value`, `note` and `confidence`."""

    value: float | None
    """The number, in the key result's unit."""
    note: str | None
    confidence: float | None
    """How sure you are that the key result will be reached, from 0 to 1."""
    date: Day | None
    """The past day that the check-in describes; by default the present. Needed once the period is over."""
    expires: str | None
    """How long the check-in is valid, such as `10d`."""
    force: bool | None
    """Whether syncd accepts a value outside the bounds of `plausible`."""


class NeedsForce(HTTPException):
    """Refuses a check-in that syncd stores only if the person confirms it with `force`."""


Act = Callable[[View, str, Posted], Request]
"""A function that stores a request about the key result or delivery with the given id."""


def check_in(view: View, name: str, posted: Posted) -> Request:
    """Stores a check-in on a key result. HTTPException: 403 without the right to check in, 404 for an unknown key
    result, 400 for a request that cannot be read, 409 for a request that cannot be carried out now.
    """
    desk = _desk(view, name)
    if not view.visitor.may_check_in(owner_of(view.okrs, desk.key_result)):
        raise HTTPException(403, _("%(name)s may look here, and not check in", name=view.visitor.name))
    check_names(posted, CheckInBody.__annotations__)
    try:
        dated = end_of_day(posted.get("date"), desk.config, view.now, "date")
        check_takes_check_ins(desk.key_result)
        check_day(desk.config, desk.okrs.period, view.now, dated, "date")
        texts = CheckInTexts(*(posted.get(field) for field in ("value", "note", "confidence", "expires")))
        by = _form(view, posted)
        checkin = texts.checkin(desk.key_result, view.now, dated, by.author, by.entered_by, str)
        sent = {name: posted.get(name) for name in ("date", "expires")}
        return _stored(lambda: desk.ask_check_in(by.id, checkin, force=_force(posted), **sent))
    except ConfigError as error:
        raise HTTPException(400, str(error)) from None
    except Implausible as error:
        raise NeedsForce(409, _("%(why)s; correct it, or send it with force if it is meant", why=error)) from None


def approve(view: View, name: str, posted: Posted) -> Request:
    """Stores the approval of the held number that the page showed. HTTPException like `check_in`."""
    desk = _desk(view, name)
    check_operator(view)
    check_names(posted, ApprovalBody.__annotations__)
    wanted = "the number that waits, as it is shown; null where it is unknown"
    if "candidate" not in posted:
        raise HTTPException(400, _("an approval names its candidate; send %(wanted)s", wanted=wanted))
    try:
        candidate = number_of("candidate", posted["candidate"], wanted)
    except ConfigError as error:
        raise HTTPException(400, str(error)) from None
    return _stored(lambda: desk.ask_approval(_form(view, posted), candidate))


def decide(view: View, number: str, decision: Decision, posted: Posted) -> Request:
    """Stores a decision about a delivery. HTTPException like `check_in`."""
    check_operator(view)
    check_names(posted, DecisionBody.__annotations__)
    delivery = delivery_of(view, number)
    return _stored(lambda: ask_about_delivery(_ledger(view), _form(view, posted), delivery.id, decision))


def delivery_of(view: View, number: str) -> Delivery:
    """The delivery with this id. HTTPException 404 if the id is unknown."""
    is_id = number.isascii() and number.isdigit() and len(number) < 12 and int(number) <= _LARGEST_ID
    delivery = _ledger(view).outbox.get(int(number)) if is_id else None
    if delivery is None:
        raise HTTPException(404, _("there is no delivery %(number)s", number=number[:20]))
    return delivery


def _stored(ask: Callable[[], Request]) -> Request:
    try:
        return ask()
    except Implausible:
        raise
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    except FormReused:
        raise HTTPException(
            409, _("this form was sent before with something else; look at what was stored, and send it once more")
        ) from None


def _desk(view: View, name: str) -> Desk:
    key_result = view.okrs.by_id.get(name)
    if key_result is None:
        raise HTTPException(404, _("%(period)s has no such key result", period=view.okrs.period.id))
    return Desk(view.daemon.config, view.okrs, key_result, _ledger(view))


def _ledger(view: View) -> Ledger:
    """The ledger at its address. LedgerError if it was deleted or replaced: what is written to it would be lost."""
    view.daemon.check_ledger()
    if (ledger := view.daemon.ledger) is None:
        raise HTTPException(503, _("there is no ledger yet; `syncd sync` or `syncd run` makes it"))
    return ledger


def check_operator(view: View) -> None:
    """HTTPException 403 if the visitor may only view."""
    if not view.visitor.may(Role.OPERATOR):
        raise HTTPException(403, _("%(name)s may look here, and decides nothing", name=view.visitor.name))


def owner_of(okrs: PeriodOkrs, key_result: KeyResult) -> str | None:
    """The owner of a key result: its own owner, or its objective's."""
    of = (each.owner for each in okrs.objectives for kr in each.key_results if key_result in (kr, kr.guard))
    return key_result.owner or next(of, None)


def _form(view: View, posted: Posted) -> Form:
    """The form with its author: the name that the visitor typed, else the visitor's own name."""
    author = (posted.get("author") or "").strip() or view.visitor.name
    form_id = posted.get("form") or secrets.token_urlsafe(16)
    for name, text, most in (("author", author, LONGEST_AUTHOR), ("form", form_id, _LONGEST_FORM)):
        if len(text) > most:
            raise HTTPException(400, _("%(name)s is longer than %(most)s characters", name=name, most=most))
    return Form(form_id, author, view.visitor.name, view.now)


def _force(posted: Posted) -> bool:
    given = posted.get("force")
    if given not in (*_YES, *_NO):
        raise HTTPException(400, _("force is %(given)s; write true or false", given=repr(given)))
    return given in _YES
