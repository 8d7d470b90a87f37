"""Caches the overviews that the company page shows. An overview is read again when its workspace has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from syncd.config import Config
from syncd.ledger import Ledger
from syncd.web.daemon import Daemon
from syncd.workspaces.overview import WorkspaceOverview, overview_of_workspace


@dataclass(frozen=True, slots=True)
class _Kept:
    """An overview, and the objects that it was made from. `cycle` is the last ended cycle, 0 before the first."""

    daemon: Daemon
    config: Config
    ledger: Ledger | None
    cycle: int
    day: date
    overview: WorkspaceOverview


class KeptOverviews:
    """Reads the overviews of workspaces. Threads may share it; at worst, two threads read the same overview.

    Between cycles, an overview changes only when a new day begins, because the expected score changes then. Overviews
    of removed workspaces are dropped when the next overview is read.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def of(self, name: str, daemon: Daemon) -> WorkspaceOverview:
        """The overview of a workspace. Takes a single query if nothing has changed. Raises ConfigError, LedgerError."""
        config, ledger, now = daemon.config, daemon.ledger, daemon.now()
        last = ledger.cycles.last() if ledger is not None else None
        cycle, day = last.id if last is not None else 0, now.astimezone(config.zone).date()
        kept = self._kept.get(name)
        if (
            kept is None
            or kept.config is not config
            or kept.ledger is not ledger
            or (kept.cycle, kept.day) != (cycle, day)
        ):
            overview = overview_of_workspace(config, ledger, name, now)
            kept = self._kept[name] = _Kept(daemon, config, ledger, cycle, day, overview)
            for other, kept_of_other in list(self._kept.items()):
                if other != name and kept_of_other.daemon.stopping:
                    self._kept.pop(other, None)  # another thread may have done so
        return kept.overview
