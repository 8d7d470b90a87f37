"""Reads values of JSON rows by their paths, and turns each row into a record by the paths in a `RecordShape`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.sdk.errors import RetryLater
from syncd.sdk.facts import Record, Scalar, lead_time
from syncd.sdk.members import Member


class JsonRow:
    """A row of a JSON list. A path such as `author.username` leads into nested objects. If the path meets a list, it
    leads into each element of the list.

    A field without a value must be null in the row. If a row lacks a key, RetryLater is raised, as for every answer of
    an unexpected shape. A key with `?` after it, as in `milestones?.title`, may be missing.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def elements(self, path: str) -> list[Scalar]:
        """The elements of a field; empty for null. A boolean is the text `true` or `false`."""
        values: list[Any] = [self._content]
        for key in path.split("."):
            values = [inner for value in values for inner in _inner(value, key, path)]
        return [_scalar(value, path) for value in values]

    def text(self, path: str) -> str | None:
        """The text or the number at a path, as a text; None for null."""
        elements = self.elements(path)
        if len(elements) > 1:
            raise _unexpected(path, "has several values")
        return str(elements[0]) if elements else None

    def time(self, path: str) -> datetime | None:
        """The ISO 8601 time at a path, as a timezone-aware datetime; None for null."""
        text = self.text(path)
        try:
            moment = None if text is None else datetime.fromisoformat(text)
        except ValueError:
            raise _unexpected(path, "is no time") from None
        if moment is not None and moment.tzinfo is None:
            raise _unexpected(path, "is a time without a zone")
        return moment


def _inner(value: object, key: str, path: str) -> list[Any]:
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


@dataclass(frozen=True, kw_only=True)
class RecordShape:
    """The path in a row for each part of a record, and the rule that says why a row is `not_done`.

    `kind` and the value at `number` identify a record in its member: the number is unique among the records of its
    kind, and does not change. People read the number after the `sign`, as in `acme/web!7`. `done_at` has the paths of
    one or more times. The first of these times that is not null is the time at which the row was done.
    """

    kind: str
    number: str
    sign: str
    title: str
    url: str
    created_at: str = "created_at"
    updated_at: str = "updated_at"
    done_at: Sequence[str]
    not_done: Callable[[JsonRow], str | None]
    fields: Mapping[str, str]

    @property
    def names(self) -> Collection[str]:
        """The names of a record's fields."""
        return {*self.fields, "title", "lead_time"}

    def record(self, content: Mapping[str, Any], member: Member) -> Record:
        """The record of a row of a member. If a row has no title, the record's title is its number."""
        row = JsonRow(content)
        number, created_at, updated_at = row.text(self.number), row.time(self.created_at), row.time(self.updated_at)
        if number is None or updated_at is None:
            raise _unexpected(self.number if number is None else self.updated_at, "is null")
        done_at = next(filter(None, map(row.time, self.done_at)), None)
        not_done = self.not_done(row) or (None if done_at else "done, at an unknown time")
        done_at = None if not_done else done_at
        title = row.text(self.title) or number
        fields: dict[str, Sequence[Scalar]] = {name: row.elements(path) for name, path in self.fields.items()}
        fields |= {"title": [title], "lead_time": lead_time(created_at, done_at)}
        id_, label = f"{member.key} {self.kind} {number}", f"{member.path}{self.sign}{number}"
        url = row.text(self.url) or member.url
        return Record(id_, label, title, url, updated_at, created_at, done_at, not_done, fields, self.kind)
