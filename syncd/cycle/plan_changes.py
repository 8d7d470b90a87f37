"""What a sync would change: key results, objectives, verdicts and deliveries, each before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.cycle.model import Result
from syncd.explain.differences import Differences
from syncd.explain.edits import Edit
from syncd.ledger import KeptValue
from syncd.okr.goals import KeyResult, Objective
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import Period
from syncd.publishing.preview import Preview
from syncd.status.report import KeyResultLine, Report
from syncd.status.verdicts import JudgedLink


@dataclass(frozen=True, slots=True)
class KeyResultChange:
    """A key result that a sync would change; `old` is None for one that no sync has measured.

    With `remeasured` the two are measured in different ways and do not compare: `differences` then lists every row that
    counts as one that enters, as for a new key result. `approve` is the command that accepts a number that would wait.
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
    """A key result that the last sync measured and that no file names any more. Its value stays in the ledger."""

    id: str
    file: str
    title: str
    value: KeptValue


@dataclass(frozen=True, slots=True)
class ObjectiveChange:
    """An objective whose score, activity or health would change."""

    objective: Objective
    old: ObjectiveStanding
    new: ObjectiveStanding


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A link whose verdict would change."""

    old: JudgedLink
    new: JudgedLink


@dataclass(frozen=True, slots=True)
class PeriodChanges:
    """What a sync would change in a period.

    `measured` key results were measured. `days_edited` says that the period's days, its time zone or the health shares
    were edited. `waiting` are the key results whose number waits already. `after` is the report as it would be.
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
    """What a sync would change now, by period, what it would write, and the result of the dry run that shows it."""

    as_of: datetime
    result: Result
    periods: Sequence[PeriodChanges]
    publish: Sequence[Preview] = ()

    def __bool__(self) -> bool:
        return any(self.periods) or any(delivery.writes for delivery in self.publish)

    @property
    def measured(self) -> int:
        """How many key results were measured, not counting guards."""
        return sum(period.measured for period in self.periods)
