"""Requests: actions that people asked syncd to take, and their outcomes.

A request is stored in its own short transaction, also while a cycle runs. The state of a request is
- `waiting` until a cycle takes it;
- `applied` from the transaction that carried it out;
- `refused`, with the reason, if it could no longer be carried out.

An applied or refused request is never changed or removed. It records who did what and when, with the values before and
after.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from syncd.ledger.schema import requests
from syncd.ledger.wake import wake_worker
from syncd.okr.spans import Span
from syncd.okr.words import signature
from syncd.sdk import Json

RequestKind = Literal["check_in", "withdraw", "approve", "allow", "retry"]
RequestState = Literal["waiting", "applied", "refused"]


class RequestOver(Exception):
    """Raised if a request has ended already: another process applied or refused it."""


class FormReused(Exception):
    """Raised if a form with this id was sent before with different content."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request of a person. `key_result` is empty if the request is about a delivery of a whole period. `delivery` is
    set for the kinds `allow` and `retry`.

    `form` is the id of the form that was sent; a form that is sent twice counts once. `author` is the name that the
    person gave, unchecked. `entered_by` is who ran the command or was logged in.
    """

    form: str
    kind: RequestKind
    period: str
    key_result: str
    body: Mapping[str, Json]
    author: str
    entered_by: str
    at: datetime
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class Request(NewRequest):
    """A stored request. `before` and `after` are the values that it changed, before and after; both are None if the
    request was not applied.
    """

    id: int = 0
    state: RequestState = "waiting"
    reason: str | None = None
    ended_at: datetime | None = None
    before: Mapping[str, Json] | None = None
    after: Mapping[str, Json] | None = None

    @property
    def by(self) -> str:
        """The author and, if somebody else entered the request, the name of this person, such as `Dana (entered by
        ops@build-3)`.
        """
        return signature(self.author, self.entered_by)


_REQUESTS = select(*(requests.c[field.name] for field in fields(Request))).order_by(requests.c.id)


class Requests:
    """Reads and writes requests, each write in its own short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.stored: Callable[[], None] = lambda: None
        """A function that is called after this process has stored a request."""

    def earlier(self, new: NewRequest) -> Request | None:
        """The stored request of the same form; None if the form was not sent before. Raises FormReused if the stored
        request has different content.
        """
        kept = next(iter(self._of(*_of_form(new))), None)
        if kept is not None and _content(kept, _derived(kept)) != _content(new, _derived(kept)):
            raise FormReused(new.form)
        return kept

    def store(self, new: NewRequest) -> Request:
        """Stores a request, unless the same form was sent before. Returns the stored request. Raises FormReused like
        `earlier`.
        """
        with suppress(IntegrityError), self._engine.begin() as connection:  # another process may store it meanwhile
            if connection.execute(_REQUESTS.where(*_of_form(new))).first() is None:
                connection.execute(insert(requests).values(**asdict(new), state="waiting"))
                wake_worker(connection)
        kept = self.earlier(new)
        assert kept is not None
        self.stored()
        return kept

    def newest_waiting(self) -> int | None:
        """The id of the newest waiting request; None if no request waits."""
        with self._engine.connect() as connection:
            newest: int | None = connection.scalar(select(func.max(requests.c.id)).where(_WAITS))
        return newest

    def waiting(self) -> Sequence[Request]:
        """The waiting requests, oldest first."""
        return self._of(_WAITS)

    def get(self, request: int) -> Request | None:
        """A request by its id."""
        return next(iter(self._of(requests.c.id == request)), None)

    def of_key_result(self, period: str, key_result: str) -> Sequence[Request]:
        """Every request about a key result, oldest first."""
        return self._of(requests.c.period == period, requests.c.key_result == key_result)

    def of_period(self, period: str, span: Span) -> Sequence[Request]:
        """Every request about a period that was made or ended within a span of time, oldest first."""
        moments = (requests.c.at, requests.c.ended_at)
        return self._of(
            requests.c.period == period, or_(*((moment >= span.start) & (moment < span.end) for moment in moments))
        )

    def of_delivery(self, delivery: int) -> Sequence[Request]:
        """Every request about a delivery, oldest first."""
        return self._of(requests.c.delivery == delivery)

    def of_deliveries(self, deliveries: Collection[int]) -> Sequence[Request]:
        """Every request about these deliveries, oldest first."""
        return self._of(requests.c.delivery.in_(deliveries))

    def last_of_deliveries(self, most: int) -> Sequence[Request]:
        """The last requests about any delivery, newest first."""
        last = _REQUESTS.order_by(None).where(requests.c.delivery.is_not(None)).order_by(requests.c.id.desc())
        with self._engine.connect() as connection:
            return [Request(**row) for row in connection.execute(last.limit(most)).mappings()]

    def _of(self, *conditions: Any) -> Sequence[Request]:
        with self._engine.connect() as connection:
            return [Request(**row) for row in connection.execute(_REQUESTS.where(*conditions)).mappings()]

    def applied(self, request: int, now: datetime, before: Mapping[str, Json], after: Mapping[str, Json]) -> None:
        """Sets a waiting request to `applied`, in the transaction that carries it out. Raises RequestOver if the
        request does not wait.
        """
        if not self._end(request, state="applied", ended_at=now, before=dict(before), after=dict(after)):
            raise RequestOver(request)

    def refused(self, request: int, now: datetime, reason: str) -> None:
        """Sets a waiting request to `refused`."""
        self._end(request, state="refused", ended_at=now, reason=reason)

    def _end(self, request: int, **values: Any) -> bool:
        with self._engine.begin() as connection:
            ended = connection.execute(update(requests).where(requests.c.id == request, _WAITS).values(**values))
        return ended.rowcount == 1


_WAITS = requests.c.state == "waiting"


def _of_form(new: NewRequest) -> tuple[ColumnElement[bool], ...]:
    return requests.c.entered_by == new.entered_by, requests.c.form == new.form


def _content(request: NewRequest, derived: Collection[str]) -> tuple[Any, ...]:
    body = {name: value for name, value in request.body.items() if name not in derived}
    return request.kind, request.period, request.key_result, request.delivery, request.author, body


def _derived(kept: Request) -> Collection[str]:
    """The names in a body that may differ if the same form arrives again.

    The moments `dated` and `expires_at` follow from the texts `date` and `expires` and from the time of arrival.
    Earlier versions did not store the texts.
    """
    return ("dated", *_BY_ARRIVAL) if "date" in kept.body else ("date", "expires", *_BY_ARRIVAL)


_BY_ARRIVAL = ("expires_at", "left_alone")
