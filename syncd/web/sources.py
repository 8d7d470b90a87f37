"""The page of the sources and publishers: can I trust the numbers today?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from syncd.config.schedule import late_from, next_start
from syncd.cycle.due_pulls import needed_streams
from syncd.explain.document_types import RequestDocument
from syncd.explain.documents import request_document
from syncd.explain.requests import whole_words
from syncd.explain.restatements import restatements_of_period
from syncd.ledger.pulled import LastPull
from syncd.okr.goals import Quality
from syncd.sdk.quota import RESERVE, QuotaLeft
from syncd.status.document_types import Time, TroubleDocument
from syncd.status.periods import published_periods
from syncd.status.unwritten import trouble_document
from syncd.web.pages import render
from syncd.web.publishers import (
    NEXT_STEPS,
    STATE_WORDS,
    PublisherDocument,
    decisions_of,
    publisher_document,
    publishers_of,
)
from syncd.web.view import View

_LOOKED_BACK = timedelta(days=7)
_WHOLE_PERIOD = 0


class PulledStreamDocument(TypedDict):
    """A stream, and the result of its last pull."""

    key: str
    quality: Quality | None
    """The quality of the last pull; null if the stream was never pulled."""
    reason: str | None
    problems: list[str]
    """Why the last pull could not read single cells, series or queries of the stream that measures need."""
    completed_at: Time | None
    """When the last cycle with a complete pull of the stream ended."""
    late: bool
    """Whether at least two scheduled pulls have been due since `completed_at`."""
    rows: int
    """The number of current rows of the stream in the ledger."""
    retry_at: Time | None
    """If the source told syncd to wait: the time from which on syncd may send requests again. Else null."""


class ConnectionDocument(TypedDict):
    """A connection, and the streams that mapping files need from it."""

    name: str
    type: str
    quota_left: float | None
    """The requests left in the quota after the last response; null if unknown or if the quota was renewed since."""
    quota: float | None
    """The number of requests in the complete quota. syncd leaves a tenth of the quota to people."""
    restated: int
    """The number of past records and rows that the source changed in the last seven days."""
    streams: list[PulledStreamDocument]


class SourcesDocument(TypedDict):
    """The state of every stream and publisher, and the check-ins that are not written."""

    schedule: str
    next_due: Time | None
    """The time of the service's next scheduled pull; null before the first pull."""
    configuration: list[str]
    """Errors in configuration files that were edited since syncd last read them successfully, with file and line."""
    connections: list[ConnectionDocument]
    publishers: list[PublisherDocument]
    decisions: list[RequestDocument]
    """The decisions of people about deliveries, the newest first."""
    unwritten: list[TroubleDocument]


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream, and the result of its last pull. `pull` is None if the stream was never pulled. `problems` says why
    parts of the stream that measures need could not be read.
    """

    key: str
    pull: LastPull | None
    problems: Sequence[str]
    rows: int
    late: bool
    retry_at: datetime | None

    @property
    def failed(self) -> bool:
        """Whether the last pull was not complete, or could not read a part that measures need."""
        return self.pull is not None and (self.pull.quality not in (None, "complete") or bool(self.problems))

    @property
    def reasons(self) -> Sequence[str]:
        """Why the last pull failed."""
        return [self.pull.reason] if self.pull is not None and self.pull.reason else self.problems


@dataclass(frozen=True, slots=True)
class ConnectionRows:
    """A connection, and the streams that the mapping files need from it."""

    name: str
    kind: str
    streams: Sequence[StreamRow]
    quota: QuotaLeft | None
    restated: int

    @property
    def failing(self) -> int:
        """The number of the connection's streams whose last pull failed, at least in part."""
        return sum(row.failed for row in self.streams)

    @property
    def pending(self) -> int:
        """The number of the connection's streams that were never pulled."""
        return sum(row.pull is None or row.pull.quality is None for row in self.streams)

    @property
    def late(self) -> int:
        """The number of the connection's streams that were not pulled when they were due."""
        return sum(row.late for row in self.streams)


def page(view: View, done: str | None = None, problem: str | None = None) -> str:
    """The HTML of the page. `done` is the id of a decision whose result the page shows; `problem` says why decisions
    were refused. The page always shows the present state. If the address names a past day, only the links to other
    pages keep it.
    """
    past_day, frame = view.day, {"kept": view.kept, "query": view.query()}
    view = replace(view, day=None)
    frame = {**view.frame(), **frame}
    connections, zone, config = list(_connections(view)), view.okrs.period.zone, view.daemon.config
    decisions = decisions_of(view.daemon.ledger)
    return render(
        "sources.html",
        **frame,
        here="sources",
        past_day=past_day,
        connections=connections,
        reserve=RESERVE,
        read=sum(bool(connection.streams) for connection in connections),
        failing=sum(connection.failing > 0 for connection in connections),
        late=sum(connection.late > 0 for connection in connections),
        pending=sum(connection.pending > 0 for connection in connections),
        troubles=[trouble for trouble in view.daemon.troubles() if trouble.connection == "notify"],
        publishers=list(publishers_of(view)),
        state_words=STATE_WORDS,
        next_steps=NEXT_STEPS,
        decisions=[(request, whole_words(request, None, zone)) for request in decisions],
        done=next((each for each in decisions if done is not None and str(each.id) == done), None),
        problem=problem,
        daemon=view.daemon,
        schedule=config.settings.schedule,
        next_due=_next_due(view),
        local=lambda moment: moment.astimezone(zone),
    )


def document(view: View) -> SourcesDocument:
    """The data of the page as JSON."""
    zone, problem = view.okrs.period.zone, view.daemon.config_problem
    return {
        "schedule": view.daemon.config.settings.schedule,
        "next_due": _time(_next_due(view), zone),
        "configuration": problem.splitlines() if problem else [],
        "connections": [
            {
                "name": connection.name,
                "type": connection.kind,
                "quota_left": connection.quota.left if connection.quota is not None else None,
                "quota": connection.quota.limit if connection.quota is not None else None,
                "restated": connection.restated,
                "streams": [_stream(row, zone) for row in connection.streams],
            }
            for connection in _connections(view)
        ],
        "publishers": [publisher_document(publisher, zone) for publisher in publishers_of(view)],
        "decisions": [request_document(request, zone) for request in decisions_of(view.daemon.ledger)],
        "unwritten": [trouble_document(trouble) for trouble in view.daemon.troubles()],
    }


def _stream(row: StreamRow, zone: ZoneInfo) -> PulledStreamDocument:
    pull = row.pull or LastPull()
    return {
        "key": row.key,
        "quality": pull.quality,
        "reason": pull.reason,
        "problems": list(row.problems),
        "completed_at": _time(pull.completed_at, zone),
        "late": row.late,
        "rows": row.rows,
        "retry_at": _time(row.retry_at, zone),
    }


def _connections(view: View) -> Iterator[ConnectionRows]:
    daemon, ledger = view.daemon, view.daemon.ledger
    periods = published_periods(daemon.config, view.now) or [view.okrs]
    last = ledger.cycles.last(pulled=True) if ledger else None
    held = ledger.members.held() if ledger else {}
    restated = _restated(view)
    for name, connection in daemon.config.connections.items():
        needed = needed_streams(name, periods)
        pulls = ledger.pulls.after(last.id, [(name, key) for key in needed]) if ledger and last else {}
        states = ledger.streams.states(name) if ledger else {}
        rows = []
        for key, stream in needed.items():
            pull, state = pulls.get((name, key)), states.get(key)
            late = _is_late(view, pull)
            if state is None:
                rows.append(StreamRow(key, pull, (), 0, late, None))
            else:
                rows.append(StreamRow(key, pull, state.failures(stream), held.get(state.id, 0), late, state.retry_at))
        yield ConnectionRows(name, connection.kind, rows, daemon.quota_left(name), restated[name])


def _restated(view: View) -> Counter[str]:
    """For each connection, the number of past records and rows that changed in the last seven days."""
    ledger, snapshot = view.daemon.ledger, view.snapshot
    if ledger is None or not snapshot.cycle:
        return Counter()
    since = view.now - _LOOKED_BACK
    before = max((cycle.id for cycle in ledger.cycles.ended() if cycle.ended_at < since), default=_WHOLE_PERIOD)
    every = restatements_of_period(ledger, view.okrs, after=before, until=snapshot.cycle)
    return Counter(restatement.connection for restatement in every if restatement.at >= since)


def _is_late(view: View, pull: LastPull | None) -> bool:
    if pull is None or pull.completed_at is None:
        return False
    config = view.daemon.config
    return late_from(config.settings.schedule, config.zone, pull.completed_at) < view.now


def _next_due(view: View) -> datetime | None:
    ledger, config = view.daemon.ledger, view.daemon.config
    last = ledger.cycles.last(pulled=True) if ledger else None
    return next_start(config.settings.schedule, config.zone, last.started_at, view.now) if last else None


def _time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None
