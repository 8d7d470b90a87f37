"""The contract between syncd and a publisher, the half of a connector that writes.

A `Statement` of a key result becomes the content of a target: a row of a sheet, the fields of an issue, a file. syncd
reads the target, decides whether to write, and passes the content to the publisher; see docs/decisions/0022.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, get_args, runtime_checkable

from pydantic import BaseModel, ConfigDict

from syncd.sdk.facts import Json, Scalar

Stated = Literal[
    "key_result", "title", "kind", "unit", "objective", "objective_title", "owner", "period",
    "value", "baseline", "target", "progress", "score", "expected",
    "health", "quality", "reason", "confidence", "note", "as_of", "updated", "evidence",
]  # fmt: skip
"""The fields of a statement. Columns, fields and templates of an entry of `publish:` may name these fields."""

STATED: frozenset[str] = frozenset(get_args(Stated))
MEASURED: frozenset[str] = frozenset({"value", "progress", "score"})
"""The fields that are unknown if the value is unknown."""

Content = Mapping[str, Scalar | None]
"""The value at each place of a target, either present or wanted; None for an empty place. Places have names for
people.
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """The check-in that syncd itself makes for a key result, from its last complete value.

    `value`, `progress` and `score` are None if the number is unknown. An unknown number is not written. With
    `blank_unknown`, its place is emptied instead. `expected` is the expected score at the start of the day. `as_of` is
    the time that the number describes, `updated` the time of the statement; both are in the project's zone. `evidence`
    is the address of the page that explains the number, if the project has pages. Rounding by `syncd.sdk.figures` must
    not move the value across any of the `value_bounds`, or the progress across any of the `progress_bounds`. `former`
    has the key result's earlier ids, newest first: syncd treats content under these ids as its own, and continues it.
    """

    key_result: str
    title: str
    kind: str
    unit: str | None
    objective: str
    objective_title: str
    owner: str | None
    period: str
    value: float | None
    baseline: float | None
    target: float | None
    progress: float | None
    score: float | None
    expected: float | None
    health: str
    quality: str
    reason: str | None
    confidence: float | None
    note: str | None
    as_of: datetime | None
    updated: datetime
    evidence: str | None
    value_bounds: Sequence[float] = ()
    progress_bounds: Sequence[float] = ()
    blank_unknown: bool = False
    former: Sequence[str] = ()

    def content(self, names: Iterable[str]) -> dict[str, Scalar | None]:
        """The values of the fields with these names. Times are texts such as `2026-11-21 10:15`.

        Unknown numbers are left out, so the target keeps its old number. With `blank_unknown`, unknown numbers are
        None.
        """
        left_out = MEASURED if self.value is None and not self.blank_unknown else ()
        return {name: _scalar(getattr(self, name)) for name in names if name not in left_out}


def _scalar(value: Any) -> Scalar | None:
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value


@dataclass(frozen=True, slots=True)
class Summary:
    """The state of a period, for a publisher of documents: the document of `status --json`, and the statements."""

    document: Mapping[str, object]
    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Written:
    """The present content of a target. If the target does not exist, `absent` says why and what to do about it.

    `where` has the position of each place, such as `OKRs!D4`, if the place's name is not its position. `above` has the
    header over each place that is in a column. `headers` has the present position of each header
    (`column E`). If a header has moved since syncd last wrote, its column has moved too. syncd then writes nothing to
    the column that is now at the old position.
    """

    content: Content = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    absent: str | None = None
    above: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class PublishKeys(BaseModel):
    """The keys that a connector adds to an entry of `publish:`, in addition to `to` and `override`."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=True)

    states: ClassVar[Literal["key results", "period"]] = "key results"
    """Whether a target holds a key result or a period. The content of a period's target comes from a `Summary`."""

    def names(self) -> Collection[str] | None:
        """The key results that the entry names; None if the entry writes all key results."""
        return None

    def uses(self) -> Collection[str]:
        """The fields of `STATED` that the content shows. Only a change of these fields causes a write."""
        return STATED

    def daily(self) -> Collection[str]:
        """The fields that have a place of their own and change only because time passes. Such fields are written once a
        day, so that people see that syncd is running. A text of several lines is not rewritten if only such fields
        change.
        """
        return ()

    def target(self, key_result: str) -> str:
        """The target's name in messages for people; it changes only if the target changes."""
        raise NotImplementedError

    def how(self, key_result: str) -> Json:
        """The keys that decide how a key result is written. If one of them changes, the key result is written again.

        Keys that are not set are left out, so a new key of a later version does not count as a change.
        """
        keys: Json = self.model_dump(mode="json", exclude_defaults=True)
        return keys


class Publisher(Protocol):
    """An opened connection that syncd writes through. Only one thread uses the publisher. Opening the publisher makes
    no request.

    syncd repeats failed writes, and reads the target again before each try. A publisher raises RetryLater if another
    try may help, even if nobody knows whether a write took effect. It raises SourceBroken if another try cannot help.
    """

    together: bool
    """Whether one read and one write serve any number of targets. If not, each target needs a read and a write of its
    own.
    """

    appends: bool
    """Whether written content cannot be read back. If so, `read` is not called, and a write that may have arrived
    raises `Unsure`.
    """

    def content(self, statement: Statement | Summary) -> Content:
        """The content that a statement's target should have; empty if there is nothing to write. Makes no request."""
        ...

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """The present content of each key result's target, at the places that `wanted` names."""
        ...

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes only the places in `contents` of each key result's target. syncd calls `write` after a `read` of these
        places.
        """
        ...

    def close(self) -> None:
        """Releases the publisher's resources; called once."""
        ...


@runtime_checkable
class AsksForRights(Protocol):
    """A publisher that can check the rights of its credentials without a write."""

    def lacks(self, key_result: str) -> str | None:
        """The right that the credentials lack for a write to the target, and what to do about it. None if no right is
        missing, or if the rights are not known.

        `lacks` is called after a `read` of the target.
        """
        ...
