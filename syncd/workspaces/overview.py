"""An overview of each workspace: its objectives by health, failing connections, and the age of its last sync."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from typing_extensions import TypedDict

from syncd.config import Config
from syncd.config.advised_commands import for_workspace
from syncd.config.deployment import Deployment
from syncd.config.load import load_workspace
from syncd.config.project import clock_of
from syncd.config.schedule import late_from
from syncd.cycle.due_pulls import needed_streams
from syncd.ledger import Ledger, open_ledger, wrong_cells
from syncd.okr.goals import Health
from syncd.sdk import SyncdError
from syncd.status.choosing import chosen_period
from syncd.status.document_types import Time
from syncd.status.overview import WORST_FIRST
from syncd.status.periods import published_periods
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of


class WorkspaceDocument(TypedDict):
    """A workspace: its objectives by their health, its watermelons, and the connections whose last pull failed."""

    name: str
    problem: str | None
    """Why it cannot be shown; all else is then empty or null. If a service goes on with the last good configuration
    instead, why the files are not in use.
    """
    period: str | None
    objectives: Mapping[Health, int]
    watermelons: int | None
    failing: Sequence[str]
    synced_at: Time | None
    """The end of its last sync."""


class WorkspacesDocument(TypedDict):
    """The document of `status --all --json` and of `/api/workspaces`."""

    workspaces: list[WorkspaceDocument]


@dataclass(frozen=True, slots=True)
class WorkspaceOverview:
    """A workspace at `as_of`, or the `problem` that prevents its overview.

    `failing` are its connections with a stream whose last pull failed, at least in part. `synced_at` is the end of its
    last sync, None before the first. `late_from` is the time at which two more syncs were due.
    """

    name: str
    problem: str | None = None
    as_of: datetime | None = None
    period: str | None = None
    objectives: Mapping[Health, int] = field(default_factory=dict)
    watermelons: int | None = None
    failing: Sequence[str] = ()
    synced_at: datetime | None = None
    late_from: datetime | None = None


def overviews_of(deployment: Deployment, period: str | None = None) -> Iterator[WorkspaceOverview]:
    """The overviews of all workspaces, sorted by name, for `period` or for each workspace's period of today. A
    workspace with a problem has an overview that shows the problem.
    """
    for name in sorted(deployment.names()):
        if name in deployment.refused:
            yield broken_overview(name, str(deployment.refused[name]))
            continue
        url: str | None = None
        try:
            config = load_workspace(deployment, name, thorough=False)
            url = config.ledger_url()
            yield _opened(config, name, period)
        except Exception as error:
            reason = wrong_cells.explained(error, wrong_cells.files_at(url))
            if not isinstance(reason, SyncdError):
                raise
            yield broken_overview(name, str(reason))


def broken_overview(name: str, problem: str | None) -> WorkspaceOverview:
    """The overview of a workspace with a problem. Commands in the text of the problem are written for the workspace."""
    return WorkspaceOverview(name, None if problem is None else for_workspace(problem, name))


def workspaces_document(overviews: Iterable[WorkspaceOverview]) -> WorkspacesDocument:
    """The overviews as `status --all --json` prints them: a public contract."""
    return {"workspaces": [_document(overview) for overview in overviews]}


def _document(overview: WorkspaceOverview) -> WorkspaceDocument:
    synced_at = overview.synced_at
    return {
        "name": overview.name,
        "problem": overview.problem,
        "period": overview.period,
        "objectives": overview.objectives,
        "watermelons": overview.watermelons,
        "failing": list(overview.failing),
        "synced_at": synced_at.isoformat(timespec="seconds") if synced_at else None,
    }


def _opened(config: Config, workspace: str, period: str | None) -> WorkspaceOverview:
    with ExitStack() as at_the_end:
        ledger = open_ledger(config.ledger_url(), create=False)
        if ledger is not None:
            at_the_end.callback(ledger.close)
        return overview_of_workspace(config, ledger, workspace, clock_of(config.settings)(), period)


def overview_of_workspace(
    config: Config, ledger: Ledger | None, workspace: str, now: datetime, period: str | None = None
) -> WorkspaceOverview:
    """The overview of a workspace whose ledger is open, for `period` or its period of today. ConfigError if the
    workspace has no such period; LedgerError if the ledger fails.
    """
    okrs = chosen_period(config, period, now)
    report = report_of(Snapshots(config, okrs, ledger).now(now))
    failing = list(_failing(config, ledger, now)) if ledger is not None else []
    health = Counter(block.standing.health for block in report.objectives)
    return WorkspaceOverview(
        workspace,
        as_of=now,
        period=okrs.period.id,
        objectives={name: health[name] for name in WORST_FIRST},
        watermelons=sum(
            link.alignment.verdict == "watermelon" for block in report.objectives for link in block.alignment
        ),
        failing=failing,
        synced_at=report.synced_at.astimezone(config.zone) if report.synced_at else None,
        late_from=late_from(config.settings.schedule, config.zone, report.synced_at) if report.synced_at else None,
    )


def _failing(config: Config, ledger: Ledger, now: datetime) -> Iterator[str]:
    """The connections with a stream that the mappings need and whose last pull failed, at least in part."""
    last = ledger.cycles.last(pulled=True)
    periods = published_periods(config, now)
    for name in config.connections if last is not None else ():
        assert last is not None
        needed, states = needed_streams(name, periods), ledger.streams.states(name)
        pulls = ledger.pulls.after(last.id, [(name, key) for key in needed])
        if any(pull.quality not in (None, "complete") for pull in pulls.values()) or any(
            states[key].failures(stream) for key, stream in needed.items() if key in states
        ):
            yield name
