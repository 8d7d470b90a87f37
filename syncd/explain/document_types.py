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
    """The span of time in which records or readings count. Its end is excluded."""

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
    """The number of rows that the source announced."""
    notes: list[str]


class ItemDocument(TypedDict):
    """A record or reading."""

    label: str
    title: str
    url: str | None
    at: Time | None
    brings: str | None
    """What the item contributes to the number."""
    part: NotRequired[str]
    """The part of the formula to which the item belongs."""
    remark: NotRequired[str]
    """A warning about the item. The item counts anyway."""


class LeftOutDocument(ItemDocument):
    """A record or reading that does not count."""

    rule: str
    """The rule that excludes the item."""


class ApprovalDocument(TypedDict):
    """The approval of a held number."""

    at: Time
    author: str
    entered_by: NotRequired[str]
    """Who ran the command or was logged in; absent if an early version of syncd did not store it."""
    old: float | None
    new: float | None
    reason: str


class DatedCheckInDocument(CheckInDocument):
    """A check-in, and whether it has expired."""

    expired: bool


class RequestDocument(TypedDict):
    """A request of a person, and its state."""

    id: int
    kind: RequestKind
    period: str
    key_result: str | None
    """Null for a request about a delivery of a whole period."""
    delivery: int | None
    asked: dict[str, Any]
    author: str
    """The name that the person gave, unchecked."""
    entered_by: str
    """Who ran the command or was logged in."""
    at: Time
    state: RequestState
    reason: str | None
    """Why the request was refused."""
    ended_at: Time | None
    before: dict[str, Any] | None
    """The changed values before the request was applied; null if it was not applied."""
    after: dict[str, Any] | None
    """The changed values after the request was applied; null if it was not applied."""


class RestatementDocument(TypedDict):
    """A change that a source made to past data, and the number before and after."""

    at: Time
    label: str
    title: str
    url: str | None
    of: Time | None
    why: str
    before: float | None
    after: float | None


class EditDocument(TypedDict):
    """An edit of one key of a definition. `old` or `new` is null if the key was absent."""

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
    """How the number is computed from the records and readings, in words."""
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
    """The values of the output and the outcome of a link in one week."""

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
    """The name of the connection to the publisher."""
    target: str
    value: Any
    state: State
    reason: str | None
    at: Time


class ExplanationDocument(EvidenceDocument):
    """A key result with all of its evidence, its links, and the targets that it was written to."""

    alignment: list[ExplainedLinkDocument]
    written: list[DeliveryDocument]
    requests: list[RequestDocument]
    """All requests about the key result, including waiting and refused ones."""


# -- history


class PointDocument(TypedDict):
    """A key result at the end of a day. The point of today shows the key result now."""

    day: Day
    value: float | None
    change: float | None
    """The change since the day before; null if the two values cannot be compared."""
    progress: float | None
    score: float | None
    expected: float
    health: Health
    quality: Quality | None
    source: PointSource | None
    """Null for a day before the first stored value."""
    measured_at: Time | None
    """When a cycle last measured the value completely."""
    reason: str | None


class EditedDocument(EditDocument):
    """An edit of the definition."""

    day: Day
    event: Literal["edited"]


class RestatedDocument(TypedDict):
    """A source changed past data."""

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
    """The newest value that people had checked in before this event."""
    after: float | None
    """The newest value that people have checked in after this event."""


class ApprovedDocument(ApprovalDocument):
    """A person approved a held number."""

    day: Day
    event: Literal["approved"]


class AskedDocument(RequestDocument):
    """A request of a person that waits, was refused, or is about a delivery."""

    day: Day
    event: Literal["asked"]


EventDocument = EditedDocument | RestatedDocument | CheckedInDocument | ApprovedDocument | AskedDocument


class HistoryDocument(TypedDict):
    """A key result day by day, with the events that happened meanwhile."""

    key_result: str
    title: str
    period: PeriodDocument
    unit: str | None
    points: list[PointDocument]
    events: list[EventDocument]
