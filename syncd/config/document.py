"""A YAML file as plain data, with the line of every key and item, and its size bounded before it is built.

YAML 1.2: `yes` and `on` are texts. Refused, beside what is no YAML: duplicate keys, merges, and a file over 1 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.config.nodes import Collection, Node, Text, compose
from syncd.config.scalars import plain_scalar
from syncd.sdk import ConfigError, Problem

MAX_BYTES = 1_000_000

Place = tuple[str | int, ...]
"""Where in a document: the keys and indices from its root."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data; `lines` gives the line of each place, counted from 1."""

    file: str
    data: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest one that holds it."""
        for length in range(len(place), -1, -1):
            if (line := self.lines.get(place[:length])) is not None:
                return line
        return 1

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at a place."""
        return Problem(self.file, self.line(place), message)


def read_document(path: Path, shown: str) -> Document:
    """The document in a file; `shown` is what messages call it. ConfigError where it cannot be read."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(
                problems=[
                    Problem(shown, 0, f"is {size / 1e6:.1f} MB; a file may have 1 MB: split it, or name the right one")
                ]
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            problems=[Problem(shown, 0, f"cannot be read: {(error.strerror or str(error)).lower()}")]
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(problems=[Problem(shown, 0, "is not UTF-8 text; save it as UTF-8")]) from None
    return parse_document(text, shown)


def parse_document(text: str, shown: str) -> Document:
    """The document that a text holds."""
    root = compose(text, shown)
    if root is None:
        return Document(shown, None, {(): 1})
    return _Builder(shown).document(root)


class _Builder:
    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def document(self, root: Node) -> Document:
        data = self.build(root, ())
        if self.problems:
            raise ConfigError(problems=self.problems)
        return Document(self.shown, data, self.lines)

    def build(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, node.line)
        if isinstance(node, Text):
            return plain_scalar(node.text) if node.plain else node.text
        if node.block:
            return self.mapping(node, place)
        return [self.build(child, (*place, index)) for index, child in enumerate(node.children)]

    def mapping(self, node: Collection, place: Place) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.pairs():
            line = key_node.line
            if not isinstance(key_node, Text):
                self.problems.append(Problem(self.shown, line, "a key must be a text"))
                continue
            key = key_node.text
            if key == "<<":
                self.problems.append(Problem(self.shown, line, "'<<' merges are not supported; write the keys out"))
                continue
            inner = (*place, key)
            if key in built:
                message = f"{key!r} stands here a second time (first in line {self.lines[inner]}); keep one of them"
                self.problems.append(Problem(self.shown, line, message))
                continue
            self.lines[inner] = line
            built[key] = self.build(value_node, inner)
        return built
