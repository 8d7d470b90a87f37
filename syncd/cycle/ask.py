"""Stores requests of people, if each could be carried out now. The next cycle carries out the stored requests.

Each function raises Refused or ConfigError, and stores nothing, if the request could not be carried out now. Each
function raises FormReused if the form's id was used for another request. Storing a request needs no lock, and works
while a cycle runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.config import Config
from syncd.cycle.approve import check_candidate
from syncd.cycle.check_in import check
from syncd.cycle.stuck import Decision, decidable, delivery_of
from syncd.ledger import Ledger
from syncd.ledger.requests import NewRequest, Request, RequestKind
from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.sdk import Json


@dataclass(frozen=True, slots=True)
class Form:
    """The person who sends a request, the time, and the id of the form that was sent. A form that is sent twice counts
    once.

    The `author` is the name that the person gave, unchecked. `entered_by` is who ran the command or is logged in.
    """

    id: str
    author: str
    entered_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """Stores people's requests about a key result."""

    config: Config
    okrs: PeriodOkrs
    key_result: KeyResult
    ledger: Ledger

    def ask_check_in(
        self,
        form_id: str,
        checkin: CheckIn,
        *,
        force: bool = False,
        date: str | None = None,
        expires: str | None = None,
    ) -> Request:
        """Stores a request for a check-in. With `force`, the value may be implausible. `date` and `expires` are the
        texts that were sent: their meaning depends on when they arrive, so a form that is sent twice is known by them.
        """
        by = Form(form_id, checkin.author, checkin.entered_by or checkin.author, checkin.at)
        body = {**body_of(checkin), "force": force, "date": date, "expires": expires}
        return self._store(by, "check_in", body, lambda: self._check(checkin, force))

    def ask_withdrawal(self, form_id: str, target: Mapping[str, int], withdrawal: Withdrawal) -> Request:
        """Stores a request to withdraw a check-in. `target` is `{"checkin": ID}`, or `{"request": ID}` for a check-in
        that is still a waiting request.
        """
        by = Form(form_id, withdrawal.author, withdrawal.entered_by or withdrawal.author, withdrawal.at)
        return self._store(by, "withdraw", {**target, "note": withdrawal.note}, lambda: self._check(withdrawal))

    def ask_approval(self, by: Form, candidate: float | None) -> Request:
        """Stores a request to approve the candidate, if the candidate is this number. None stands for an unknown
        number.
        """
        return self._store(
            by,
            "approve",
            {"candidate": candidate},
            lambda: check_candidate(self.okrs, self.key_result, self.ledger, candidate),
        )

    def _check(self, checkin: CheckIn | Withdrawal, force: bool = False) -> object:
        return check(self.config, self.okrs, self.key_result, self.ledger, checkin, now=checkin.at, force=force)

    def _store(
        self, by: Form, kind: RequestKind, body: Mapping[str, Json], check_possible: Callable[[], object]
    ) -> Request:
        of = self.okrs.period.id, self.key_result.id
        new = NewRequest(by.id, kind, *of, body, by.author, by.entered_by, by.at)
        return _store(self.ledger, new, check_possible)


def ask_about_delivery(ledger: Ledger, by: Form, number: int, decision: Decision) -> Request:
    """Stores a request to try a delivery again, or to overwrite what somebody else wrote at its target."""
    delivery = delivery_of(ledger, number)
    body: dict[str, Json] = {"to": delivery.connection, "target": delivery.target}
    if decision == "allow":
        body["left_alone"] = dict(delivery.left_alone or {})
    of = delivery.period, delivery.key_result
    new = NewRequest(by.id, decision, *of, body, by.author, by.entered_by, by.at, number)
    return _store(ledger, new, lambda: decidable(ledger, number, decision))


def _store(ledger: Ledger, new: NewRequest, check_possible: Callable[[], object]) -> Request:
    if (earlier := ledger.requests.earlier(new)) is not None:
        return earlier
    check_possible()
    return ledger.requests.store(new)


def body_of(checkin: CheckIn) -> dict[str, Json]:
    """A check-in as the JSON that a request stores."""
    return {
        "value": checkin.value,
        "note": checkin.note,
        "confidence": checkin.confidence,
        "dated": checkin.dated.isoformat() if checkin.dated else None,
        "expires_at": checkin.expires_at.isoformat(),
    }


def checkin_of(request: Request) -> CheckIn:
    """The check-in in a request's body."""
    body: Mapping[str, Any] = request.body
    return CheckIn(
        author=request.author,
        at=request.at,
        expires_at=datetime.fromisoformat(body["expires_at"]),
        value=body["value"],
        note=body["note"],
        confidence=body["confidence"],
        dated=datetime.fromisoformat(body["dated"]) if body["dated"] else None,
        entered_by=request.entered_by,
    )
