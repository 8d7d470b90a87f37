"""The types of the document that `review --json` prints. They are a public contract, like those of `status --json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from syncd.explain.document_types import ApprovalDocument, RequestDocument
from syncd.okr.goals import Health
from syncd.review.model import Movement, StartSource
from syncd.status.document_types import (
    CheckInDocument,
    CoverageDocument,
    Day,
    KeyResultDocument,
    LinkDocument,
    PeriodDocument,
    Time,
    WorkDocument,
)

Change = Literal["came", "went", "changed", "came_open"]


class StartDocument(TypedDict):
    """The state of a key result at the end of the day before the reviewed days."""

    day: Day
    value: float
    progress: float | None
    source: StartSource


class CauseDocument(TypedDict):
    """A record or reading that made a number move."""

    change: Change
    label: str
    title: str
    url: str | None
    at: Time | None
    brings: str | None
    """What the record or reading contributes to the number now."""
    brought: str | None
    """What the record or reading contributed to the number before the reviewed days."""
    restated: str | None
    """The reason for the change if the source changed past data, else null."""
    part: str | None


class MoveDocument(KeyResultDocument):
    """A key result at the end of the reviewed days, and the movement of its number over these days."""

    movement: Movement
    before: StartDocument | None
    change: float | None
    """How far the number moved, in its unit."""
    still_since: Day | None
    """The first day of the time for which the number has not moved."""
    needed: float | None
    """How far the number must still move to reach the target."""
    needed_per_week: float | None
    causes: list[CauseDocument]
    fell_out_of_window: int
    """The number of records that no longer count because they are now older than the window."""
    times_edited: int


class ReviewedObjectiveDocument(TypedDict):
    """An objective at the end of the reviewed days, with its scores before these days."""

    id: str
    title: str
    owner: str | None
    score: float | None
    score_before: float | None
    score_comparable: bool | None
    """Whether `score` and `score_before` include the same key results."""
    expected: float | None
    health: Health
    activity: float | None
    activity_before: float | None
    coverage: CoverageDocument
    alignment: list[LinkDocument]
    key_results: list[MoveDocument]


class AttentionDocument(TypedDict):
    """Key results that are stale, held or unknown for one reason, and advice on what to do."""

    key_results: list[str]
    what: str
    reason: str
    advice: str


class DefinitionChangeDocument(TypedDict):
    """A change of the definitions of key results or of an objective."""

    at: Time
    file: str
    what: Literal["edited", "added", "removed"]
    key_results: list[str]
    objective: NotRequired[str]
    """The objective that was edited."""
    key: NotRequired[str]
    old: NotRequired[Any]
    new: NotRequired[Any]


class ReviewedCheckInDocument(CheckInDocument):
    """A check-in on the reviewed days."""

    key_result: str


class ReviewedApprovalDocument(ApprovalDocument):
    """An approval, on the reviewed days, of a held number of a key result or its guard."""

    key_result: str


class QuestionDocument(TypedDict):
    """A question for the review meeting."""

    kind: str
    key_results: list[str]
    text: str


# `from` is a word of Python, so these keys cannot be written as a class.
_Days = TypedDict("_Days", {"from": Day, "to": Day})


class ReviewDocument(_Days):
    """The changes over some days of a period, and their reasons. The days `from` and `to` are included."""

    period: PeriodDocument
    whole_period: bool
    as_of: Time
    headline: list[str]
    objectives: list[ReviewedObjectiveDocument]
    attention: list[AttentionDocument]
    definition_changes: list[DefinitionChangeDocument]
    checkins: list[ReviewedCheckInDocument]
    approvals: list[ReviewedApprovalDocument]
    work: WorkDocument | None
    """The work of the period so far; null if no measure and no `work:` key counts issues or pull requests."""
    requests: list[RequestDocument]
    """Requests that wait or were refused, and people's decisions about check-ins that were not written."""
    questions: list[QuestionDocument]
    carry_over: NotRequired[list[str]]
    """The key results to carry over into the next period. Present only in the review of a whole period."""
