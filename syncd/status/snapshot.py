"""A period's state at a moment: its objectives by the definitions of that moment, and all values and check-ins up to
that moment.

Every figure that syncd shows (status, evidence, history, check-ins to publish) comes from a snapshot. Two commands can
therefore not contradict each other. A snapshot is plain data: `read_snapshots` makes it from the ledger.
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
    """The rules that judge a period's objectives: the health shares, and how long the period settles after its end.

    `zone` is the time zone in which times are shown.
    """

    shares: Shares
    settle: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A period's state at `moment`: the present state, a past state, or the state once new values are stored.

    `okrs` and `rules` are the OKRs and rules in force at that moment. `values` are the newest values by key result,
    with guards under their own ids. `times` holds the ends of the cycles that confirmed these values. `cycle` is the
    last cycle that had ended, and `synced` is the last cycle that pulled from the sources; both are 0 before the first
    such cycle. A `past` snapshot covers all facts up to `last_instant`: a day is judged at the midnight that ends it,
    by the facts from before that midnight. `unread` are key results whose definition at that moment was written by an
    early version and cannot be read completely. Key results in `unread` are judged by their present definition, even if
    their values come from another measure. `later` are key results and guards that no cycle had seen by that moment,
    each with its first definition. Key results in `later` are in no report of that moment, but their earlier days can
    be computed. `longer` has the snapshots of longer periods, by the id of each outcome that outputs of this period
    drive. `shorter` has the snapshots of shorter periods whose outputs drive outcomes of this period, or whose
    objectives support objectives of this period.
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
    later: Sequence[KeyResult] = ()
    longer: Mapping[str, Snapshot] = field(default_factory=dict)
    shorter: Sequence[Snapshot] = ()

    @property
    def synced_at(self) -> datetime | None:
        """The time at which the last sync ended; None before the first sync."""
        return self.times.get(self.synced)

    def key_result(self, name: str) -> tuple[KeyResult, Snapshot] | None:
        """A pair: a key result of the period, or an outcome of a longer period that outputs of this period drive; and
        the snapshot that has it. None if neither has this id.
        """
        for snapshot in (self, self.longer.get(name)):
            if snapshot is not None and name in snapshot.okrs.by_id:
                return snapshot.okrs.by_id[name], snapshot
        return None

    def as_defined(self, key_result: KeyResult) -> KeyResult:
        """The definition of a key result or guard at the snapshot's moment, or its first definition if it was added
        later. If the snapshot has no definition with this id, returns `key_result` itself.
        """
        later = next((kr for kr in self.later if kr.id == key_result.id), key_result)
        return self.okrs.by_id.get(key_result.id, later)
