"""The types of the documents that `explain --json` and `history --json` print: a public contract, as in
`status/document_types.py`.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from syncd.explain.history import PointSource
from syncd.ledger.outbox import State
from syncd.ledger.requests import RequestKind, RequestState
from syncd.okr.alignment import Verdict
from syncd.okr.goals import Health, Quality
from syncd.status.document_types import CheckInDocument, Day, PeriodDocument, Time, TrendDocument

# -- explain


class WindowDocument(TypedDict):
    """The time whose records or readings count; the end is excluded."""

    start: Time
    end: Time


class PartDocument(TypedDict):
    """A part of a number: its only measure, or a named part of its formula."""

    name: str | None
    window: WindowDocument
    arithmetic: str


class StreamDocument(TypedDict):
    """A stream behind the number, and how its last pull ended."""

    connection: str
    key: str
    completed_at: Time | None
    """The end of the last cycle with a complete pull."""
    quality: Quality
    reason: str | None
    got: int | None
    expected: int | None
    """How many rows the source announced."""
    notes: list[str]


class ItemDocument(TypedDict):
    """A record or reading."""

    label: str
    title: str
    url: str | None
    at: Time | None
    brings: str | None
    """What it brings to the number."""
    part: NotRequired[str]
    """The part of the formula that it belongs to."""
    remark: NotRequired[str]
    """A warning about it; it counts anyway."""


class LeftOutDocument(ItemDocument):
    """A record or reading that does not count."""

    rule: str
    """The rule that leaves it out."""


class ApprovalDocument(TypedDict):
    """The approval of a held number."""

    at: Time
    author: str
    entered_by: NotRequired[str]
    """Who ran the command or was logged in; absent if an early version did not keep it."""
    old: float | None
    new: float | None
    reason: str


class DatedCheckInDocument(CheckInDocument):
    """A check-in, and whether it is too old to count."""

    expired: bool


class RequestDocument(TypedDict):
    """A request of a person, and its state."""

    id: int
    kind: RequestKind
    period: str
    key_result: str | None
    """Null for a delivery of a whole period."""
    delivery: int | None
    asked: dict[str, Any]
    author: str
    """The name that the person gave; nothing proves it."""
    entered_by: str
    """Who ran the command or was logged in."""
    at: Time
    state: RequestState
    reason: str | None
    """Why it was refused."""
    ended_at: Time | None
    before: dict[str, Any] | None
    """What it changed; null unless it was applied."""
    after: dict[str, Any] | None


class RestatementDocument(TypedDict):
    """A change that a source made to data of the past, and the number before and after."""

    at: Time
    label: str
    title: str
    url: str | None
    of: Time | None
    why: str
    before: float | None
    after: float | None


class EditDocument(TypedDict):
    """One key of a definition that a file changed; `old` or `new` is null if the key was absent."""

    at: Time
    file: str
    key: str
    old: Any
    new: Any


class EvidenceDocument(TypedDict):
    """A number and all the evidence behind it."""

    key_result: str
    title: str
    as_of: Time
    value: float | None
    quality: Quality | None
    reason: str | None
    candidate: float | None
    """The number that waits for approval."""
    progress: float | None
    score: float | None
    expected: float
    health: Health
    window: WindowDocument | None
    parts: list[PartDocument]
    streams: list[StreamDocument]
    arithmetic: str
    """How the records and readings come to the number, in words."""
    counted: list[ItemDocument]
    left_out: list[LeftOutDocument]
    candidate_counted: list[ItemDocument]
    """The items that would count if the candidate were the value."""
    approvals: list[ApprovalDocument]
    checkins: list[DatedCheckInDocument]
    restatements: list[RestatementDocument]
    definition_changes: list[EditDocument]
    guard: EvidenceDocument | None


class WeekDocument(TypedDict):
    """A week of the two sides of a link."""

    first: Day
    last: Day
    output: float | None
    outcome: float | None


class ExplainedLinkDocument(TypedDict):
    """A link with the weekly values behind its verdict."""

    output: str
    outcome: str
    verdict: Verdict
    verdict_since: Day | None
    since: Day | None
    lag_days: float
    trend: TrendDocument | None
    why: str
    weeks: list[WeekDocument]


class DeliveryDocument(TypedDict):
    """The newest delivery to a target."""

    to: str
    """The connection."""
    target: str
    value: Any
    state: State
    reason: str | None
    at: Time


class ExplanationDocument(EvidenceDocument):
    """A key result with all of its evidence, its links, and where it was written."""

    alignment: list[ExplainedLinkDocument]
    written: list[DeliveryDocument]
    requests: list[RequestDocument]
    """All requests about it, also those that wait or were refused."""


# -- history


class PointDocument(TypedDict):
    """A key result at the end of a day; today's is as of now."""

    day: Day
    value: float | None
    change: float | None
    """The step since the day before, if the two can be compared."""
    progress: float | None
    score: float | None
    expected: float
    health: Health
    quality: Quality | None
    source: PointSource | None
    """Null for a day before the first kept value."""
    measured_at: Time | None
    """When a cycle last measured the value completely."""
    reason: str | None


class EditedDocument(EditDocument):
    """The definition was edited."""

    day: Day
    event: Literal["edited"]


class RestatedDocument(TypedDict):
    """A source changed records or rows of the past."""

    at: Time
    day: Day
    event: Literal["restated"]
    count: int
    before: float | None
    after: float | None


class CheckedInDocument(TypedDict):
    """A person checked in, or withdrew a check-in."""

    at: Time
    day: Day
    event: Literal["checked_in", "withdrawn"]
    checkin: CheckInDocument
    before: float | None
    after: float | None
    """The newest value that people had checked in, before and after."""


class ApprovedDocument(ApprovalDocument):
    """A person approved a held number."""

    day: Day
    event: Literal["approved"]


class AskedDocument(RequestDocument):
    """A person's request that waits, was refused, or is about a delivery."""

    day: Day
    event: Literal["asked"]


EventDocument = EditedDocument | RestatedDocument | CheckedInDocument | ApprovedDocument | AskedDocument


class HistoryDocument(TypedDict):
    """A key result day by day, and what happened in between."""

    key_result: str
    title: str
    period: PeriodDocument
    unit: str | None
    points: list[PointDocument]
    events: list[EventDocument]
