"""The period and moment that a page shows, by its address: `?period=` and `?at=`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from syncd.okr.goals import PeriodOkrs
from syncd.okr.spans import midnight
from syncd.sdk.language import gettext as _
from syncd.status.periods import choose_period
from syncd.status.read_snapshots import Snapshots
from syncd.status.snapshot import Snapshot
from syncd.web.daemon import Daemon
from syncd.web.visitors import Visitor, form_token, visitor_of


@dataclass(frozen=True)
class View:
    """What a page shows to a visitor: a period, as of now or of the end of a past day.

    `asked` is the period that the address names, None if it names none: links to other pages keep it.
    """

    daemon: Daemon
    okrs: PeriodOkrs
    now: datetime
    visitor: Visitor
    form_token: str
    asked: str | None = None
    day: date | None = None

    @cached_property
    def snapshots(self) -> Snapshots:
        """The snapshots of the period."""
        return Snapshots(self.daemon.config, self.okrs, self.daemon.ledger)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The state that the page shows."""
        if self.day is None:
            return self.snapshots.now(self.now)
        return self.snapshots.at_end(midnight(self.day + timedelta(days=1), self.okrs.period.zone))

    def frame(self) -> Mapping[str, Any]:
        """What the frame of each page shows."""
        zone = self.okrs.period.zone
        return {
            "visitor": self.visitor,
            "form_token": self.form_token,
            "period": self.okrs.period,
            "as_of": self.snapshot.last_instant.astimezone(zone),
            "cycle": self.snapshot.cycle,
            "synced_at": self.snapshot.synced_at,
            "past": self.day is not None,
            "day": self.day,
            "today": self.now.astimezone(zone).date(),
            "query": f"?{urlencode({'period': self.asked})}" if self.asked else "",
        }


def address(query: QueryParams, **changes: str) -> str:
    """The address of the same page with other parameters; all others stay."""
    return f"?{urlencode({**query, **changes})}"


def view_of(daemon: Daemon, request: Request) -> View:
    """The view that an address asks for. HTTPException: 404 for an unknown period, 400 for a day that is none."""
    now, asked = daemon.now(), request.query_params.get("period")
    okrs = choose_period(daemon.config, asked, now)
    if okrs is None:
        none_yet = _("no mapping file has a period yet; write `period:` and `objectives:` into one to see them here")
        raise HTTPException(404, _("there is no such period") if asked else none_yet)
    day = _day(request.query_params.get("at"), okrs, now)
    return View(daemon, okrs, now, visitor_of(request), form_token(request), asked, day)


def _day(text: str | None, okrs: PeriodOkrs, now: datetime) -> date | None:
    """The past day that is asked for; None for today."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, _("write the day as 2026-11-02")) from None
    today = now.astimezone(okrs.period.zone).date()
    if day > today or day.year < 1970:
        raise HTTPException(400, _("the day is in the future") if day > today else _("write a day after 1970"))
    return None if day == today else day
