"""The contract between syncd and the other half of a connector: the one that writes.

What syncd states of a key result, a `Statement`, becomes the content of a target: a row of a sheet, the fields of an
issue, a file. syncd reads what stands there, decides, and has it written; see docs/decisions/0022.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, get_args

from pydantic import BaseModel, ConfigDict

from syncd.sdk.facts import Json, Scalar

Stated = Literal[
    "key_result", "title", "kind", "unit", "objective", "objective_title", "owner", "period",
    "value", "baseline", "target", "progress", "score", "expected",
    "health", "quality", "reason", "confidence", "note", "as_of", "updated", "evidence",
]  # fmt: skip
"""What a statement says, by name: what columns, fields and templates may ask for."""

STATED: frozenset[str] = frozenset(get_args(Stated))
_NUMBERS = frozenset({"value", "progress", "score"})

Content = Mapping[str, Scalar | None]
"""What stands at each place of a target, or is to stand there; None is nothing. Places are named for people."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The check-in that syncd itself makes of a key result: where it stands, by its last complete value.

    `value`, `progress` and `score` are None where its number is not known: then none is written. `expected` is that of
    the day's start. `as_of` is the time that the number is of, `updated` that of the statement; both carry the
    project's zone. `evidence` is the address of the page that explains it, where the project has one.
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

    def content(self, names: Iterable[str]) -> dict[str, Scalar | None]:
        """What it says under each of these names, times as `2026-11-21 10:15`; no number where that is not known."""
        return {name: _scalar(getattr(self, name)) for name in names if not (self.value is None and name in _NUMBERS)}


def _scalar(value: Any) -> Scalar | None:
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value


@dataclass(frozen=True, slots=True)
class Summary:
    """All of a period at once, for a publisher that writes a whole document: `status --json`'s, and its statements."""

    document: Mapping[str, Json]
    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Written:
    """What stands at a target. `absent` says why there is no such target, in words that say what to do about it.

    `where` tells people where a place is (`OKRs!D4`), where its name does not. `above` is the header over a place that
    is found by its position alone, and `headers` where each header stands now (`column E`): one that has gone elsewhere
    since syncd wrote below it has taken its place along, and nothing is written to what stands there instead.
    """

    content: Content = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    absent: str | None = None
    above: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class PublishKeys(BaseModel):
    """The keys that a connector adds to an entry of `publish:`, beside `to` and `override`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    states: ClassVar[Literal["key results", "period"]] = "key results"
    """Whether a target is of one key result, or holds a whole period: then it is stated by a `Summary`."""

    def names(self) -> Collection[str] | None:
        """The key results that it names itself; None where it states all of them."""
        return None

    def uses(self) -> Collection[str]:
        """Which of `STATED` its content shows: a change of nothing else is not worth a write."""
        return STATED

    def target(self, key_result: str) -> str:
        """Where a key result is written to, for people, and the same as long as that is the same place."""
        raise NotImplementedError

    def how(self, key_result: str) -> Json:
        """What of these keys says how a key result is written: it is written anew where that changes.

        Without those that nobody set: a key that a later version adds is no change.
        """
        keys: Json = self.model_dump(mode="json", exclude_defaults=True)
        return keys


class Publisher(Protocol):
    """An opened connection to write through. It is used by one thread; opening it makes no request.

    Its requests are tried again by syncd, which reads anew before each try: RetryLater where that may help, also where
    it is open whether a write took effect; SourceBroken where it will not.
    """

    together: bool
    """Whether one read and one write serve any number of targets; else each has its own."""

    appends: bool
    """Whether what is written cannot be read back: then `read` is not asked, and doubt is `Unsure`."""

    def content(self, said: Statement | Summary) -> Content:
        """What is to stand at the target of a statement, nothing where it says nothing there. Makes no request."""
        ...

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """What stands at the target of each key result now, at the places that `wanted` names."""
        ...

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes to the target of each key result the places given, and touches no other. Follows a `read` of them."""
        ...

    def close(self) -> None:
        """Gives back what it holds; called once."""
        ...
