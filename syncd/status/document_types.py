"""The types of the documents that `status --json` prints, and of their parts: a public contract.

mypy checks the functions that make the documents against these types. The API's description is generated from these
types. Shares are from 0 to 1, an absent number is null, and times are RFC 3339 with offset.
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from syncd.ledger.outbox import State
from syncd.okr.alignment import Verdict
from syncd.okr.goals import Health, Kind, Level, Quality
from syncd.okr.trend import Direction

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]


class PeriodDocument(TypedDict):
    """A period. The days `start` and `end` are included."""

    id: str
    start: Day
    end: Day


class WithdrawalDocument(TypedDict):
    """Who withdrew a check-in, when and why."""

    author: str
    entered_by: NotRequired[str]
    """Who ran the command or was logged in."""
    at: Time
    note: str | None


class CheckInDocument(TypedDict):
    """A check-in of a person."""

    value: float | None
    note: str | None
    confidence: float | None
    """How sure people are that the key result will be reached."""
    author: str
    entered_by: NotRequired[str]
    """Who ran the command or was logged in; absent if an early version of syncd did not store it."""
    at: Time
    expires_at: Time
    as_of: NotRequired[Time]
    """The end of the past day that the check-in describes; absent if it describes the time at which it was made."""
    withdrawn: NotRequired[WithdrawalDocument]


class GuardDocument(TypedDict):
    """The guard of a key result, and whether it holds."""

    title: str
    value: float | None
    at_least: float | None
    at_most: float | None
    holds: bool | None
    """Null if it is unknown whether the guard holds."""
    reason: str | None


class KeyResultDocument(TypedDict):
    """A key result and its state."""

    id: str
    title: str
    kind: Kind
    unit: str | None
    value: float | None
    """The last usable value; null if there is none. If the value is null, `reason` says why."""
    baseline: float | None
    target: float | None
    progress: float | None
    """The share of the way from baseline to target that is done; it can be below 0 and above 1."""
    score: float | None
    """Progress, limited to the range from 0 to 1."""
    expected: float
    """The score that the key result should have by now, according to its pace."""
    health: Health
    quality: Quality | None
    as_of: Time | None
    """The time that the value describes."""
    reason: str | None
    """What is wrong with the value, or what limits its health."""
    confidence: float | None
    checkin: CheckInDocument | None
    """The newest check-in by a person that is neither withdrawn nor expired."""
    owner: NotRequired[str]
    """The owner of the key result; absent if the owner of the objective owns it."""
    candidate: NotRequired[float | None]
    """The number that waits for approval, if the quality is `held`."""
    level: NotRequired[Level | None]
    """The highest level that the value has reached, if the goal has levels."""
    guard: NotRequired[GuardDocument]


class TrendDocument(TypedDict):
    """The trend of an outcome, in the outcome's unit."""

    direction: Direction
    weeks: int
    settled: int
    since: Day | None
    per_week: float | None
    low: float | None
    high: float | None
    move: float | None
    noise: float | None
    reason: str | None


class LinkDocument(TypedDict):
    """A link from an output to the outcome that it drives, and its verdict."""

    output: str
    outcome: str
    output_period: NotRequired[str]
    """The period of the output, if it differs from the period of the outcome."""
    outcome_period: NotRequired[str]
    """The period of the outcome, if it differs from the period of the output."""
    verdict: Verdict
    since: Day | None
    """The day since which the output has been on pace without a break."""
    lag_days: float
    verdict_since: Day | None
    trend: TrendDocument | None
    why: str


# How many of an objective's key results have a known score.
CoverageDocument = TypedDict("CoverageDocument", {"known": int, "of": int})  # noqa: UP013  # no name of ours is `known`


class ObjectiveDocument(TypedDict):
    """An objective and its state."""

    id: str
    title: str
    owner: str | None
    score: float | None
    """The score by the roll-up of the objective; by default the weighted mean of the scores of its outcomes."""
    activity: float | None
    """The weighted mean of the scores of its outputs."""
    health: Health
    coverage: CoverageDocument
    supports: str | None
    """The larger objective that this objective supports."""
    key_results: list[KeyResultDocument]
    alignment: list[LinkDocument]


class ReportDocument(TypedDict):
    """The state of a period at a time."""

    period: PeriodDocument
    as_of: Time
    objectives: list[ObjectiveDocument]


class TroubleDocument(TypedDict):
    """Deliveries or messages that were not sent, all for the same reason."""

    to: str
    """The connection of the deliveries, or `notify` for messages."""
    state: State
    reason: str
    targets: list[str]
    key_results: list[str]


class ListOfWorkDocument(TypedDict):
    """A list of work, such as a repository, with work that drives no outcome."""

    name: str
    done: int
    unlinked: int


class WorkDocument(TypedDict):
    """Where the work of the period went. Each finished issue and pull request counts once.

    `done` is the sum of `driving` (work that drives an outcome), `driving_none` (work that is measured and drives no
    outcome) and `unmapped` (work that no mapping file measures).
    """

    done: int
    driving: int
    driving_none: int
    unmapped: int
    lists: list[ListOfWorkDocument]
    covers: list[str]
    """The streams whose work is counted."""
    reason: str | None
    """The reason why there may be more work than is counted."""


class StatusDocument(ReportDocument):
    """The state of a period, the check-ins that are not written, and where the work went."""

    unwritten: list[TroubleDocument]
    work: WorkDocument | None
    """The work of the period; null if no measure and no `work:` key counts issues or pull requests."""
