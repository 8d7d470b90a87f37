"""Errors, named after the engine's next step.

SyncdError
├── ConfigError      say what to write instead: the whole file is wrong (exit code 2), or a connection cannot be opened
│   └── UnusableField   a field cannot be read: fails what names it, and nothing else
│       └── UnknownField    the source does not have it
└── SourceError      this stream or delivery fails, the others go on; exit code 1
    ├── RetryLater      worth another try, after `after` seconds where the server said so
    ├── SourceBroken    another try would end the same: credentials, permissions, an answer that makes no sense
    ├── Withheld        not sent, because it may change something and this is a rehearsal: what is kept counts
    └── Unsure          a write that may have taken effect, where nothing can be read back: a person decides

They carry data; only `syncd.cli` turns them into sentences for people. No error's text holds a secret: what a server
says is masked before it is cut (`syncd.sdk.server`), and requests are never quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class SyncdError(Exception):
    """Everything that syncd raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake in a file: where it is, and a sentence that says what is wrong and what to write instead."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(SyncdError):
    """The configuration is wrong. `problems` lists every mistake whose place in a file is known."""

    def __init__(self, message: str = "", problems: Iterable[Problem] = ()) -> None:
        self.problems = sorted(problems)
        super().__init__(message or "\n".join(str(problem) for problem in self.problems))


class UnusableField(ConfigError):
    """A measure names a field that cannot be read, such as a name that two fields have; the message says why."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class UnknownField(UnusableField):
    """A measure names a field that its source does not have; `fields` are the source's fields."""

    def __init__(self, field: str, fields: Iterable[str]) -> None:
        self.fields = sorted(fields)
        super().__init__(field, f"there is no field {field!r}")


class SourceError(SyncdError):
    """A source could not be read to its end, or a publisher could not be written to.

    `status` is the HTTP status of the answer that it stands for; None if there was no answer.
    """

    status: int | None = None


class RetryLater(SourceError):
    """Another try may succeed; `after` is the wait in seconds, if the server asks for a wait."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


class SourceBroken(SourceError):
    """Every further try will fail until somebody changes something."""


class Withheld(SourceError):
    """A rehearsal (`plan`, a dry run, `doctor`) did not send a request that may change something; the text says why."""


class Unsure(SourceError):
    """A request was sent to a service where nothing can be read back, and no answer says whether it arrived."""
