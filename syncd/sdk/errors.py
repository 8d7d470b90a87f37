"""The errors of syncd, grouped by what syncd does next.

SyncdError
├── ConfigError      say what to write instead: the file is wrong (exit code 2), or a connection cannot be opened
│   └── UnusableField   a field cannot be read: only measures that name it fail
│       └── UnknownField    the source does not have the field
└── SourceError      this stream or delivery fails, the others go on; exit code 1
    ├── RetryLater      worth another try, after `after` seconds if the server asks for a wait
    ├── SourceBroken    another try would fail in the same way: credentials, permissions, an unexpected answer
    ├── Withheld        not sent in a rehearsal, because the request may change something: stored data is used
    └── Unsure          a write that may have arrived, where nothing can be read back: a person decides

Only `syncd.cli` turns errors into sentences for people. No error's text holds a secret: a server's text is masked
before it is cut (`syncd.sdk.server`), and requests are never quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class SyncdError(Exception):
    """The base class of every error that syncd raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake in a file: where it is, and a sentence that says what is wrong and what to write instead."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(SyncdError):
    """The configuration is wrong. `problems` lists the mistakes whose places in files are known."""

    def __init__(self, message: str = "", problems: Iterable[Problem] = ()) -> None:
        self.problems = sorted(problems)
        super().__init__(message or "\n".join(str(problem) for problem in self.problems))


class UnusableField(ConfigError):
    """A measure names a field that cannot be read, such as a name that two fields have. The message says why."""

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

    `status` is the HTTP status of the server's answer; None if there was no answer.
    """

    status: int | None = None


class RetryLater(SourceError):
    """Another try may succeed. `after` is the wait in seconds that the server asks for; None if the server asks for
    none.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


class SourceBroken(SourceError):
    """Every further try will fail until somebody changes something."""


class Withheld(SourceError):
    """A rehearsal (`plan`, a dry run, `doctor`) sends no request that may change something; the text says why."""


class Unsure(SourceError):
    """No answer says whether a request arrived, and the service offers no way to read the result back."""
