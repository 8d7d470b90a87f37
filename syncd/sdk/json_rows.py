"""Reads rows of JSON by paths, as far as records need it: a text, a time, the elements of a field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd.sdk.errors import RetryLater
from syncd.sdk.facts import Scalar


class JsonRow:
    """A row of a list. A path such as `author.username` leads into objects, and from a list into each of its elements.

    A key that a row lacks is no blank: RetryLater, as for every answer that is not what was expected. A blank is null.
    A key with `?` after it, as in `milestones?.title`, may be missing.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def elements(self, path: str) -> list[Scalar]:
        """The elements of a field: none for null; a truth value is the text `true` or `false`."""
        values: list[Any] = [self._content]
        for key in path.split("."):
            values = [inner for value in values for inner in _inner(value, key, path)]
        return [_scalar(value, path) for value in values]

    def text(self, path: str) -> str | None:
        """A text, or a number as a text; None for null."""
        elements = self.elements(path)
        if len(elements) > 1:
            raise _unexpected(path, "has several values")
        return str(elements[0]) if elements else None

    def time(self, path: str) -> datetime | None:
        """An ISO 8601 time, aware; None for null."""
        text = self.text(path)
        try:
            moment = None if text is None else datetime.fromisoformat(text)
        except ValueError:
            raise _unexpected(path, "is no time") from None
        if moment is not None and moment.tzinfo is None:
            raise _unexpected(path, "is a time without a zone")
        return moment


def _inner(value: object, key: str, path: str) -> list[Any]:
    """The values of a key, without nulls."""
    name = key.removesuffix("?")
    if not isinstance(value, Mapping) or (name not in value and name == key):
        raise _unexpected(path, "is missing")
    inner = value.get(name)
    return [each for each in inner if each is not None] if isinstance(inner, list) else [] if inner is None else [inner]


def _scalar(value: object, path: str) -> Scalar:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return value
    raise _unexpected(path, "is no text, number or truth value")


def _unexpected(path: str, problem: str) -> RetryLater:
    return RetryLater(f"its answer is not what was expected: {path} {problem}")
