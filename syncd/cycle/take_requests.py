"""Carries out the waiting requests of people, oldest first, before a cycle begins.

One transaction makes the change of a request and sets the request to `applied`. Each request is thus carried out
exactly once, even if syncd is killed. A request that can no longer be carried out becomes `refused`, with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never, cast

from syncd.config import Config
from syncd.cycle.approve import approve
from syncd.cycle.ask import checkin_of
from syncd.cycle.carry_over import renamed_periods
from syncd.cycle.check_in import check_in, withdraw
from syncd.cycle.refusals import Refused
from syncd.cycle.stuck import allow, retry
from syncd.ledger import Ledger, LedgerError
from syncd.ledger.requests import Request, RequestOver
from syncd.okr.checkins import CheckIn, Withdrawal, newest_value
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.sdk import ConfigError, Json

log = logging.getLogger("syncd.cycle")
Change = tuple[Mapping[str, Json], Mapping[str, Json]]
"""The values before a request was applied, and the values after."""


def take_requests(
    config: Config,
    ledger: Ledger,
    clock: Callable[[], datetime],
    *,
    command: int | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> None:
    """Applies or refuses every waiting request. The caller must hold the ledger's lock.

    `command` is the id of a command's own request. The files of this command may be old: other requests stay waiting if
    these files lack their key result. A request also stays waiting while the ledger has its key result or period under
    an old id, because the next cycle moves the history first. `go_on` is called before each request, and may raise an
    error to stop.
    """
    waiting = ledger.requests.waiting()
    renamed = {name for names in renamed_periods(config, ledger) for name in names} if waiting else set()
    for request in waiting:
        go_on()
        if _is_to_be_renamed(config, request, renamed):
            continue
        if command not in (None, request.id) and not _is_in_files(config, request):
            continue
        try:
            with ledger.transaction() as inner:
                before, after = _apply(config, inner, request, clock())
                inner.requests.applied(request.id, clock(), before, after)
        except (Refused, ConfigError) as error:
            _refuse(ledger, request, clock(), str(error))
        except RequestOver:  # another process applied it meanwhile; the change here is rolled back
            continue
        except LedgerError:
            raise
        except Exception as error:  # a request must not stop every later cycle
            log.exception("request broken", extra={"request": request.id})
            _refuse(ledger, request, clock(), f"internal error: {type(error).__name__} (see the log)")
        else:
            log.info("request applied", extra={"request": request.id, "kind": request.kind, "by": request.entered_by})


def _refuse(ledger: Ledger, request: Request, now: datetime, reason: str) -> None:
    ledger.requests.refused(request.id, now, reason)
    log.warning("request refused", extra={"request": request.id, "kind": request.kind, "reason": reason})


def _is_to_be_renamed(config: Config, request: Request, renamed: Collection[str]) -> bool:
    if request.delivery is not None:
        return False
    okrs = _okrs(config, request.period)
    moves = {kr.moved_from for kr in okrs.key_results} if okrs else set()
    is_gone = okrs is not None and request.key_result not in okrs.by_id
    return request.period in renamed or (is_gone and request.key_result in moves)


def _is_in_files(config: Config, request: Request) -> bool:
    if request.delivery is not None:
        return True
    okrs = _okrs(config, request.period)
    return okrs is not None and request.key_result in okrs.by_id


def _okrs(config: Config, period: str) -> PeriodOkrs | None:
    return next((okrs for okrs in config.periods if okrs.period.id == period), None)


def _apply(config: Config, ledger: Ledger, request: Request, now: datetime) -> Change:
    if request.kind == "retry" or request.kind == "allow":
        return _decide(ledger, request, now)
    okrs = _okrs(config, request.period)
    if okrs is None:
        raise Refused(f"no mapping file has the period {request.period} any more")
    key_result = okrs.by_id.get(request.key_result)
    if key_result is None:
        raise Refused(f"no mapping file has the key result {request.key_result} in {request.period} any more")
    on = _OnKeyResult(config, okrs, key_result, ledger, request, now)
    match request.kind:
        case "check_in":
            return on.check_in()
        case "withdraw":
            return on.withdraw()
        case "approve":
            return on.approve()
    assert_never(request.kind)


def _decide(ledger: Ledger, request: Request, now: datetime) -> Change:
    body: Mapping[str, Any] = request.body
    place = body["to"], body["target"]
    if request.kind == "retry":
        was = retry(ledger, place, now=now)
    else:
        was = allow(ledger, place, body["left_alone"], by=request.by, now=now)
    return {"state": was.state, "reason": was.reason}, {"state": "waiting"}


@dataclass(frozen=True, slots=True)
class _OnKeyResult:
    config: Config
    okrs: PeriodOkrs
    key_result: KeyResult
    ledger: Ledger
    request: Request
    now: datetime

    def check_in(self) -> Change:
        before, body = self._checked_in(), self.request.body
        made = check_in(
            self.config,
            self.okrs,
            self.key_result,
            self.ledger,
            checkin_of(self.request),
            now=self.now,
            force=bool(body["force"]),
        )
        return before, self._checked_in() | {"checkin": made}

    def withdraw(self) -> Change:
        request, before = self.request, self._checked_in()
        wanted = self._withdrawn()
        checkin = next((made for made in self._checkins() if made.id == wanted and made.withdrawn is None), None)
        if checkin is None:
            raise Refused("the check-in was withdrawn before")
        withdrawal = Withdrawal(
            request.author, request.at, cast("str | None", request.body["note"]), request.entered_by
        )
        withdraw(self.config, self.okrs, self.key_result, self.ledger, checkin, withdrawal, now=self.now)
        return before, self._checked_in()

    def _withdrawn(self) -> Json:
        """The id of the check-in to withdraw. The withdrawal may name the check-in's own request instead, which was
        still waiting then.
        """
        if "checkin" in self.request.body:
            return self.request.body["checkin"]
        made_by = self.ledger.requests.get(cast("int", self.request.body["request"]))
        if made_by is None or made_by.after is None:
            raise Refused("the check-in was refused itself")
        return made_by.after["checkin"]

    def approve(self) -> Change:
        request = self.request
        approved = approve(
            self.config,
            self.okrs,
            self.key_result,
            self.ledger,
            author=request.author,
            entered_by=request.entered_by,
            now=self.now,
            candidate=cast("float | None", request.body["candidate"]),
        )
        old, new = approved.old, approved.new
        return {"value": old.number, "quality": "held"}, {"value": new.number, "quality": new.quality}

    def _checkins(self) -> Sequence[CheckIn]:
        return self.ledger.checkins.kept(self.okrs.period.id, self.key_result.id)

    def _checked_in(self) -> dict[str, Any]:
        checkins = [checkin for checkin in self._checkins() if checkin.withdrawn is None]
        newest = newest_value(checkins)
        stated = next((each.confidence for each in reversed(checkins) if each.confidence is not None), None)
        return {"value": newest.value if newest else None, "confidence": stated}
