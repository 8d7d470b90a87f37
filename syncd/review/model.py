"""The data of a review. Shares are 0 to 1; None means unknown, and never zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal

from syncd.explain.approvals import PastApproval
from syncd.explain.edit import Edit
from syncd.ledger.requests import Request
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Band, Target
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import Period
from syncd.okr.work import Work
from syncd.sdk.numbers import difference
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report

Movement = Literal["moved", "still", "new", "remeasured", "unknown"]
Sign = Literal["+", "-", "~", "o"]
StartSource = Literal["kept", "backfilled", "baseline"]

_GOAL_KEYS = frozenset(
    ("kind", "baseline", "target", "levels", "keep", "milestones", "pace", "steps", "weight", "drives", "guard")
)


@dataclass(frozen=True, slots=True)
class Days:
    """The local days that are reviewed, from the first to the last, both included."""

    first: date
    last: date

    @property
    def before(self) -> date:
        """The day before the first day. The review compares with the state at the end of this day."""
        return self.first - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Start:
    """A key result at the end of a day. The value was stored in the ledger (`kept`), or is computed from the dates in
    the key result's sources.

    If the days begin with the period, the value is the goal's `baseline`, and `day` is the day before the period.
    `bounds` are the shares at which the key result's health would have changed.
    """

    day: date
    value: float
    progress: float | None
    source: StartSource
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """A record or reading that caused a movement. `sign` says that the item is new (+), disappeared (-), has another
    number (~), or is new and open (o).

    `brings` is the number that the item adds now, and `was` the number that it added before. If the source changed past
    data (a restatement), `why` is the reason.
    """

    sign: Sign
    label: str
    title: str
    url: str
    at: datetime | None
    brings: str | None
    reading: bool
    was: str | None = None
    why: str | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Causes:
    """The causes of a movement, the largest first. `aged` is the number of records that no longer count because they
    are older than the rolling window.
    """

    rows: Sequence[Cause] = ()
    aged: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """The movement of a key result over the days. `line` is the key result's state at the end of the days. `start` is
    its state at their start; None if unknown.

    If `measured_differently` is true, the numbers at the start and the end come from different measures and cannot be
    compared. `still_since` is the day since which the number has not moved; None if the number moved, or if this day is
    unknown. `confidence_before` is the confidence at the start of the days.
    """

    line: KeyResultLine
    start: Start | None
    measured_differently: bool = False
    causes: Causes = Causes()
    edits: Sequence[Edit] = ()
    times_edited: int = 0
    still_since: date | None = None
    confidence_before: float | None = None

    @property
    def movement(self) -> Movement:
        """The kind of movement of the number since the start."""
        if self.line.value is None:
            return "unknown"
        if self.start is None:
            return "new"
        if self.measured_differently:
            return "remeasured"
        return "still" if self.start.value == self.line.value else "moved"

    @property
    def goal_edits(self) -> Sequence[Edit]:
        """The edits of the key result's goal and terms, without the edits of its measure."""
        return [edit for edit in self.edits if edit.key.partition(".")[0] in _GOAL_KEYS]

    @property
    def gained(self) -> float | None:
        """How far the number moved, in its unit; None if the distance is unknown."""
        if self.line.value is None or self.start is None or self.measured_differently:
            return None
        return difference(self.line.value, self.start.value)

    @property
    def improved(self) -> bool:
        """Whether the number moved the right way."""
        gained, goal = self.gained, self.line.key_result.goal
        if not gained or isinstance(goal, Band):
            return False
        return (gained < 0) == (isinstance(goal, Target) and goal.falls)


@dataclass(frozen=True, slots=True)
class ObjectiveReview:
    """An objective at the end of the days. `before` is the objective's standing at the start of the days; None if the
    period began then.

    If `same_score` is true, the scores at the start and the end come from the same key results and can be compared. If
    `same_activity` is true, the activities at the start and the end can be compared.
    """

    block: ObjectiveBlock
    before: ObjectiveStanding | None
    moves: Sequence[Move]
    same_score: bool = True
    same_activity: bool = True


@dataclass(frozen=True, slots=True)
class Attention:
    """Key results that are stale, held, unknown or not complete for the same reason. The entry has this reason and the
    next step.
    """

    key_results: Sequence[str]
    what: str
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A change of how key results are defined. `edit` is None for a key result that was added or removed.

    `objective` is the edited objective, and `key_results` are its key results. For an edit of a key result or period,
    `objective` is None.
    """

    at: datetime
    file: str
    key_results: Sequence[str]
    what: Literal["edited", "added", "removed"]
    edit: Edit | None = None
    objective: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the meeting about one or several key results."""

    kind: str
    key_results: Sequence[str]
    text: str


@dataclass(frozen=True)
class Review:
    """The review of a period, or of some of its days. `as_of` is the end of the review: now, or the last instant of a
    past day.

    `work` shows how the work of the whole period so far was divided; None if no measure counts work.
    """

    days: Days
    whole: bool
    as_of: datetime
    report: Report
    objectives: Sequence[ObjectiveReview]
    attention: Sequence[Attention] = ()
    changes: Sequence[DefinitionChange] = ()
    checkins: Sequence[tuple[str, CheckIn]] = ()
    approvals: Sequence[tuple[str, PastApproval]] = ()
    requests: Sequence[Request] = ()
    questions: Sequence[Question] = ()
    work: Work | None = None

    @property
    def period(self) -> Period:
        """The period."""
        return self.report.period

    @property
    def over(self) -> bool:
        """Whether the period has ended."""
        return self.report.moment >= self.period.span.end

    @property
    def begun(self) -> bool:
        """Whether the period has begun."""
        return self.as_of >= self.period.span.start

    @cached_property
    def moves(self) -> Sequence[Move]:
        """The movements of all key results, in the order of the objectives."""
        return [move for objective in self.objectives for move in objective.moves]

    @cached_property
    def by_id(self) -> dict[str, Move]:
        """The movements of all key results, by id."""
        return {move.line.key_result.id: move for move in self.moves}

    @property
    def watermelons(self) -> Sequence[ObjectiveReview]:
        """The objectives that have a watermelon."""
        return [objective for objective in self.objectives if objective.block.has_watermelon]
