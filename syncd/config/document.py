"""Reads a YAML file as plain data, with the line of each place. Refuses a file over 1 MB before reading it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from syncd.config.composing import Lines, compose, line_of
from syncd.sdk import ConfigError, Problem
from syncd.sdk.regular_files import open_regular

MAX_BYTES = 1_000_000

Place = tuple[str | int, ...]
"""A place in a document: the keys and indices from its root."""


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a file, with the line of each entry. `digest` is the digest of the file's content.

    `defaults` is the document of another file, from which the data may take entries. A problem in such an entry is
    reported for that other file.
    """

    file: str
    data: Any
    lines: Lines
    digest: bytes = b""
    defaults: Document | None = None

    def line(self, place: Place) -> int:
        """The line of a place, counted from 1. If the place is missing, returns the line of the nearest place that
        contains it.
        """
        return [self.lines.line, *self._along(place)][-1]

    def has(self, place: Place) -> bool:
        """Whether the document has this place."""
        return self._has_line(place) or (self.is_default(place) and self._in_data(place))

    def at(self, place: Place) -> Any:
        """The data at a place; None if the document lacks the place."""
        try:
            return self._data(place)
        except (KeyError, IndexError, TypeError):
            return None

    def _data(self, place: Place) -> Any:
        data = self.data
        for part in place:
            data = data[part]
        return data

    def _in_data(self, place: Place) -> bool:
        try:
            self._data(place)
        except (KeyError, IndexError, TypeError):
            return False
        return True

    def _has_line(self, place: Place) -> bool:
        return len(self._along(place)) == len(place)

    def is_default(self, place: Place) -> bool:
        """Whether the document takes this place from `defaults`."""
        return self.defaults is not None and not self._has_line(place) and self.defaults.has(place)

    def written(self, place: Place) -> Iterator[tuple[Place, str]]:
        """The text of each number and truth value below a place, as the file has it, with its own place."""
        entry: int | Lines = self.lines
        for part in place:
            if isinstance(entry, int) or part not in entry.inside:
                return
            entry = entry.inside[part]
        if isinstance(entry, Lines):
            yield from _written(entry, place)

    def _along(self, place: Place) -> list[int]:
        lines: list[int] = []
        entry: int | Lines = self.lines
        for part in place:
            if isinstance(entry, int) or part not in entry.inside:
                break
            entry = entry.inside[part]
            lines.append(line_of(entry))
        return lines

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at a place."""
        if self.defaults is not None and self.is_default(place):
            return self.defaults.problem(place, message)
        return Problem(self.file, self.line(place), message)


def _written(entry: Lines, place: Place) -> Iterator[tuple[Place, str]]:
    for part, text in entry.written.items():
        yield (*place, part), text
    for part, inner in entry.inside.items():
        if isinstance(inner, Lines):
            yield from _written(inner, (*place, part))


def texts(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """The texts in data at a place, each with its own place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, (*place, index))
    elif isinstance(value, str):
        yield place, value


def shown_path(path: Path) -> str:
    """A path as messages show it: relative to the working folder if the file is within it."""
    return str(path).removeprefix(os.path.join(os.getcwd(), ""))


def read_document(path: Path, shown: str, last: Document | None = None) -> Document:
    """The document in a file, called `shown` in messages. Raises ConfigError if the file cannot be read.

    If the file's content is the same as in its `last` document, the content is not parsed again.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(MAX_BYTES) if size <= MAX_BYTES else b""
        if size > MAX_BYTES:
            raise ConfigError(
                problems=[
                    Problem(shown, 0, f"is {size / 1e6:.1f} MB; a file may have 1 MB: split it, or name the right one")
                ]
            )
        digest = blake2b(content, digest_size=16).digest()
        if last is not None and (last.file, last.digest) == (shown, digest):
            return last
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            problems=[Problem(shown, 0, f"cannot be read: {(error.strerror or str(error)).lower()}")]
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = "a character here is not UTF-8 text; save the file as UTF-8"
        raise ConfigError(problems=[Problem(shown, line, message)]) from None
    return replace(parse_document(text, shown), digest=digest)


def parse_document(text: str, shown: str) -> Document:
    """The document in a text."""
    return Document(shown, *compose(text, shown))
