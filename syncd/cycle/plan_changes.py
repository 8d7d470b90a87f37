"""The changes that a sync would make to key results, objectives, verdicts and deliveries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.cycle.model import Result
from syncd.explain.differences import Differences
from syncd.explain.edit import Edit
from syncd.ledger import KeptValue
from syncd.okr.goals import KeyResult, Objective
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import Period
from syncd.publishing.preview import Preview
from syncd.status.report import KeyResultLine, Report
from syncd.status.verdicts import JudgedLink


@dataclass(frozen=True, slots=True)
class KeyResultChange:
    """A key result that a sync would change. `old` is None if no sync has measured the key result.

    With `remeasured`, the old and new values have different measures and cannot be compared. `differences` then lists
    every row that counts as new, like for a new key result. `approve` is the command that accepts a number that the
    sync would hold.
    """

    key_result: KeyResult
    file: str
    old: KeyResultLine | None
    new: KeyResultLine
    edits: Sequence[Edit]
    remeasured: bool
    differences: Differences
    approve: str | None
    guard: KeyResultChange | None


@dataclass(frozen=True, slots=True)
class Removed:
    """A key result that the last sync measured and that no file has any more. The value stays in the ledger.

    `bounds` are the bounds of the key result's goal. `bounds` is empty if an early version of syncd wrote the
    definition, and this version cannot read it.
    """

    id: str
    file: str
    title: str
    value: KeptValue
    bounds: Collection[float]


@dataclass(frozen=True, slots=True)
class ObjectiveChange:
    """An objective that was edited, or whose score, activity or health would change."""

    objective: Objective
    old: ObjectiveStanding
    new: ObjectiveStanding
    file: str
    edits: Sequence[Edit] = ()


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A link whose verdict would change."""

    old: JudgedLink
    new: JudgedLink


@dataclass(frozen=True, slots=True)
class PeriodChanges:
    """The changes that a sync would make in a period.

    `measured` is the number of measured key results. `days_edited` is true if the period's days, its time zone or the
    health shares were edited. `waiting` has the held key results that do not change. `after` is the report after the
    sync.
    """

    period: Period
    after: Report
    measured: int
    days_edited: bool
    key_results: Sequence[KeyResultChange]
    removed: Sequence[Removed]
    objectives: Sequence[ObjectiveChange]
    verdicts: Sequence[VerdictChange]
    waiting: Sequence[tuple[KeyResultLine, str]]

    def __bool__(self) -> bool:
        return bool(self.days_edited or self.key_results or self.removed or self.objectives or self.verdicts)


@dataclass(frozen=True, slots=True)
class Planned:
    """The changes that a sync would make now, by period; the deliveries that it would send; and the result of the dry
    run.
    """

    as_of: datetime
    result: Result
    periods: Sequence[PeriodChanges]
    publish: Sequence[Preview] = ()

    def __bool__(self) -> bool:
        moved = self.result.carried_over.moved
        return any(self.periods) or bool(moved) or any(delivery.writes for delivery in self.publish)

    @property
    def measured(self) -> int:
        """How many key results were measured, without guards."""
        return sum(period.measured for period in self.periods)
