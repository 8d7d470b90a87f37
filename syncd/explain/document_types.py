"""The types of the documents that `explain --json` and `history --json` print. They are a public contract, like the
types in `status/document_types.py`.
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
    """The window of a measure: records and readings from `start` to just before `end` count."""

    start: Time
    end: Time


class PartDocument(TypedDict):
    """A part of a key result's number: its only measure, or one named measure of its formula."""

    name: str | None
    window: WindowDocument
    arithmetic: str


class StreamDocument(TypedDict):
    """A stream that the number is computed from, and the result of its last pull."""

    connection: str
    key: str
    completed_at: Time | None
    """When the last cycle with a complete pull of the stream ended."""
    quality: Quality
    reason: str | None
    got: int | None
    expected: int | None
    """How many rows the source announced for the last pull."""
    notes: list[str]


class ItemDocument(TypedDict):
    """A record or reading that a number is computed from."""

    label: str
    title: str
    url: str | None
    at: Time | None
    brings: str | None
    """What the item contributes to the number, in words."""
    part: NotRequired[str]
    """The name of the formula's part to which the item belongs."""
    remark: NotRequired[str]
    """A warning about the item, which counts nevertheless."""


class LeftOutDocument(ItemDocument):
    """A record or reading that does not count towards the number."""

    rule: str
    """The rule that excludes the item."""


class ApprovalDocument(TypedDict):
    """The approval of a held number."""

    at: Time
    author: str
    entered_by: NotRequired[str]
    """The person who ran the command or was logged in; absent if an early version of syncd did not store the person."""
    old: float | None
    new: float | None
    reason: str


class DatedCheckInDocument(CheckInDocument):
    """A check-in, and whether it has expired."""

    expired: bool


class RequestDocument(TypedDict):
    """A request that a person made to syncd, and its state."""

    id: int
    kind: RequestKind
    period: str
    key_result: str | None
    """The id of the key result; null if the request is about a delivery for a whole period."""
    delivery: int | None
    asked: dict[str, Any]
    author: str
    """The name that the person gave. syncd does not verify this name."""
    entered_by: str
    """The person who ran the command or was logged in."""
    at: Time
    state: RequestState
    reason: str | None
    """Why the request was refused."""
    ended_at: Time | None
    before: dict[str, Any] | None
    """The old state of what the request changed; null if syncd has not applied the request."""
    after: dict[str, Any] | None
    """The new state of what the request changed; null if syncd has not applied the request."""


class RestatementDocument(TypedDict):
    """A change that a source made to past data, and the number before and after this change."""

    at: Time
    label: str
    title: str
    url: str | None
    of: Time | None
    why: str
    before: float | None
    after: float | None


class EditDocument(TypedDict):
    """An edit of one key of a definition. `old` is null if the key was added, `new` if the key was removed."""

    at: Time
    file: str
    key: str
    old: Any
    new: Any


class EvidenceDocument(TypedDict):
    """The number of a key result or guard, and all records and readings that explain it."""

    key_result: str
    title: str
    as_of: Time
    value: float | None
    quality: Quality | None
    reason: str | None
    candidate: float | None
    """The held number that waits for approval."""
    progress: float | None
    score: float | None
    expected: float
    health: Health
    window: WindowDocument | None
    parts: list[PartDocument]
    streams: list[StreamDocument]
    arithmetic: str
    """The computation of the number from the records and readings, in words."""
    counted: list[ItemDocument]
    left_out: list[LeftOutDocument]
    candidate_counted: list[ItemDocument]
    """The records and readings that would count if the held number became the value."""
    approvals: list[ApprovalDocument]
    checkins: list[DatedCheckInDocument]
    restatements: list[RestatementDocument]
    definition_changes: list[EditDocument]
    guard: EvidenceDocument | None


class WeekDocument(TypedDict):
    """The values of the output and the outcome of a link in one week."""

    first: Day
    last: Day
    output: float | None
    outcome: float | None


class ExplainedLinkDocument(TypedDict):
    """A link, and the weekly values from which its verdict is computed."""

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
    """The newest delivery of a check-in to a target."""

    to: str
    """The name of the connection that the delivery uses."""
    target: str
    value: Any
    state: State
    reason: str | None
    at: Time


class ExplanationDocument(EvidenceDocument):
    """A key result with its evidence, its links, and the newest delivery to each of its targets."""

    alignment: list[ExplainedLinkDocument]
    written: list[DeliveryDocument]
    requests: list[RequestDocument]
    """All requests about the key result: waiting, applied and refused requests."""


# -- history


class PointDocument(TypedDict):
    """The state of a key result at the end of a day. For today, it is the present state."""

    day: Day
    value: float | None
    change: float | None
    """The change of the value since the day before; null if the values of both days cannot be compared."""
    progress: float | None
    score: float | None
    expected: float
    health: Health
    quality: Quality | None
    source: PointSource | None
    """Where the value comes from; null for a day before the first stored value."""
    measured_at: Time | None
    """The time at which a cycle last measured this value with complete data."""
    reason: str | None


class EditedDocument(EditDocument):
    """An event of a history: an edit of the key result's definition."""

    day: Day
    event: Literal["edited"]


class RestatedDocument(TypedDict):
    """An event of a history: a source changed past data."""

    at: Time
    day: Day
    event: Literal["restated"]
    count: int
    before: float | None
    after: float | None


class CheckedInDocument(TypedDict):
    """An event of a history: a person checked in, or withdrew a check-in."""

    at: Time
    day: Day
    event: Literal["checked_in", "withdrawn"]
    checkin: CheckInDocument
    before: float | None
    """The newest checked-in value before this event."""
    after: float | None
    """The newest checked-in value after this event."""


class ApprovedDocument(ApprovalDocument):
    """An event of a history: a person approved a held number."""

    day: Day
    event: Literal["approved"]


class AskedDocument(RequestDocument):
    """An event of a history: a person's request that waits, was refused, or is about a delivery."""

    day: Day
    event: Literal["asked"]


EventDocument = EditedDocument | RestatedDocument | CheckedInDocument | ApprovedDocument | AskedDocument


class HistoryDocument(TypedDict):
    """The state of a key result on each day, and the events on these days."""

    key_result: str
    title: str
    period: PeriodDocument
    unit: str | None
    points: list[PointDocument]
    events: list[EventDocument]
