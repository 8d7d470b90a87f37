"""Errors, named by what the engine does next.

SyncdError
├── ConfigError      stop before anything is touched, say what to write instead; exit code 2
│   └── UnknownField    a field that the source does not have
└── SourceError      this stream or delivery fails, the others go on; exit code 1
    ├── RetryLater      worth another try, after `after` seconds where the server said so
    ├── SourceBroken    another try would end the same: credentials, permissions, an answer that makes no sense
    └── Unsure          a write that may have taken effect, where that cannot be looked up: a person decides

They carry data; `syncd.cli` alone turns them into sentences for a person. No text of an error holds a secret: what a
server sent back is cut to one short line, and headers are never quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class SyncdError(Exception):
    """Everything that syncd raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file: where, and a sentence that says what and what to write instead."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(SyncdError):
    """The configuration is wrong; `problems` lists all of it at once, where its place in a file is known."""

    def __init__(self, message: str = "", problems: Iterable[Problem] = ()) -> None:
        self.problems = sorted(problems)
        super().__init__(message or "\n".join(str(problem) for problem in self.problems))


class UnknownField(ConfigError):
    """A measure names a field that its source does not have; `fields` are those it has."""

    def __init__(self, field: str, fields: Iterable[str]) -> None:
        self.field = field
        self.fields = sorted(fields)
        super().__init__(f"there is no field {field!r}")


class SourceError(SyncdError):
    """A source could not be read to the end, or a publisher not be written to."""


class RetryLater(SourceError):
    """The source may answer later; `after` is in seconds, where it said so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


class SourceBroken(SourceError):
    """The source will go on failing until somebody changes something."""


class Unsure(SourceError):
    """Something was sent to where it cannot be read back, and no answer says whether it arrived."""
