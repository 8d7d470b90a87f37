"""A period's state at a moment: its objectives as they were defined, and what had been measured and checked in.

Everything that syncd says of a period (where it stands, why, since when, what to publish) is read from a snapshot, so
that two commands cannot contradict each other. A snapshot is plain data: `read_snapshots` makes it from the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.ledger import KeptAlignment, KeptValue, LinkId
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Plan, Shares


@dataclass(frozen=True, slots=True)
class Rules:
    """What a period is judged by beside its objectives: the shares of health, and how long it settles after its end.

    `zone` is the one that times are shown in.
    """

    shares: Shares
    settle: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A period's state at `moment`: now, at a past moment, or once new values are kept.

    `plan` and `rules` are those in force then. `values` are the newest by key result, guards under their own ids;
    `times` says when the cycles ended that confirmed them. `cycle` is the last that had ended, `synced` the last that
    asked the sources; both are 0 before the first. A `past` snapshot holds what had happened by `last_instant`: a day
    is judged at the midnight that ends it, by what was known before that midnight.
    """

    plan: Plan
    rules: Rules
    moment: datetime
    last_instant: datetime
    values: Mapping[str, KeptValue] = field(default_factory=dict)
    checkins: Mapping[str, Sequence[CheckIn]] = field(default_factory=dict)
    links: Mapping[LinkId, KeptAlignment] = field(default_factory=dict)
    times: Mapping[int, datetime] = field(default_factory=dict)
    cycle: int = 0
    synced: int = 0
    past: bool = False

    @property
    def synced_at(self) -> datetime | None:
        """When the last sync ended; None before the first."""
        return self.times.get(self.synced)
