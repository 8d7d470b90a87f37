"""A period's state at a moment: its objectives as they were defined, and what had been measured and checked in.

Every figure that syncd shows (status, evidence, history, check-ins to publish) comes from a snapshot, so no two
commands can contradict each other. A snapshot is plain data: `read_snapshots` makes it from the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.ledger import KeptAlignment, KeptValue, LinkId
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, PeriodOkrs, Shares


@dataclass(frozen=True, slots=True)
class Rules:
    """What a period is judged by beside its objectives: the shares of health, and how long it settles after its end.

    `zone` is the time zone in which times are shown.
    """

    shares: Shares
    settle: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A period's state at `moment`: now, at a past moment, or once new values are kept.

    `okrs` and `rules` are those in force then. `values` are the newest by key result, guards under their own ids;
    `times` holds the ends of the cycles that confirmed them. `cycle` is the last that had ended, `synced` the last that
    asked the sources; both are 0 before the first. A `past` snapshot holds what had happened by `last_instant`: a day
    is judged at the midnight that ends it, by what had happened before that midnight. `unread` are the key results
    whose definition of then an early version wrote in a form that cannot be read whole any more: they are judged as
    they are defined now, however their values were measured.
    """

    okrs: PeriodOkrs
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
    unread: Collection[str] = ()

    @property
    def synced_at(self) -> datetime | None:
        """When the last sync ended; None before the first."""
        return self.times.get(self.synced)

    def as_defined(self, key_result: KeyResult) -> KeyResult:
        """A key result, or a guard, as it was defined then; as it is here if the snapshot has none of its id."""
        return next((kr for kr in self.okrs.measured if kr.id == key_result.id), key_result)
