"""The contract between syncd and the half of a connector that writes.

A `Statement` of a key result becomes the content of a target: a row of a sheet, the fields of an issue, a file. syncd
reads what the target holds, decides, and has the content written; see docs/decisions/0022.
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
"""The fields of a statement, which columns, fields and templates may name."""

STATED: frozenset[str] = frozenset(get_args(Stated))
MEASURED: frozenset[str] = frozenset({"value", "progress", "score"})
"""The fields that are unknown if the value is."""

Content = Mapping[str, Scalar | None]
"""The value at each place of a target, as it is or as it shall be; None is nothing. Places have names for people."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The check-in that syncd itself makes for a key result, from its last complete value.

    `value`, `progress` and `score` are None if the number is unknown: then no number is written, and with
    `blank_unknown` the place of the number is emptied. `expected` is that of the day's start. `as_of` is the time that
    the number describes, `updated` the time of the statement; both are in the project's zone. `evidence` is the address
    of the page that explains the number, if the project has pages. `value_bounds` and `progress_bounds` are what
    `syncd.sdk.figures` must not round the two numbers across. `former` is the id that the key result had before: what
    syncd wrote under that id is its own, and goes on.
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
    former: str | None = None

    def content(self, names: Iterable[str]) -> dict[str, Scalar | None]:
        """The fields with these names, times as `2026-11-21 10:15`.

        Unknown numbers are left out, so that the old number stays; with `blank_unknown` they are None.
        """
        left_out = MEASURED if self.value is None and not self.blank_unknown else ()
        return {name: _scalar(getattr(self, name)) for name in names if name not in left_out}


def _scalar(value: Any) -> Scalar | None:
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole period, for a publisher that writes a document: the document of `status --json`, and the statements."""

    document: Mapping[str, object]
    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Written:
    """What a target holds now. If the target does not exist, `absent` says why and what to do about it.

    `where` tells people where a place is (`OKRs!D4`), if its name does not. `above` is the header over a place that has
    no name but its position, and `headers` says where each header is now (`column E`): if a header has moved since
    syncd wrote below it, its column has moved with it, and nothing is written to the column that took its position.
    """

    content: Content = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    absent: str | None = None
    above: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class PublishKeys(BaseModel):
    """The keys that a connector adds to an entry of `publish:`, beside `to` and `override`."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=True)

    states: ClassVar[Literal["key results", "period"]] = "key results"
    """Whether a target holds a key result, or a whole period: then its content is made of a `Summary`."""

    def names(self) -> Collection[str] | None:
        """The key results that the entry names; None if it writes all of them."""
        return None

    def uses(self) -> Collection[str]:
        """The fields of `STATED` that its content shows: only a change of these fields causes a write."""
        return STATED

    def daily(self) -> Collection[str]:
        """The fields with a place of their own that move with the clock alone: they are written once a day, so that
        people see that syncd is alive. Texts of several lines are not written anew for them.
        """
        return ()

    def target(self, key_result: str) -> str:
        """The target's name in messages for people; it changes only if the target does."""
        raise NotImplementedError

    def how(self, key_result: str) -> Json:
        """The keys that decide how a key result is written: if they change, it is written again.

        Keys that nobody set are left out, so a key that a later version adds is not a change.
        """
        keys: Json = self.model_dump(mode="json", exclude_defaults=True)
        return keys


class Publisher(Protocol):
    """An opened connection to write through. One thread uses the publisher; opening it makes no request.

    syncd repeats failed tries, and reads the target again before each. So a publisher raises RetryLater if another try
    may help, also if nobody knows whether a write took effect, and SourceBroken if it will not help.
    """

    together: bool
    """Whether one read and one write serve any number of targets; if not, each target has its own."""

    appends: bool
    """Whether what is written cannot be read back: then `read` is not called, and doubt is `Unsure`."""

    def content(self, statement: Statement | Summary) -> Content:
        """The content that a statement's target should have; empty if there is nothing to write. No request."""
        ...

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """The present content of each key result's target, at the places that `wanted` names."""
        ...

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes the given places of each key result's target, and no other place. Called after a `read` of them."""
        ...

    def close(self) -> None:
        """Releases what it holds; called once."""
        ...


@runtime_checkable
class AsksForRights(Protocol):
    """A publisher whose service says, without a write, what the credentials may do."""

    def lacks(self, key_result: str) -> str | None:
        """The right that a write to the target lacks, and what to do about it; None if it lacks none, or nobody knows.

        Called after a `read` of the target.
        """
        ...
