"""The period and moment that a page shows, by its address: `?period=` and `?at=`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request

from syncd.okr.day_texts import last_instant, past_day
from syncd.okr.goals import PeriodOkrs
from syncd.okr.spans import midnight
from syncd.sdk import ConfigError
from syncd.status.choosing import chosen_period
from syncd.status.periods import choose_period
from syncd.status.read_snapshots import Snapshots
from syncd.status.snapshot import Snapshot
from syncd.status.unwritten import Trouble
from syncd.web.daemon import Daemon
from syncd.web.places import ALONE, Place, place_of
from syncd.web.visitors import Visitor, form_token, visitor_of


@dataclass(frozen=True)
class View:
    """The view of a visitor on a page: a period, as of now or as of the end of a past day.

    `asked` is the period in the address; None if the address names no period. `parameters` are all parameters of the
    address.
    """

    daemon: Daemon
    okrs: PeriodOkrs
    now: datetime
    visitor: Visitor
    form_token: str = ""
    place: Place = ALONE
    asked: str | None = None
    day: date | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> Mapping[str, str]:
        """The parameters that links to other pages keep: the period and the past day."""
        day = self.day.isoformat() if self.day else None
        return {name: text for name, text in (("period", self.asked), ("at", day)) if text}

    def link(self, path: str, **parameters: str) -> str:
        """The address of another page of the same project, period and day."""
        return f"{self.place.root}{path}{self.query(**parameters)}"

    def query(self, **parameters: str) -> str:
        """The query of an address of the same period and day, such as `?period=2026-Q4`; empty without parameters."""
        query = urlencode({**self.kept, **parameters})
        return f"?{query}" if query else ""

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

    @property
    def troubles(self) -> Sequence[Trouble]:
        """The check-ins and messages that are not sent now; none on a past day, because they are not those of then."""
        return self.daemon.troubles() if self.day is None else ()

    @cached_property
    def period_of_now(self) -> str | None:
        """The period that an address of the same page without the past day must name, so that the page stays in its
        period. None if it need not name one.
        """
        by_default, shown = choose_period(self.daemon.config, None, self.now), self.okrs.period.id
        return self.asked if by_default is not None and by_default.period.id == shown else shown

    def frame(self) -> Mapping[str, Any]:
        """The data of the frame of each page."""
        zone = self.okrs.period.zone
        return {
            "visitor": self.visitor,
            "form_token": self.form_token,
            "place": self.place,
            "period": self.snapshot.okrs.period,
            "as_of": self.snapshot.last_instant.astimezone(zone),
            "cycle": self.snapshot.cycle,
            "synced_at": self.snapshot.synced_at,
            "past": self.day is not None,
            "day": self.day,
            "today": self.now.astimezone(zone).date(),
            "kept": self.kept,
            "query": self.query(),
            "now": address(self.parameters, at=None, period=self.period_of_now),
        }


def address(query: Mapping[str, str], **changes: str | None) -> str:
    """The address of the same page with changed parameters. A parameter that is None is removed; parameters without a
    change stay.

    `done` is removed too, because the page shows the result of a form only once.
    """
    parameters = {**query, "done": None, **changes}
    return f"?{urlencode({name: text for name, text in parameters.items() if text is not None})}"


def view_of(daemon: Daemon, request: Request) -> View:
    """The view for an address. HTTPException: 404 for an unknown period, 400 for a text that is not a day."""
    return view_at(daemon, request, request.query_params.get("at"))


def view_at(daemon: Daemon, request: Request, at: str | None) -> View:
    """The view for an address, as of the day `at`, or as of now if `at` is None. The day in the address is ignored.
    HTTPException like `view_of`.
    """
    query = request.query_params
    view = make_view(daemon, visitor_of(request), query.get("period"), at)
    return replace(view, form_token=form_token(request), place=place_of(request.scope), parameters=query)


def make_view(daemon: Daemon, visitor: Visitor, period: str | None, at: str | None) -> View:
    """The view of a period, as of now or of a past day. By default, the period is the one that contains the day.

    HTTPException: 404 for an unknown period, 400 for a text that is not a day.
    """
    now, zone = daemon.now(), daemon.config.zone
    with _refused(400):
        day = past_day(at, zone, now, "at") if at else None
    with missing_is_404():
        okrs = chosen_period(daemon.config, period, last_instant(day, zone, now) if day else now)
    past = None if day == now.astimezone(zone).date() else day
    return View(daemon, okrs, now, visitor, asked=period, day=past)


def missing_is_404() -> AbstractContextManager[None]:
    """A context in which an unknown name is answered with 404."""
    return _refused(404)


@contextmanager
def _refused(status: int) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise HTTPException(status, str(error)) from None
