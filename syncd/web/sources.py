"""The page of the sources and publishers: can I trust the numbers today?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from syncd.cycle.due_pulls import needed_streams
from syncd.ledger.pulled import LastPull
from syncd.okr.goals import Quality
from syncd.status.document_types import Time, TroubleDocument
from syncd.status.periods import published_periods
from syncd.status.unwritten import trouble_document
from syncd.web.pages import render
from syncd.web.view import View


class PulledStreamDocument(TypedDict):
    """A stream, and how its last pull ended."""

    key: str
    quality: Quality | None
    """Null if it was not pulled yet."""
    reason: str | None
    completed_at: Time | None
    """The end of the last cycle with a complete pull."""


class ConnectionDocument(TypedDict):
    """A connection, and the streams that the mappings need of it."""

    name: str
    type: str
    streams: list[PulledStreamDocument]


class SourcesDocument(TypedDict):
    """Whether the numbers can be trusted: every stream, and the check-ins that are not written."""

    connections: list[ConnectionDocument]
    unwritten: list[TroubleDocument]


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream, and how its last pull ended; None if none has asked for it yet."""

    key: str
    pull: LastPull | None


@dataclass(frozen=True, slots=True)
class ConnectionRows:
    """A connection and the streams that the mappings need of it."""

    name: str
    kind: str
    streams: Sequence[StreamRow]

    @property
    def failing(self) -> int:
        """How many of its streams did not come whole last time."""
        return sum(row.pull is not None and row.pull.quality != "complete" for row in self.streams)


def page(view: View) -> str:
    """The page."""
    connections = list(_connections(view))
    failing = sum(connection.failing > 0 for connection in connections)
    return render(
        "sources.html",
        **view.frame(),
        here="sources",
        connections=connections,
        failing=failing,
        troubles=view.daemon.troubles(),
        publications=view.daemon.config.publications,
        daemon=view.daemon,
        schedule=view.daemon.config.settings.schedule,
        local=lambda moment: moment.astimezone(view.okrs.period.zone),
    )


def document(view: View) -> SourcesDocument:
    """The same as JSON."""
    zone = view.okrs.period.zone
    return {
        "connections": [
            {
                "name": connection.name,
                "type": connection.kind,
                "streams": [_stream(row, zone) for row in connection.streams],
            }
            for connection in _connections(view)
        ],
        "unwritten": [trouble_document(trouble) for trouble in view.daemon.troubles()],
    }


def _stream(row: StreamRow, zone: ZoneInfo) -> PulledStreamDocument:
    pull = row.pull or LastPull()
    completed_at = pull.completed_at.astimezone(zone).isoformat(timespec="seconds") if pull.completed_at else None
    return {"key": row.key, "quality": pull.quality, "reason": pull.reason, "completed_at": completed_at}


def _connections(view: View) -> Iterator[ConnectionRows]:
    daemon, ledger = view.daemon, view.daemon.ledger
    periods = published_periods(daemon.config, view.now) or [view.okrs]
    for name, connection in daemon.config.connections.items():
        keys = list(needed_streams(name, periods))
        last = ledger.cycles.last(pulled=True) if ledger else None
        pulls = ledger.pulls.after(last.id, [(name, key) for key in keys]) if ledger and last else {}
        yield ConnectionRows(name, connection.kind, [StreamRow(key, pulls.get((name, key))) for key in keys])
