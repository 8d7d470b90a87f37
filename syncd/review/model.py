"""What a review is made of. Shares are 0 to 1; None is unknown, and never zero."""

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
    """The local days that are reviewed, both included."""

    first: date
    last: date

    @property
    def before(self) -> date:
        """The day before the first day: the review compares with the state at its end."""
        return self.first - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Start:
    """A key result at the end of a day: as the ledger `kept` it, or computed from its sources' own dates.

    If the days begin with the period, it is the goal's `baseline`, and `day` is the day before the period. `bounds` are
    the shares at which its health would have been another.
    """

    day: date
    value: float
    progress: float | None
    source: StartSource
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """A record or reading behind a movement: it came (+), disappeared (-), brings another number (~), or is new and
    open (o).

    `brings` is the number that it brings now, `was` the number that it brought before. `why` is set if its source
    restated it, which means that the source changed past data.
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
    """The causes of a movement, the largest first; `aged` is how many records fell out of a window that moved on."""

    rows: Sequence[Cause] = ()
    aged: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A key result over the days: its `line` at their end, and its `start`, None if that is unknown.

    With `measured_differently` the two numbers come from different measures and cannot be compared. `still_since` is
    the first day of the run in which the number has not moved; None if it moved, or that is unknown.
    `confidence_before` is the confidence at the start of the days.
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
        """How its number compares with the start."""
        if self.line.value is None:
            return "unknown"
        if self.start is None:
            return "new"
        if self.measured_differently:
            return "remeasured"
        return "still" if self.start.value == self.line.value else "moved"

    @property
    def goal_edits(self) -> Sequence[Edit]:
        """The edits of its goal and terms, without the edits of its measure."""
        return [edit for edit in self.edits if edit.key.partition(".")[0] in _GOAL_KEYS]

    @property
    def gained(self) -> float | None:
        """How far its number moved, in its unit; None if that is unknown."""
        if self.line.value is None or self.start is None or self.measured_differently:
            return None
        return difference(self.line.value, self.start.value)

    @property
    def improved(self) -> bool:
        """Whether it moved the right way."""
        gained, goal = self.gained, self.line.key_result.goal
        if not gained or isinstance(goal, Band):
            return False
        return (gained < 0) == (isinstance(goal, Target) and goal.falls)


@dataclass(frozen=True, slots=True)
class ObjectiveReview:
    """An objective at the end of the days; `before` is its standing at their start, None at the period's start.

    With `same_score` the two scores can be compared, because both are made of the same key results; the same holds for
    the activities.
    """

    block: ObjectiveBlock
    before: ObjectiveStanding | None
    moves: Sequence[Move]
    same_score: bool = True
    same_activity: bool = True


@dataclass(frozen=True, slots=True)
class Attention:
    """Why key results are stale, held, unknown or not complete, and what to do; key results with the same reason share
    an entry.
    """

    key_results: Sequence[str]
    what: str
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A change of how key results are defined. `edit` is None for a key result that was added or removed.

    `objective` is the objective that was edited, with its `key_results`; None for an edit of a key result or period.
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
    """The review of a period, or of some of its days, up to `as_of`: now, or the last instant of a past day.

    `work` is where the work of the whole period so far went; None if nothing that is measured is work.
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
        return self.report.as_of >= self.period.span.end

    @property
    def begun(self) -> bool:
        """Whether the period has begun."""
        return self.as_of >= self.period.span.start

    @cached_property
    def moves(self) -> Sequence[Move]:
        """Every key result, in the order of the objectives."""
        return [move for objective in self.objectives for move in objective.moves]

    @cached_property
    def by_id(self) -> dict[str, Move]:
        """Every key result by its id."""
        return {move.line.key_result.id: move for move in self.moves}

    @property
    def watermelons(self) -> Sequence[ObjectiveReview]:
        """The objectives that have a watermelon."""
        return [objective for objective in self.objectives if objective.block.has_watermelon]
